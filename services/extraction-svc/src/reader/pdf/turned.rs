//! Pages whose text runs up, down or upside down, told by the way from word to word.

use super::super::rows::RawWord;

/// By how many degrees a page with these words has to be turned clockwise to be read. Words of a line follow each other.
pub(super) fn turned(words: &[RawWord]) -> f32 {
    // How many steps go right, up, left and down.
    let mut steps = [0_usize; 4];
    for pair in words.windows(2) {
        let [one, other] = pair else { continue };
        let same_line = (one.block, one.line) == (other.block, other.line);
        if !same_line || is_right_to_left(&one.text) || is_right_to_left(&other.text) {
            continue;
        }
        let middle = |word: &RawWord| {
            let [left, top, right, bottom] = word.place;
            [(left + right) / 2.0, (top + bottom) / 2.0]
        };
        let ([x, y], [next_x, next_y]) = (middle(one), middle(other));
        let (right, down) = (next_x - x, next_y - y);
        let way = match (right.abs() >= down.abs(), right >= 0.0, down < 0.0) {
            (true, true, _) => 0,
            (true, false, _) => 2,
            (false, _, true) => 1,
            (false, _, false) => 3,
        };
        steps[way] += 1;
    }
    let all: usize = steps.iter().sum();
    let most =
        [(0.0, 0), (90.0, 1), (180.0, 2), (270.0, 3)].into_iter().find(|(_, way)| steps[*way] * 2 > all);
    most.map_or(0.0, |(degrees, _)| degrees)
}

/// Hebrew, Arabic and their like.
fn is_right_to_left(text: &str) -> bool {
    text.chars()
        .any(|c| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_from_word_to_word_tells() {
        let word = |text: &str, x: f32, y: f32, line: u32| RawWord {
            text: text.to_owned(),
            place: [x, y, x + 10.0, y + 10.0],
            block: 0,
            line,
            confidence: None,
            hidden: false,
        };
        let along = |texts: [&str; 3], [right, down]: [f32; 2]| {
            let mut words = Vec::new();
            for (line, at) in (0..2).zip([0.0, 20.0]) {
                let [mut x, mut y] = [300.0 + at * down.abs(), 300.0 + at * right.abs()];
                for text in texts {
                    words.push(word(text, x, y, line));
                    (x, y) = (x + 40.0 * right, y + 40.0 * down);
                }
            }
            turned(&words)
        };
        let latin = ["Total", "amount", "120.00"];
        for (way, expected) in
            [([1.0, 0.0], 0.0), ([0.0, -1.0], 90.0), ([-1.0, 0.0], 180.0), ([0.0, 1.0], 270.0)]
        {
            assert_eq!(along(latin, way), expected, "{way:?}");
        }
        assert_eq!(along(["סך", "הכל", "שולם"], [-1.0, 0.0]), 0.0);
        assert_eq!(turned(&[word("alone", 1.0, 1.0, 0)]), 0.0);
    }
}
