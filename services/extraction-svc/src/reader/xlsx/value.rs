//! What a cell shows.

use calamine::{Color, DataRef, ExcelDateTime, Style};

/// The last day that a sheet can show: the end of the year 9999.
const LAST_DAY: f64 = 2_958_466.0;
/// How many digits of a number a sheet keeps. What is beyond is what binary fractions leave over.
const DIGITS: i32 = 15;

/// The text of a cell. Dates are written as ISO 8601 has them, numbers with their digits and no more, and as percentages
/// where they are shown so.
pub(super) fn text(value: &DataRef<'_>, is_percent: bool) -> Option<String> {
    let text = match value {
        DataRef::Empty => return None,
        DataRef::Int(number) if is_percent => format!("{}%", number.saturating_mul(100)),
        DataRef::Float(float) if is_percent => format!("{}%", number(float * 100.0)),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(float) => number(*float),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(is_true) => if *is_true { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(at) => moment(*at),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
    };
    (!text.trim().is_empty()).then_some(text)
}

fn number(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-9.0..15.0).contains(&magnitude) {
        return value.to_string();
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is within -9 and 15")]
    let decimals = (DIGITS - 1 - magnitude as i32).clamp(0, 20);
    let text = format!("{value:.*}", usize::try_from(decimals).unwrap_or(0));
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn moment(at: ExcelDateTime) -> String {
    let value = at.as_f64();
    if !(0.0..LAST_DAY).contains(&value) {
        return number(value);
    }
    if at.is_duration() {
        let seconds = (value * 86_400.0).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of seconds in 8,000 years"
        )]
        let seconds = seconds as u64;
        return format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
    let time = match second {
        0 => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    };
    match (value < 1.0, value.fract() == 0.0) {
        (true, false) => time,
        (_, true) => format!("{year:04}-{month:02}-{day:02}"),
        (false, false) => format!("{year:04}-{month:02}-{day:02} {time}"),
    }
}

/// Whether a style shows numbers as percentages.
pub(super) fn is_percent(style: &Style) -> bool {
    style.number_format.as_ref().is_some_and(|format| shows_percent(&format.format_code))
}

/// Whether a format has `%` beside the texts in it.
fn shows_percent(format: &str) -> bool {
    let (mut in_text, mut escaped) = (false, false);
    format.chars().any(|c| {
        let shows = c == '%' && !in_text && !escaped;
        in_text ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        shows
    })
}

/// Whether a style hides what a cell holds: white on white, or a format of nothing.
pub(super) fn is_unseen(style: &Style) -> bool {
    let is_filled =
        style.fill.as_ref().is_some_and(|fill| fill.is_visible() && !fill.get_color().is_some_and(is_white));
    let is_white_text = style.font.as_ref().and_then(|font| font.color).is_some_and(is_white);
    let is_empty_format =
        style.number_format.as_ref().is_some_and(|format| format.format_code.trim() == ";;;");
    is_empty_format || (is_white_text && !is_filled)
}

fn is_white(color: Color) -> bool {
    color.red >= 250 && color.green >= 250 && color.blue >= 250
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    #[test]
    fn values_as_a_person_would_write_them() {
        let date = |value| DataRef::DateTime(ExcelDateTime::new(value, ExcelDateTimeType::DateTime, false));
        let span = |value| DataRef::DateTime(ExcelDateTime::new(value, ExcelDateTimeType::TimeDelta, false));
        let cases = [
            (DataRef::Float(994.0), Some("994")),
            (DataRef::Float(0.1 + 0.2), Some("0.3")),
            (DataRef::Float(-536.7), Some("-536.7")),
            (DataRef::Float(45_473.49), Some("45473.49")),
            (DataRef::Float(1_234_567_890_123.0), Some("1234567890123")),
            (DataRef::Float(0.000_012_5), Some("0.0000125")),
            (DataRef::Float(f64::NAN), Some("0")),
            (DataRef::Bool(true), Some("TRUE")),
            (date(43_818.0), Some("2019-12-19")),
            (date(43_818.5), Some("2019-12-19 12:00")),
            (date(0.75), Some("18:00")),
            (date(1e300), Some("1")),
            (date(-5.0), Some("-5")),
            (span(1.5), Some("36:00:00")),
            (DataRef::String("  ".to_owned()), None),
            (DataRef::Empty, None),
        ];
        for (value, expected) in cases {
            let text = text(&value, false);
            match expected {
                // Too large to be a day; what it is then has 300 digits.
                Some("1") => assert!(text.is_some_and(|text| text.len() == 301), "{value:?}"),
                expected => assert_eq!(text.as_deref(), expected, "{value:?}"),
            }
        }
    }

    #[test]
    fn numbers_are_percentages_where_they_are_shown_so() {
        for (value, expected) in
            [(DataRef::Float(0.19), "19%"), (DataRef::Float(0.075), "7.5%"), (DataRef::Int(1), "100%")]
        {
            assert_eq!(text(&value, true).as_deref(), Some(expected));
        }
        for (format, expected) in
            [("0%", true), ("0.00%", true), ("General", false), (r#"0.0" %""#, false), (r"0\%", false)]
        {
            assert_eq!(shows_percent(format), expected, "{format}");
        }
    }
}
