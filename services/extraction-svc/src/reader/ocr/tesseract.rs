//! Tesseract, as a program.

use image::RgbImage;

use super::super::program::{self, Input};
use super::super::rows::RawWord;
use super::super::text::words_of;
use super::super::{Budget, ReadError};
use super::TESSERACT;

/// What it writes of a picture at the most.
const MAX_ANSWER: usize = 16 << 20;
/// Words of which it is less sure are specks and lines, of 100.
const LEAST_CONFIDENCE: f32 = 20.0;

/// The words of a picture.
///
/// They are in these languages, by its own names; in English when none is named.
pub(super) fn read(
    picture: &RgbImage,
    languages: &[String],
    budget: &Budget,
) -> Result<Vec<RawWord>, ReadError> {
    let languages = if languages.is_empty() { "eng".to_owned() } else { languages.join("+") };
    let mut bytes = format!("P6\n{} {}\n255\n", picture.width(), picture.height()).into_bytes();
    bytes.extend_from_slice(picture.as_raw());
    let mut answer = Vec::new();
    let arguments =
        ["stdin", "stdout", "-l", &languages, "--psm", "3", "--dpi", "200", "-c", "tessedit_create_tsv=1"];
    let ended = program::run(TESSERACT, &arguments, Input::Bytes(bytes), budget, &mut |piece| {
        answer.extend_from_slice(piece);
        match answer.len() > MAX_ANSWER {
            true => Err(ReadError::too_large("the picture has more words than are read")),
            false => Ok(()),
        }
    })?;
    match ended.limit() {
        Some(limit) => Err(limit),
        None if !ended.well => Err(ReadError::EngineUnavailable("Tesseract failed".to_owned())),
        None => Ok(words(&String::from_utf8_lossy(&answer))),
    }
}

fn words(tsv: &str) -> Vec<RawWord> {
    let mut words = Vec::new();
    for row in tsv.lines() {
        let mut columns = row.splitn(12, '\t');
        let numbers: Vec<f32> = columns.by_ref().take(11).map_while(|column| column.parse().ok()).collect();
        let (Ok([level, _, block, paragraph, line, _, left, top, width, height, confidence]), Some(text)) =
            (<[f32; 11]>::try_from(numbers), columns.next())
        else {
            continue;
        };
        if level != 5.0 || confidence < LEAST_CONFIDENCE {
            continue;
        }
        let place = [left, top, left + width, top + height];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, saturating")]
        let (block, line) = ((block * 1_000.0 + paragraph) as u32, line as u32);
        let confidence = Some((confidence / 100.0).clamp(0.0, 1.0));
        let texts = words_of(text).into_iter();
        words.extend(texts.map(|text| RawWord { text, place, block, line, confidence, hidden: false }));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_it_is_sure_of() {
        let tsv = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
            1\t1\t0\t0\t0\t0\t0\t0\t640\t480\t-1\t\n\
            5\t1\t2\t1\t3\t1\t10\t20\t30\t40\t96.5\tTotal\n\
            5\t1\t2\t1\t3\t2\t50\t20\t30\t40\t9\t|\n\
            5\t1\tx\n";
        let words = words(tsv);
        let found: Vec<_> =
            words.iter().map(|word| (word.text.as_str(), word.place, word.block, word.line)).collect();
        assert_eq!(found, [("Total", [10.0, 20.0, 40.0, 60.0], 2_001, 3)]);
    }
}
