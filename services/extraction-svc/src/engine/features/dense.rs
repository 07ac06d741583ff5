//! The features with a meaning.

use crate::engine::candidate::{Candidate, Reading, is_prose};
use crate::engine::context::Context;
use crate::engine::layout::{Segment, View, meaning};
use crate::engine::lexicon::lexicon;
use crate::engine::recognise::{date, words};
use crate::engine::schema::{CompiledSchema, Field, Kind, Topic};

use super::beside::heads_address;
use super::census::{Census, cents, rank_of_degree, ratio};
use super::textual::textual;
use super::within::{begins_elsewhere, begins_within, ends_within};
use super::{AllLabels, DENSE, Feature, Rivals};

/// A text that fits the label of another field as well as this is that label.
const A_LABEL: f32 = 0.85;
/// What a sentence must tell of a span of time to outdo the label of another field, and what is left of that label.
const TOLD: f32 = 0.75;
const LITTLE: f32 = 0.3;
/// How much the label of a count speaks against an amount.
const A_COUNT: f32 = 0.5;
/// A word behind a number that fits a field so well says what the number counts.
const COUNTED: f32 = 0.5;

/// The features with a meaning.
#[expect(clippy::too_many_arguments, reason = "a candidate with all that is known around it")]
pub(crate) fn dense(
    view: &View,
    schema: &CompiledSchema,
    labels: &AllLabels,
    index: usize,
    candidate: &Candidate,
    context: &Context,
    rivals: Rivals,
    census: &Census,
    rank: (usize, usize),
) -> [f32; DENSE] {
    use Feature as F;
    let field = &schema.fields[index];
    let own = &labels.of[index];
    let mut x = [0.0_f32; DENSE];
    let mut set = |feature: Feature, value: f32| x[feature as usize] = value;
    let (start, end) = (candidate.start(), candidate.end());
    let segment_index = view.tokens[start].segment;
    let segment = &view.segments[segment_index];
    let flag = |b: bool| if b { 1.0 } else { 0.0 };

    set(F::Bias, 1.0);
    let inline = own.fits(&context.inline).max(own.fits(&context.phrase));
    // "Certificate of Insurance": what goes on behind "of" is no label.
    let goes_on = start > segment.start
        && matches!(candidate.reading, Reading::Text(_))
        && matches!(field.topic, Topic::Any | Topic::Organization | Topic::Person | Topic::Name)
        && !is_prose(view, segment_index)
        && matches!(view.tokens[start - 1].folded.as_str(), "of" | "de" | "du" | "di" | "von");
    let inline = if goes_on { 0.4 * inline } else { inline };
    let left = own.fits(&context.left) * if rivals.stacked { 0.25 } else { 1.0 };
    let defined = own.fits(&context.defined);
    let above = own.fits(&context.above);
    let column = own.fits(&context.column);
    let section = own.fits(&context.section).max(own.fits(&context.line_meaning));
    let head = own.fits(&context.head);
    set(F::Inline, inline);
    set(F::InlineColon, inline * flag(context.inline_colon));
    set(F::Left, left);
    set(F::LeftColon, left * flag(context.left_colon));
    set(F::Above, above);
    set(F::AboveNear, above * flag(context.above_gap < 0.9));
    set(F::Column, column * if context.column_steps <= 1 { 1.0 } else { 0.6 });
    set(F::Section, section);
    set(F::Before, own.fits(&context.before));
    set(F::After, own.fits(&context.after));
    set(F::Head, head);
    // "16 hours", "238 kWh": what stands right behind a number says what it counts.
    let unit = match &candidate.reading {
        Reading::Number(n) if !n.percent && !n.currency => own.unit(view, start, end),
        _ => 0.0,
    };
    // What a label says and what its row, its column or its section says are one: "Mother" above "Maiden name".
    let joined = [
        (&context.left, &context.inline),
        (&context.left, &context.column),
        (&context.head, &context.column),
        (&context.inline, &context.section),
        (&context.left, &context.section),
    ]
    .into_iter()
    .map(|(one, other)| own.joined(one, other))
    .fold(0.0, f32::max);
    let near = (0.9 * unit).max(0.9 * joined);
    let near = near
        .max(defined)
        .max(inline)
        .max(left)
        .max(0.9 * above)
        .max(0.75 * column)
        .max(0.6 * head)
        .max(0.6 * section);
    set(F::Label, near);
    let rival = rivals
        .inline
        .over(index, inline.max(unit))
        .max(rivals.left.over(index, left.max(unit)))
        .max(rivals.defined.over(index, defined))
        .max(rivals.above.over(index, above.max(unit)));
    // "Total qty" is how many, and no amount.
    let counted = matches!(field.kind, Kind::Number(false))
        && !field.label.has(lexicon().concept("quantity"))
        && [&context.inline, &context.left]
            .iter()
            .any(|m| m.has(lexicon().concept("quantity")) && m.has(lexicon().concept("total")));
    let rival = if counted { rival.max(A_COUNT) } else { rival };
    let told = if field.topic == Topic::Duration { own.told(view, start, end) } else { 0.0 };
    // What a sentence tells of a span of time counts for more than the words right before it.
    let rival = if told >= TOLD { LITTLE * rival } else { rival };
    // The currency of an amount stands behind that amount's label.
    set(F::Compete, if field.topic == Topic::Currency { 0.0 } else { rival });
    let nearest = if !context.inline.concepts.is_empty() {
        &context.inline
    } else if !context.left.concepts.is_empty() {
        &context.left
    } else {
        &context.above
    };
    let has_label = nearest.concepts.iter().any(|(c, _)| lexicon().is_known(*c));
    set(F::Mislabelled, flag(has_label && near < 0.15));
    set(F::Unlabelled, flag(!has_label && near < 0.15));
    set(F::Description, own.describes(nearest));
    set(F::ImpliedLabel, flag(near > 0.75));

    set(F::FirstPage, flag(segment.page == 0));
    let y = segment.bounds.top.clamp(0.0, 1.0);
    set(
        F::Top,
        if segment.page == 0 { (1.0 - 3.0 * ratio(segment.row, view.rows.len())).max(0.0) } else { 0.0 },
    );
    set(F::Bottom, ratio(segment.row, view.rows.len()));
    set(F::NearBottom, flag(y > 0.9));
    set(F::RankFirst, 1.0 / (1.0 + ratio(rank.0, 1)));
    set(F::RankLast, 1.0 / (1.0 + ratio(rank.1 - 1 - rank.0, 1)));
    set(F::Often, ratio(census.counts.get(&candidate.key).copied().unwrap_or(1).min(6), 1).ln());
    set(F::FirstSegment, flag(segment_index == 0));
    let last_segment = &view.segments[view.tokens[end - 1].segment];
    let whole = start == segment.start && end == last_segment.end;
    set(F::WholeSegment, flag(whole));
    set(F::ToSegmentEnd, flag(end == last_segment.end));
    set(F::FromSegmentStart, flag(start == segment.start));
    let mut count: usize = candidate.parts.iter().map(|(s, e)| e - s).sum();
    if count > 1 && view.tokens[start..end].iter().all(|t| t.text.chars().count() == 1) {
        // Letters and digits in boxes of their own are one word.
        count = 1;
    }
    set(F::Words, (ratio(count, 1)).ln());
    set(F::Lines, if is_prose(view, segment_index) { 0.0 } else { ratio(candidate.parts.len() - 1, 1) });
    set(F::InProse, flag(is_prose(view, segment_index) || segment.end - segment.start > 16));
    set(F::TableRow, flag(view.rows[segment.row].segments.len() >= 4));
    set(
        F::ColonAfter,
        flag(
            view.tokens[end - 1].text.ends_with(':')
                || view
                    .tokens
                    .get(end)
                    .is_some_and(|t| t.text.starts_with(':') && t.segment == view.tokens[end - 1].segment),
        ),
    );

    if let Some(number) = &own.number {
        let of_form = context.line.as_ref() == Some(number) || context.column.number.as_ref() == Some(number);
        // Forms are numbered anew from year to year: what the line says counts for more.
        set(F::LineNumber, flag(of_form) * (0.3 + 0.7 * near));
    }
    let related =
        own.related.iter().any(|c| context.section.has(*c) || context.column.has(*c) || context.left.has(*c));
    if related {
        set(F::Mislabelled, 0.0);
    }
    set(F::Related, flag(related));
    set(F::RelatedFirst, if related { 1.0 / (1.0 + ratio(context.section_steps, 1)) } else { 0.0 });
    set(F::Stranger, flag(context.stranger && !own.of_stranger));
    set(F::Told, told);
    if own.current {
        set(F::Ongoing, flag(context.ongoing));
    }
    match &candidate.reading {
        Reading::Number(n) => {
            set(F::Decimals, flag(n.decimals == 2));
            set(F::Currency, flag(n.currency));
            set(F::Percent, flag(n.percent));
            set(F::Glued, flag(n.glued));
            set(F::Largest, flag(n.decimals == 2 && n.value >= census.largest - 0.001));
            set(F::Zero, flag(n.value == 0.0));
            // Where amounts have cents, a whole number is none.
            let counts = unit >= COUNTED || field.kind == Kind::Number(true);
            let whole = if census.largest > f64::MIN && !counts { 3.0 } else { 1.0 };
            set(F::Whole, flag(n.decimals == 0 && unit < COUNTED) * whole);
            set(F::Negative, flag(n.negative));
            set(
                F::YearLike,
                flag(n.decimals == 0 && !n.grouped && !n.currency && (1900.0..2100.0).contains(&n.value)),
            );
            set(F::LongDigits, flag((n.digits > 7 && n.decimals == 0) || n.leading_zero));
            set(F::SmallFirst, flag(n.value.abs() < 10.0 && n.decimals == 0));
            let mine = cents(n.value);
            let sum = n.decimals == 2
                && mine > 0
                && census.amounts.iter().any(|a| {
                    *a > 0 && *a < mine && census.amounts.binary_search(&(mine - a)).is_ok() && mine != 2 * a
                });
            set(F::SumOfTwo, flag(sum));
            set(F::Rounded, census.rounded(mine));
            set(F::WithTax, census.with_tax(mine));
            // Digits within a date or a telephone number are no amount.
            let around =
                view.tokens.get(end).is_some_and(|t| t.folded.starts_with(['/', '-']) && t.folded.len() > 1)
                    || date::month(&view.tokens.get(end).map(|t| t.folded.clone()).unwrap_or_default())
                        .is_some()
                    || view.tokens.get(end).is_some_and(|t| words::is_time_unit(&t.folded))
                    || (start > 0 && date::month(&view.tokens[start - 1].folded).is_some());
            set(F::InDate, flag(around && unit == 0.0));
        }
        Reading::Date { iso, plain, .. } => {
            set(F::PlainDate, flag(*plain));
            let first = in_range(view, end, true);
            let second = start > 0 && in_range(view, start, false);
            set(F::RangeMatch, flag((own.begins && first) || (own.ends && second)));
            set(
                F::RangeMiss,
                flag(
                    (own.begins && second)
                        || (own.ends && first)
                        || (!own.begins && !own.ends && (first || second)),
                ),
            );
            set(F::Earliest, flag(*iso == census.earliest));
            set(F::Latest, flag(*iso == census.latest));
        }
        Reading::Text(value) => {
            let names_itself = candidate.parts.iter().any(|(s, _)| {
                let of = &view.segments[view.tokens[*s].segment];
                of.start == *s
                    && (of.meaning.number.is_some()
                        || own.fits(&of.meaning) >= 0.5 && !of.has_digit && !is_named(view, field, of))
            });
            set(F::SelfLabel, flag(names_itself));
            set(F::BeginsWithin, flag(begins_within(view, field, candidate)));
            set(F::EndsWithin, flag(ends_within(view, field, candidate)));
            set(F::BeginsElsewhere, flag(field.topic == Topic::Address && begins_elsewhere(view, candidate)));
            textual(&mut set, view, schema, field, candidate, value, census, segment_index, near > 0.75);
            if rivals.itself.other(index) >= A_LABEL && field.topic != Topic::Heading {
                set(F::LooksLabel, 1.0);
            }
            let of_somebody = matches!(field.topic, Topic::Organization | Topic::Person | Topic::Name);
            if of_somebody && near < 0.75 && is_title(view, schema, candidate) {
                set(F::LooksLabel, 1.0);
            }
            if field.is_addressee() && census.first_company != Some(segment_index) {
                // At the top, below nothing but the document's title, and at the foot stands who wrote it.
                let first = segment_index < 4
                    && (0..segment_index).all(|s| {
                        let concepts = &view.segments[s].meaning.concepts;
                        !concepts.is_empty() && concepts.iter().all(|(c, _)| schema.about.has(*c))
                    });
                let sender = if first || y > 0.9 { 0.3 } else { 1.0 };
                let head = flag(heads_address(view, candidate)) * sender;
                set(F::HeadsAddress, head.max(flag(is_mailbox(view, candidate, TO))));
            }
            if field.issues && is_mailbox(view, candidate, FROM) {
                set(F::TopCompany, 1.0);
                set(F::WholeSegment, 1.0);
            }
            set(F::Highest, if own.highest { rank_of_degree(view, candidate, census) } else { 0.0 });
        }
        Reading::Choice(_) | Reading::Truth(_) => {}
    }
    x
}

/// Whether a name holds the word for what it names: "Calder Bank" is a bank's name, and no label of one.
fn is_named(view: &View, field: &Field, of: &Segment) -> bool {
    matches!(field.topic, Topic::Organization | Topic::Name)
        && view.tokens[of.start..of.end]
            .iter()
            .all(|t| words::is_capital(&t.text) || words::is_joint(&t.folded))
        && of.meaning.concepts.iter().any(|(c, w)| *w >= 1.0 && !lexicon().is_known(*c))
}

/// Whether a text says nothing but what the document is: "Lease agreement" of a lease agreement.
fn is_title(view: &View, schema: &CompiledSchema, candidate: &Candidate) -> bool {
    const LONGEST: usize = 6;
    let (start, end) = (candidate.start(), candidate.end());
    if candidate.parts.len() > 1 || end - start > LONGEST {
        return false;
    }
    let said = meaning(&view.tokens[start..end]);
    !said.concepts.is_empty() && said.concepts.iter().all(|(c, _)| schema.about.has(*c))
}

/// What the lines of a mail's head begin with.
const FROM: &[&str] = &["from", "von", "de", "da", "van", "od"];
const TO: &[&str] = &["to", "an", "a", "para", "aan", "do"];

/// Whether a name stands before a mail's address in the head of the mail: "From: Greenleaf Garden <orders@…>".
fn is_mailbox(view: &View, candidate: &Candidate, heads: &[&str]) -> bool {
    let (start, end) = (candidate.start(), candidate.end());
    let behind = view.tokens.get(end).is_some_and(|t| t.text.starts_with('<') && t.text.contains('@'));
    let before = start.checked_sub(1).map(|i| &view.tokens[i]);
    behind && before.is_some_and(|t| t.text.ends_with(':') && heads.contains(&t.folded.trim_end_matches(':')))
}

/// Whether a day is the first of "1 May – 31 May", or the second.
fn in_range(view: &View, at: usize, first: bool) -> bool {
    let joins = |i: usize| {
        view.tokens.get(i).is_some_and(|t| {
            matches!(
                t.folded.as_str(),
                "-" | "--"
                    | "to"
                    | "bis"
                    | "au"
                    | "until"
                    | "al"
                    | "tot"
                    | "do"
                    | "through"
                    | "a"
                    | "till"
                    | "thru"
            )
        })
    };
    let day = |i: usize| {
        view.tokens.get(i).is_some_and(|t| {
            t.folded.contains(|c: char| c.is_ascii_digit()) || date::month(&t.folded).is_some()
        })
    };
    if first { joins(at) && day(at + 1) } else { at >= 2 && joins(at - 1) && day(at - 2) }
}
