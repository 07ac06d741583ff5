//! Recognisers: which spans of words can be a date, an amount, a mail address … and what they mean.
//!
//! Each yields only what stands in the words it was given; the value is a reading of that text.

pub(crate) mod code;
pub(crate) mod date;
pub(crate) mod letter;
pub(crate) mod number;
pub(crate) mod tick;
pub(crate) mod words;
