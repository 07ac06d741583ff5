//! Markdown of guides and of comments. Comments may be anyone's: HTML in them stays text, and links lead to the web
//! or to a place of this server.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::html::Html;

/// A heading of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) anchor: String,
    pub(super) title: String,
}

/// A text and its headings of the second level.
#[derive(Clone, Debug, Default)]
pub(super) struct Rendered {
    pub(super) html: Html,
    pub(super) headings: Vec<Heading>,
}

/// Renders a text.
pub(super) fn render(text: &str) -> Rendered {
    let mut out = Rendered::default();
    let events: Vec<Event<'_>> = Parser::new_ext(text, Options::ENABLE_TABLES).collect();
    let mut in_head = false;
    for (at, event) in events.iter().enumerate() {
        let html = &mut out.html;
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let title = plain(&events[at + 1..]);
                let anchor = anchor(&title);
                html.markup(if *level == HeadingLevel::H2 { "<h2 id=\"" } else { "<h3 id=\"" });
                html.text(&anchor).markup("\">");
                if *level == HeadingLevel::H2 {
                    out.headings.push(Heading { anchor, title });
                }
            }
            Event::End(TagEnd::Heading(level)) => {
                html.markup(if *level == HeadingLevel::H2 { "</h2>\n" } else { "</h3>\n" });
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                html.markup("<a href=\"").text(safe(dest_url)).markup("\">");
            }
            Event::End(TagEnd::Link) => {
                html.markup("</a>");
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                html.markup("<pre><code");
                if let CodeBlockKind::Fenced(language) = kind
                    && !language.is_empty()
                {
                    html.markup(" class=\"").text(language).markup("\"");
                }
                html.markup(">");
            }
            Event::Start(Tag::TableHead) => {
                in_head = true;
                html.markup("<thead><tr>");
            }
            Event::End(TagEnd::TableHead) => {
                in_head = false;
                html.markup("</tr></thead><tbody>\n");
            }
            Event::Start(Tag::TableCell) => {
                html.markup(if in_head { "<th scope=\"col\">" } else { "<td>" });
            }
            Event::End(TagEnd::TableCell) => {
                html.markup(if in_head { "</th>" } else { "</td>" });
            }
            Event::Start(tag) => {
                html.markup(start(tag));
            }
            Event::End(tag) => {
                html.markup(end(*tag));
            }
            Event::Code(text) => {
                html.code(text);
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                html.text(text);
            }
            Event::SoftBreak => {
                html.markup("\n");
            }
            Event::HardBreak => {
                html.markup("<br>");
            }
            Event::Rule => {
                html.markup("<hr>");
            }
            _ => {}
        }
    }
    out
}

fn start(tag: &Tag<'_>) -> &'static str {
    match tag {
        Tag::Paragraph => "<p>",
        Tag::List(None) => "<ul>",
        Tag::List(Some(_)) => "<ol>",
        Tag::Item => "<li>",
        Tag::Emphasis => "<em>",
        Tag::Strong => "<strong>",
        Tag::BlockQuote(_) => "<blockquote>",
        Tag::Table(columns) => match columns.first() {
            Some(Alignment::Right) => "<div class=\"wide\"><table class=\"numbers\">",
            _ => "<div class=\"wide\"><table>",
        },
        Tag::TableRow => "<tr>",
        _ => "",
    }
}

fn end(tag: TagEnd) -> &'static str {
    match tag {
        TagEnd::Paragraph => "</p>\n",
        TagEnd::List(false) => "</ul>\n",
        TagEnd::List(true) => "</ol>\n",
        TagEnd::Item => "</li>\n",
        TagEnd::Emphasis => "</em>",
        TagEnd::Strong => "</strong>",
        TagEnd::BlockQuote(_) => "</blockquote>\n",
        TagEnd::Table => "</tbody></table></div>\n",
        TagEnd::TableRow => "</tr>\n",
        TagEnd::CodeBlock => "</code></pre>\n",
        _ => "",
    }
}

/// The text up to the end of a heading.
fn plain(events: &[Event<'_>]) -> String {
    let heading = events.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let text = heading.filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(&**text),
        _ => None,
    });
    text.collect()
}

/// A title as a name in an address.
pub(super) fn anchor(title: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    title.chars().map(plain).collect::<String>().trim_matches('-').to_owned()
}

/// Where a link may lead: no `javascript:` and no other server by `//`.
fn safe(link: &str) -> &str {
    let is_own = link.starts_with('#') || (link.starts_with('/') && !link.starts_with("//"));
    match is_own || link.starts_with("https://") || link.starts_with("http://") {
        true => link,
        false => "#",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_anyone_are_safe() {
        for (text, expected) in [
            ("a `b` **c**", "<p>a <code>b</code> <strong>c</strong></p>\n"),
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("a <img src=x onerror=y> b", "<p>a &lt;img src=x onerror=y&gt; b</p>\n"),
            ("`<b>` & \"q\" 'r'", "<p><code>&lt;b&gt;</code> &amp; &quot;q&quot; &#39;r&#39;</p>\n"),
            ("[x](javascript:alert(1))", "<p><a href=\"#\">x</a></p>\n"),
            ("[x](data:text/html,y)", "<p><a href=\"#\">x</a></p>\n"),
            ("[x](//evil.example)", "<p><a href=\"#\">x</a></p>\n"),
            ("[x](/docs/errors)", "<p><a href=\"/docs/errors\">x</a></p>\n"),
            ("[x](https://a.example/?\"b)", "<p><a href=\"https://a.example/?&quot;b\">x</a></p>\n"),
            ("![x](https://a.example/b.png)", "<p>x</p>\n"),
            ("- a\n- b", "<ul><li>a</li>\n<li>b</li>\n</ul>\n"),
            ("```\"><script>\nx\n```", "<pre><code class=\"&quot;&gt;&lt;script&gt;\">x\n</code></pre>\n"),
        ] {
            assert_eq!(render(text).html.finish(), expected, "{text}");
        }
    }

    #[test]
    fn headings_have_anchors() {
        let rendered = render("## Rate limits & `429`\n\ntext\n\n### Deeper\n");
        let heading =
            Heading { anchor: "rate-limits---429".to_owned(), title: "Rate limits & 429".to_owned() };
        assert_eq!(rendered.headings, [heading]);
        assert!(rendered.html.finish().contains("<h3 id=\"deeper\">"));
    }

    #[test]
    fn tables_are_tables() {
        let html = render("| a | b |\n| --- | --- |\n| 1 | <x> |\n").html.finish();
        let expected = "<div class=\"wide\"><table><thead><tr><th scope=\"col\">a</th><th scope=\"col\">b</th></tr>\
            </thead><tbody>\n<tr><td>1</td><td>&lt;x&gt;</td></tr>\n</tbody></table></div>\n";
        assert_eq!(html, expected);
    }
}
