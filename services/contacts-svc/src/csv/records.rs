//! Records of CSV (RFC 4180), as their bytes come.
//!
//! A record ends with a line break that is not in quotes: CR, LF or both. Whatever is wrong with it, where it ends
//! is known, so the next one is read as it stands. Only what a quote has opened that is never closed takes all that
//! follows with it; nothing of that is taken for a value.

/// The most bytes that the cells of a record have together. Ten times what the largest contact has.
pub(crate) const MAX_RECORD: usize = 1024 * 1024;
/// The most cells that a record has.
pub(crate) const MAX_CELLS: usize = 1_000;

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordFault {
    /// Its cells have more than [`MAX_RECORD`] bytes.
    TooLong,
    /// It has more than [`MAX_CELLS`] cells.
    TooManyCells,
    /// A quote stands within a cell that is not quoted, or something behind the closing one.
    StrayQuote,
    /// A quote that was opened is not closed.
    OpenQuote,
    /// A cell is no text in its encoding.
    NotText,
    /// A cell has a NUL character.
    Nul,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte of a record.
    Record,
    /// Before the first byte of another cell.
    Cell,
    /// In a cell without quotes.
    Plain,
    /// In quotes.
    Quoted,
    /// Behind a quote in quotes: the end, or the first of two that stand for one.
    Quote,
}

/// Reads records.
#[derive(Debug)]
pub(crate) struct Records {
    delimiter: u8,
    state: State,
    /// The last byte was a CR, so that a LF now is of the same line break.
    after_cr: bool,
    /// The line that is read, from 1.
    line: u64,
    /// How many bytes were taken.
    position: u64,
    record: Record,
}

/// The record that is read.
#[derive(Debug, Default)]
struct Record {
    line: u64,
    fault: Option<RecordFault>,
    /// The cells, one after the other.
    text: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    is_quoted: bool,
}

/// The cells of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'r> {
    text: &'r str,
    ends: &'r [usize],
}

impl Records {
    /// Of a text whose first line is the line with this number, from 1.
    pub(crate) fn new(delimiter: u8, line: u64) -> Records {
        let state = State::Record;
        Records { delimiter, state, after_cr: false, line, position: 0, record: Record::default() }
    }

    /// Reads on, at most to the end of a record. Says how many bytes were taken, and whether the record is whole:
    /// then it stands until the next call.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            let plain = match self.state {
                State::Plain => {
                    run(rest, |byte| byte == self.delimiter || matches!(byte, b'"' | b'\r' | b'\n'))
                }
                State::Quoted => run(rest, |byte| matches!(byte, b'"' | b'\r' | b'\n')),
                State::Record | State::Cell | State::Quote => 0,
            };
            if plain > 0 {
                self.record.push(&rest[..plain]);
                self.after_cr = false;
                taken += plain;
                continue;
            }
            taken += 1;
            if self.step(rest[0]) {
                self.position += taken as u64;
                return (taken, true);
            }
        }
        self.position += taken as u64;
        (taken, false)
    }

    /// The text has ended. Whether this makes a record whole, which had no line break.
    pub(crate) fn end(&mut self) -> bool {
        match self.state {
            State::Record => false,
            State::Quoted => {
                self.record.broken(RecordFault::OpenQuote);
                self.whole()
            }
            State::Cell | State::Plain | State::Quote => self.whole(),
        }
    }

    /// How many bytes were taken so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// How many lines were read to their end.
    pub(crate) fn lines(&self) -> u64 {
        self.line - 1
    }

    /// The line on which the record begins, from 1.
    pub(crate) fn record_line(&self) -> u64 {
        self.record.line
    }

    /// The cells of the record that is whole, or what is wrong with it. A line without anything is a record with
    /// one empty cell.
    pub(crate) fn cells(&self) -> Result<Cells<'_>, RecordFault> {
        if let Some(fault) = self.record.fault {
            return Err(fault);
        }
        let text = std::str::from_utf8(&self.record.text).map_err(|_| RecordFault::NotText)?;
        // Cells that are text together could still part a character between them.
        match self.record.ends.iter().all(|end| text.is_char_boundary(*end)) {
            false => Err(RecordFault::NotText),
            true if text.contains('\0') => Err(RecordFault::Nul),
            true => Ok(Cells { text, ends: &self.record.ends }),
        }
    }

    /// Takes one byte. Whether it ends the record.
    fn step(&mut self, byte: u8) -> bool {
        let is_break = matches!(byte, b'\r' | b'\n');
        let was_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
        let of_same_break = was_cr && byte == b'\n';
        if self.state == State::Record {
            if of_same_break {
                return false;
            }
            self.record.begin(self.line);
        }
        if is_break && !of_same_break {
            self.line += 1;
        }
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::Quote,
            (State::Quoted, _) => self.record.push(&[byte]),
            (State::Quote, b'"') => {
                self.record.push(b"\"");
                self.state = State::Quoted;
            }
            (State::Record | State::Cell, b'"') => {
                self.record.is_quoted = true;
                self.state = State::Quoted;
            }
            (_, b'\r' | b'\n') => return self.whole(),
            (_, byte) if byte == self.delimiter => {
                self.record.end_cell();
                self.state = State::Cell;
            }
            (State::Record | State::Cell, _) => {
                self.record.push(&[byte]);
                self.state = State::Plain;
            }
            (State::Plain | State::Quote, _) => {
                self.record.broken(RecordFault::StrayQuote);
                self.state = State::Plain;
            }
        }
        false
    }

    fn whole(&mut self) -> bool {
        self.record.end_cell();
        self.state = State::Record;
        true
    }
}

/// How many bytes there are before one that ends the run.
fn run(bytes: &[u8], ends: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| ends(*byte)).unwrap_or(bytes.len())
}

impl Record {
    fn begin(&mut self, line: u64) {
        self.line = line;
        self.fault = None;
        self.is_quoted = false;
        self.text.clear();
        self.ends.clear();
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.text.len() + bytes.len() > MAX_RECORD {
            self.broken(RecordFault::TooLong);
        }
        if self.fault.is_none() {
            self.text.extend_from_slice(bytes);
        }
    }

    fn end_cell(&mut self) {
        if self.ends.len() == MAX_CELLS {
            self.broken(RecordFault::TooManyCells);
        }
        if self.fault.is_none() {
            self.ends.push(self.text.len());
        }
    }

    /// The first fault is the one that is told.
    fn broken(&mut self, fault: RecordFault) {
        self.fault.get_or_insert(fault);
    }
}

impl<'r> Cells<'r> {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The cells, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        let (text, ends) = (self.text, self.ends);
        let starts = [0].into_iter().chain(ends.iter().copied());
        starts.zip(ends).map(move |(start, end)| text.get(start..*end).unwrap_or_default())
    }

    /// How many bytes they have together.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Whether there is nothing in any of them but white space.
    pub(crate) fn are_empty(&self) -> bool {
        self.text.trim().is_empty()
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
