//! The content of an import, as its bytes come: records, and where each of them ends.

use aws_lc_rs::digest::{Context, SHA256};

use crate::csv::{Cells, Charset, Decoder, MAX_RECORD, RecordFault, Records, opening};

/// How much of a content was dealt with. The same content has the same stand at the same record, however its bytes
/// came and in whichever encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    /// How many bytes of text.
    pub(crate) position: i64,
    /// How many lines these are.
    pub(crate) lines: i64,
    /// The SHA-256 of the bytes.
    pub(crate) digest: Vec<u8>,
}

/// The first line is too long to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoFirstLine;

/// Reads records.
pub(crate) struct Content {
    decoder: Decoder,
    delimiter: Option<u8>,
    /// What was decoded and not yet read, from `read` on.
    text: Vec<u8>,
    read: usize,
    has_ended: bool,
    /// `None` until the first line is there.
    records: Option<Records>,
    /// How many bytes stand before the first record.
    before: u64,
    digest: Context,
    /// Where the content stood before a record of which only a part is read.
    stood: Option<Stand>,
}

impl Content {
    /// Of this encoding unless it says another one, with this between its cells unless that is to be seen.
    pub(crate) fn new(charset: Charset, delimiter: Option<u8>) -> Content {
        Content {
            decoder: Decoder::new(charset),
            delimiter,
            text: Vec::new(),
            read: 0,
            has_ended: false,
            records: None,
            before: 0,
            digest: Context::new(&SHA256),
            stood: None,
        }
    }

    /// Takes what has come. Whoever gives more than is read holds it all: read until there is nothing.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.text.drain(..self.read);
        self.read = 0;
        self.decoder.feed(bytes, &mut self.text);
    }

    /// Nothing more comes.
    pub(crate) fn end(&mut self) {
        if !self.has_ended {
            self.decoder.end(&mut self.text);
            self.has_ended = true;
        }
    }

    /// Whether nothing more comes.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Reads the next record. Whether there is one now.
    pub(crate) fn next(&mut self) -> Result<bool, NoFirstLine> {
        let records = match &mut self.records {
            Some(records) => records,
            None => match opening(&self.text, self.delimiter, self.has_ended) {
                Some(opening) => {
                    self.digest.update(&self.text[..opening.before]);
                    self.read = opening.before;
                    self.before = opening.before as u64;
                    let first_line = if opening.before > 0 { 2 } else { 1 };
                    self.records.insert(Records::new(opening.delimiter, first_line))
                }
                None if self.text.len() > MAX_RECORD => return Err(NoFirstLine),
                None => return Ok(false),
            },
        };
        let stood = (self.before + records.position(), records.lines());
        let (taken, mut whole) = records.read(&self.text[self.read..]);
        if !whole && self.has_ended {
            whole = records.end();
        }
        if whole {
            self.stood = None;
        } else if self.stood.is_none() {
            self.stood = Some(stand(stood, &self.digest));
        }
        self.digest.update(&self.text[self.read..self.read + taken]);
        self.read += taken;
        Ok(whole)
    }

    /// The cells of the record that was read last.
    pub(crate) fn cells(&self) -> Result<Cells<'_>, RecordFault> {
        self.records.as_ref().map_or(Err(RecordFault::NotText), Records::cells)
    }

    /// The line on which it begins.
    pub(crate) fn line(&self) -> i64 {
        number(self.records.as_ref().map_or(0, Records::record_line))
    }

    /// Where the content stands behind the record that was read last. Of one that has come in part it may never see
    /// the rest.
    pub(crate) fn stand(&self) -> Stand {
        self.stood.clone().unwrap_or_else(|| stand(self.read_so_far(), &self.digest))
    }

    /// How many bytes of text end with that record.
    pub(crate) fn position(&self) -> i64 {
        match &self.stood {
            Some(stood) => stood.position,
            None => number(self.read_so_far().0),
        }
    }

    /// How many bytes of text were read, and how many lines.
    fn read_so_far(&self) -> (u64, u64) {
        self.records.as_ref().map_or((0, 0), |records| (self.before + records.position(), records.lines()))
    }
}

fn stand((position, lines): (u64, u64), digest: &Context) -> Stand {
    Stand {
        position: number(position),
        lines: number(lines),
        digest: digest.clone().finish().as_ref().to_vec(),
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each record with where the content stands behind it.
    fn read(bytes: &[u8], piece: usize) -> Vec<(i64, Vec<String>, Stand)> {
        let mut content = Content::new(Charset::Utf8, None);
        let mut read = Vec::new();
        let mut drain = |content: &mut Content| {
            while content.next().unwrap() {
                let cells = content.cells().unwrap().iter().map(str::to_owned).collect();
                read.push((content.line(), cells, content.stand()));
            }
        };
        for piece in bytes.chunks(piece) {
            content.feed(piece);
            drain(&mut content);
        }
        content.end();
        drain(&mut content);
        read
    }

    #[test]
    fn the_same_content_stands_at_the_same_place_however_it_comes() {
        let text = "sep=;\r\nname;note\r\nAnn;\"one\r\ntwo\"\r\nZoë;x";
        let whole = read(text.as_bytes(), text.len());
        let lines: Vec<i64> = whole.iter().map(|(line, ..)| *line).collect();
        assert_eq!(lines, [2, 3, 5]);
        assert_eq!(whole[1].1, ["Ann", "one\r\ntwo"]);
        assert_eq!(whole[2].2.position, text.len() as i64);
        for piece in 1..text.len() {
            assert_eq!(read(text.as_bytes(), piece), whole, "by {piece}");
        }
        let utf_16: Vec<u8> =
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&utf_16, 7), whole);
        let other = read(text.replace("Ann", "Eve").as_bytes(), 9);
        assert_eq!(other[1].2.position, whole[1].2.position);
        assert_ne!(other[1].2.digest, whole[1].2.digest);
        assert_eq!(other[0].2, whole[0].2);
    }

    #[test]
    fn a_part_of_a_record_moves_nothing() {
        let text = "name;note\nAnn;\"one\ntwo\"\nZoë;x\n";
        let stands: Vec<Stand> = read(text.as_bytes(), 1).into_iter().map(|(.., stand)| stand).collect();
        let mut content = Content::new(Charset::Utf8, None);
        let mut last = content.stand();
        let mut records = stands.iter();
        for (at, byte) in text.bytes().enumerate() {
            content.feed(&[byte]);
            while content.next().unwrap() {
                last = records.next().unwrap().clone();
            }
            assert_eq!(
                (content.stand(), content.position()),
                (last.clone(), last.position),
                "behind byte {at}"
            );
        }
        assert!(records.next().is_none());
    }

    #[test]
    fn a_first_line_without_end_is_not_held() {
        let mut content = Content::new(Charset::Utf8, None);
        for _ in 0..=MAX_RECORD / 4_096 {
            content.feed(&[b'x'; 4_096]);
            if content.next() == Err(NoFirstLine) {
                return;
            }
        }
        panic!("it is held");
    }

    #[test]
    fn nothing_has_no_record() {
        for text in ["", "\u{feff}"] {
            assert!(read(text.as_bytes(), 1).is_empty());
        }
    }
}
