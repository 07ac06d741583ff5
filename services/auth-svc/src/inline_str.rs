//! Short text in place of its owner. Among a million keys hardly any is in the processor's cache, and each
//! other piece of memory to look at is a wait.

/// Text of at most so many bytes, none of which is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct InlineStr<const LENGTH: usize>([u8; LENGTH]);

impl<const LENGTH: usize> InlineStr<LENGTH> {
    /// `None` for what is too long.
    pub(crate) fn new(text: &str) -> Option<InlineStr<LENGTH>> {
        let mut bytes = [0; LENGTH];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(InlineStr(bytes))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(LENGTH);
        // It was made of text.
        std::str::from_utf8(&self.0[..end]).unwrap_or_default()
    }

    /// All bytes, with zeros at the end.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
