//! What speaks for a candidate, as numbers. The first ones have a meaning and weights of their own (`prior`); the
//! others are named by words around the candidate and mean nothing until corrections give them weight.

mod beside;
mod census;
mod dense;
mod duration;
mod labels;
mod sparse;
mod textual;
mod within;

pub(crate) use census::Census;
pub(crate) use dense::dense;
pub(crate) use labels::{AllLabels, Labels, Rivals};
pub(crate) use sparse::sparse;

macro_rules! features {
    ($($name:ident),* $(,)?) => {
        /// Features with a meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Feature { $($name),*, Count }
        /// Their names, for people who look at a model.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

features! {
    Bias, Label, Inline, InlineColon, Left, LeftColon, Above, AboveNear, Column, Section, Before, After, Head, Compete, Mislabelled, Unlabelled,
    Description, FirstPage, Top, Bottom, RankFirst, RankLast, Often, WholeSegment, ToSegmentEnd, FromSegmentStart, Words, Lines,
    Decimals, Currency, Percent, Glued, Largest, SumOfTwo, Zero, Whole, Negative, YearLike, LongDigits,
    PlainDate, Earliest, Latest, Company, LegalEnd, PersonLike, Capitals, HasDigit, MixedId, PureDigits, IdLength, LooksLabel, ColonAfter,
    HasColon, HasEmail, Country, State, Street, PostalCode, Comma, FirstSegment, InProse, TableRow, Checksum, NearBottom, TitleLike,
    Remembered,  SmallFirst, AlphaShare, EndsOdd, TopCompany, EmailMatch, PhonePlus, ImpliedLabel, InDate,
    RangeMatch, RangeMiss, LineNumber, Related, RelatedFirst, Ongoing, Highest, NamePart, NamePartMiss, BeforePlace, AfterPostal, LegalOnly, TopicWord, Defined, SentenceBreak, Between, CodeLine, LabelLine, BiggestLabelled, SelfLabel, FirstOfEquals, Stranger, Told, HeadsAddress,
    BeginsWithin, EndsWithin, BeginsElsewhere, Rounded, WithTax,
}

/// How many features have a meaning.
pub const DENSE: usize = Feature::Count as usize;

/// A candidate's features: dense ones, then hashes of words around it.
#[derive(Debug, Clone)]
pub(crate) struct Vector {
    pub dense: [f32; DENSE],
    pub sparse: Vec<u32>,
}
