//! The field mask of a PATCH.

/// The paths of the members that a PATCH has, in snake_case. A name of a map stands as it was
/// written when it is `[A-Za-z0-9_-]+`, else in backticks, with backticks in it doubled (AIP-161).
#[derive(Debug, Default)]
pub(crate) struct Mask {
    prefix: String,
    pub(crate) paths: Vec<String>,
}

impl Mask {
    /// Goes to the members of a field.
    pub(crate) fn enter(&mut self, name: &str) -> usize {
        let mark = self.prefix.len();
        if mark > 0 {
            self.prefix.push('.');
        }
        self.prefix.push_str(name);
        mark
    }

    /// Goes back.
    pub(crate) fn leave(&mut self, mark: usize) {
        self.prefix.truncate(mark);
    }

    /// Adds a field.
    pub(crate) fn add(&mut self, name: &str) {
        let mark = self.enter(name);
        self.paths.push(self.prefix.clone());
        self.leave(mark);
    }

    /// Adds a name of a map.
    pub(crate) fn add_key(&mut self, name: &str) {
        let plain =
            !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-');
        match plain {
            true => self.add(name),
            false => self.add(&format!("`{}`", name.replace('`', "``"))),
        }
    }
}
