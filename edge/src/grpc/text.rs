//! The body of `application/grpc-web-text`: base64, in pieces that may each be padded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;

/// The characters that make up to three bytes.
const GROUP: usize = 4;

/// The text is not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotBase64;

/// Decodes text as it comes.
#[derive(Debug, Default)]
pub(super) struct TextDecoder {
    /// What came of a group that is not whole.
    rest: Vec<u8>,
}

impl TextDecoder {
    /// Appends what the text says.
    pub(super) fn decode(&mut self, mut text: &[u8], out: &mut BytesMut) -> Result<(), NotBase64> {
        if !self.rest.is_empty() {
            let (start, after) = text.split_at(text.len().min(GROUP - self.rest.len()));
            self.rest.extend_from_slice(start);
            if self.rest.len() < GROUP {
                return Ok(());
            }
            text = after;
            let group = std::mem::take(&mut self.rest);
            decode(&group, out)?;
        }
        let (groups, rest) = text.split_at(text.len() - text.len() % GROUP);
        self.rest.extend_from_slice(rest);
        let mut groups = groups;
        while !groups.is_empty() {
            // Padding ends a piece, and another may follow.
            let padded = groups.iter().position(|c| *c == b'=').map(|at| at - at % GROUP + GROUP);
            let (piece, others) = groups.split_at(padded.unwrap_or(groups.len()));
            decode(piece, out)?;
            groups = others;
        }
        Ok(())
    }

    /// Whether the text ended where it may.
    pub(super) fn is_whole(&self) -> bool {
        self.rest.is_empty()
    }
}

fn decode(text: &[u8], out: &mut BytesMut) -> Result<(), NotBase64> {
    let bytes = STANDARD.decode(text).map_err(|_| NotBase64)?;
    out.extend_from_slice(&bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str, piece: usize) -> Result<(Vec<u8>, bool), NotBase64> {
        let (mut decoder, mut out) = (TextDecoder::default(), BytesMut::new());
        for piece in text.as_bytes().chunks(piece) {
            decoder.decode(piece, &mut out)?;
        }
        Ok((out.to_vec(), decoder.is_whole()))
    }

    #[test]
    fn text_however_it_is_cut() {
        for (text, outcome) in [
            ("", Ok(("", true))),
            ("YWJj", Ok(("abc", true))),
            ("YWI=", Ok(("ab", true))),
            ("YQ==YWI=YWJj", Ok(("aababc", true))),
            ("YWJjYQ==YWJj", Ok(("abcaabc", true))),
            ("YWJjY", Ok(("abc", false))),
            ("====", Err(NotBase64)),
            ("Y=Jj", Err(NotBase64)),
            ("YW Jj===", Err(NotBase64)),
            ("YWJ\n", Err(NotBase64)),
            ("YW-_", Err(NotBase64)),
        ] {
            for piece in [1, 2, 3, 4, 5, 7, 100] {
                let outcome = outcome.map(|(bytes, whole)| (bytes.as_bytes().to_vec(), whole));
                assert_eq!(decoded(text, piece), outcome, "{text} by {piece}");
            }
        }
    }
}
