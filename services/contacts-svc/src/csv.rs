//! CSV as spreadsheets and CRMs write it: bytes in any of the usual encodings, records, and single cells.
//!
//! Nothing is guessed here. What breaks RFC 4180 is a fault of its record, and the records after it are read as if
//! it were not there.

mod cell;
mod charset;
mod delimiter;
mod records;

pub(crate) use cell::{join_list, push_cell, restore, split_list};
pub(crate) use charset::{Charset, Decoder};
pub(crate) use delimiter::opening;
pub(crate) use records::{Cells, MAX_CELLS, MAX_RECORD, RecordFault, Records};
