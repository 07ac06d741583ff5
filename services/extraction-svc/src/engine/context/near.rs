//! What of the words before, beside and above a span is no label of it.

use crate::engine::candidate::Reading;
use crate::engine::layout::View;
use crate::engine::recognise::{code, words};

/// Whether a value of its own ends here: "3 nights, 1 room", "DOB 30/03/1957, NHS No …", 'Acme Inc. ("Seller") and'.
pub(super) fn ends_value(view: &View, from: usize, to: usize, i: usize) -> bool {
    let text = view.tokens[i].text.as_str();
    let digits = |n: usize| n >= from && view.tokens[n].text.contains(|c: char| c.is_ascii_digit());
    let defined = text.trim_end_matches([',', '.']).ends_with(')') && text.contains(['"', '”', '“', '»']);
    // "…, kitchen and bath. The floor area is 74 m²."
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let of = &view.segments[view.tokens[i].segment];
    let sentence = i + 1 < to
        && text.ends_with('.')
        && letters > 2
        && of.end - of.start >= 8
        && view.tokens.get(i + 1).is_some_and(|t| words::is_capital(&t.text));
    defined || sentence || (text.ends_with([',', ';']) && (digits(i) || (i > 0 && digits(i - 1))))
}

/// Whether two texts over each other are a column of labels, each with its value at its right.
pub(super) fn is_labels_column(view: &View, segment: usize, above: usize) -> bool {
    const ALIGNED: f32 = 0.02;
    let (Some(value), Some(value_above)) = (view.right(segment), view.right(above)) else { return false };
    let (of, first) = (&view.segments[value], &view.segments[value_above]);
    !view.segments[segment].has_digit
        && first.has_digit
        && view.segments[segment].row == view.segments[above].row + 1
        && (of.bounds.left - first.bounds.left).abs() < ALIGNED
}

/// What the letter before a telephone number stands for on cards and letters: "T", "M", "F".
pub(super) fn phone_letter(
    view: &View,
    from: usize,
    start: usize,
    reading: &Reading,
) -> Option<&'static str> {
    let Reading::Text(value) = reading else { return None };
    if start != from + 1 || !code::is_phone(value) {
        return None;
    }
    match view.tokens[from].folded.trim_matches(|c: char| !c.is_alphabetic()) {
        "t" | "p" | "ph" => Some("phone"),
        "m" | "c" => Some("mobile"),
        "f" => Some("fax"),
        _ => None,
    }
}

/// Whether a segment holds a label and its value: "Total weight: 2.15 kg" is no label of what stands beside it.
pub(crate) fn is_pair(view: &View, segment: usize) -> bool {
    let of = &view.segments[segment];
    of.cell.is_none()
        && (of.start..of.end.saturating_sub(1)).any(|i| {
            let text = view.tokens[i].text.as_str();
            text.ends_with([':', '：']) && text.chars().any(char::is_alphabetic)
        })
}
