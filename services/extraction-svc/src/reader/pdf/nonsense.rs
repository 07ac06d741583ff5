//! Whether a page's text layer is text that a person would read.
//!
//! Scanners add layers of what their OCR took for text, and fonts without a table of characters give codes of their own.
//! What is called nonsense here is read again by OCR, which is then compared: to be wrong costs time and nothing else.

/// Fewer characters say too little.
const LEAST_CHARACTERS: usize = 40;
/// From how many words on the shape of words and their being known says something.
const SOME_WORDS: usize = 12;
const MANY_WORDS: usize = 120;
/// The share of characters that stand for nothing, and of signs, from which a text is none.
const NO_CHARACTERS: f32 = 0.1;
const SIGNS: f32 = 0.45;
/// The share of words that cannot be spoken, or are written like none.
const MISSHAPEN: f32 = 0.4;
/// The share of words that are among the commonest, below which running text is in no language that uses our letters.
const KNOWN: f32 = 0.01;

/// The commonest words of languages in Latin letters that have at most four letters, and some more: of running text they
/// are a quarter and more.
const COMMON: &str = " a ab aan al als alla am an and are as at att au auf aus av avec be bei bij but by ce com como con da das dans dar de \
    dei del den der des det di die dla do dos du e een ein eine el em en er es est et eu for fra fue fur f\u{fc}r has het hij \
    i il im in into is ist it its je jest la las le les lo los mais mas med mit na nach na\u{15f} ne ni nicht no non not nu o od of og \
    om on op or os ou para pas per pod por pour que qui sa se shall si sich sie sind som son su sur ta te that the this till to \
    ty um un una und une uno van ve vi voor was we werd wird with you za zijn zu zum zur \u{e0} \u{e8} ";

/// Whether these words are none.
pub(super) fn is_nonsense<'a>(words: impl Iterator<Item = &'a str> + Clone) -> bool {
    let characters = words.clone().flat_map(str::chars);
    let (mut all, mut nothing, mut signs) = (0_usize, 0_usize, 0_usize);
    for c in characters {
        all += 1;
        let is_none =
            matches!(c, '\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}') || c.is_control();
        nothing += usize::from(is_none);
        // Lines of dots, dashes and stars are drawn with signs.
        let is_sign = !c.is_alphanumeric()
            && !is_none
            && !matches!(c, '.' | '-' | '_' | '*' | '=' | ',' | '/' | ':' | '$');
        signs += usize::from(is_sign);
    }
    if all < LEAST_CHARACTERS {
        return false;
    }
    if share(nothing, all) > NO_CHARACTERS || share(signs, all) > SIGNS {
        return true;
    }
    let latin = words.filter(|word| word.chars().filter(|c| c.is_alphabetic()).all(|c| c < '\u{250}'));
    let latin: Vec<String> = latin.map(|word| word.chars().filter(|c| c.is_alphabetic()).collect()).collect();
    let spoken: Vec<&String> = latin.iter().filter(|word| word.chars().count() >= 4).collect();
    let misshapen = spoken.iter().filter(|word| is_misshapen(word)).count();
    if spoken.len() >= SOME_WORDS && share(misshapen, spoken.len()) > MISSHAPEN {
        return true;
    }
    let known = latin.iter().filter(|word| COMMON.contains(&format!(" {} ", word.to_lowercase()))).count();
    let running = latin.iter().filter(|word| !word.is_empty()).count();
    running >= MANY_WORDS && share(known, running) < KNOWN
}

/// Without a vowel, or small letters before large ones, over and over.
fn is_misshapen(word: &str) -> bool {
    let is_vowel = |c: char| "aeiouyäöüáàâãåæéèêëíìîïóòôõøúùûůýıąęő".contains(c);
    let has_vowel = word.to_lowercase().chars().any(is_vowel);
    let turns = word
        .chars()
        .zip(word.chars().skip(1))
        .filter(|(one, next)| one.is_lowercase() && next.is_uppercase());
    // What is all capitals may be an abbreviation.
    let is_code = word.chars().all(char::is_uppercase);
    (!has_vowel && !is_code) || turns.count() >= 2
}

fn share(part: usize, all: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "characters of a page")]
    let share = part as f32 / all.max(1) as f32;
    share
}

/// Whether most words of the layer are on the page: those that OCR reads there, too.
pub(super) fn is_seen<'a>(layer: impl Iterator<Item = &'a str>, read: impl Iterator<Item = &'a str>) -> bool {
    let plain =
        |word: &str| -> String { word.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect() };
    let read: std::collections::HashSet<String> = read.map(plain).collect();
    let layer: Vec<String> = layer.map(plain).filter(|word| word.chars().count() >= 3).collect();
    let seen = layer.iter().filter(|word| read.contains(*word)).count();
    !layer.is_empty() && share(seen, layer.len()) > 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_what_is_none() {
        let prose = "The parties agree that the goods shall be delivered to the buyer within thirty days of the order.";
        let codes =
            "AE3 BX-447 TRK 00123 QTY 15 KG 12.50 GBP PVC PCB LED USB HDMI SKU EAN VAT NET DDP FOB CIF EXW";
        let receipt = "*** THANK YOU *** ------------ TOTAL RM 9.00 ====== CASH 10.00 CHANGE 1.00 ......... NO.53 55,57";
        let russian = "Стороны договорились о том что товар поставляется покупателю в течение тридцати дней с даты заказа";
        let names = "Kowalski Nguyen Schwartz Fitzgerald Krzysztof Szymanski Bjork Lindqvist Hrvoje Strnad Vlk Brzezinski";
        for text in [prose, codes, receipt, russian, names, ""] {
            assert!(!is_nonsense(text.split(' ')), "{text}");
        }
        let private = "\u{e001}\u{e002}\u{e003} \u{e004}\u{e005} ".repeat(20);
        let cipher = "Wkh sduwlhv djuhh wkdw wkh jrrgv vkdoo eh gholyhuhg wr wkh exbhu zlwklq wkluwb gdbv ri wkh rughu ";
        let scan =
            "tHe qUiCk bRoWn fOxJuMpS oVeR lAzYdOgS wHiLe tWeNtY oThErS wAtCh iN vAiN aNd sAy nOtHiNg ";
        let signs = "§%& $@# !!?? ((%% ##@@ &&!! ~~^^ <<>> {{}} ||\\\\ ";
        for text in [private.as_str(), &cipher.repeat(8), &scan.repeat(2), &signs.repeat(3)] {
            assert!(is_nonsense(text.split_whitespace()), "{text}");
        }
    }

    #[test]
    fn a_layer_is_good_that_ocr_reads_too() {
        let read = || ["Total:", "9.00", "INVOICE", "Example"].into_iter();
        assert!(is_seen(["total", "invoice", "Exampel"].into_iter(), read()));
        assert!(!is_seen(["Wkh", "sduwlhv", "total"].into_iter(), read()));
        assert!(!is_seen(std::iter::empty(), read()));
    }
}
