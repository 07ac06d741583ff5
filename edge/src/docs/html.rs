//! HTML whose text is always escaped: only what stands in this program can be markup.

/// HTML under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup of ours.
    pub(super) fn markup(&mut self, markup: &'static str) -> &mut Html {
        self.0.push_str(markup);
        self
    }

    /// Text from anywhere, also as the value of an attribute in double quotes.
    pub(super) fn text(&mut self, text: &str) -> &mut Html {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                _ => self.0.push(character),
            }
        }
        self
    }

    /// HTML that was made the same way.
    pub(super) fn html(&mut self, other: &Html) -> &mut Html {
        self.0.push_str(&other.0);
        self
    }

    /// A word of code.
    pub(super) fn code(&mut self, text: &str) -> &mut Html {
        self.markup("<code>").text(text).markup("</code>")
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}
