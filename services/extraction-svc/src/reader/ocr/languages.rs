//! Languages of pictures: what reads which.

use std::collections::BTreeSet;
use std::path::Path;

/// Where Tesseract's languages are, by distribution: in folders of these, or in these.
const FOLDERS: [&str; 3] = ["/usr/share/tesseract-ocr", "/usr/share/tessdata", "/usr/local/share/tessdata"];
/// What a language of Tesseract is called on disk.
const EXTENSION: &str = "traineddata";

/// A language.
#[derive(Debug)]
pub(crate) struct Language {
    /// The first part of its tag (BCP 47).
    tag: &'static str,
    /// What Tesseract calls it.
    tesseract: &'static str,
    /// The models of the better OCR have all its letters.
    is_of_models: bool,
}

const fn of(tag: &'static str, tesseract: &'static str, is_of_models: bool) -> Language {
    Language { tag, tesseract, is_of_models }
}

/// Those that can be asked for. Which the models read was found in the characters that PP-OCRv6 small knows.
const LANGUAGES: [Language; 48] = [
    of("ar", "ara", false),
    of("bg", "bul", false),
    of("ca", "cat", true),
    of("cs", "ces", true),
    of("cy", "cym", true),
    of("da", "dan", true),
    of("de", "deu", true),
    of("el", "ell", false),
    of("en", "eng", true),
    of("es", "spa", true),
    of("et", "est", true),
    of("eu", "eus", true),
    of("fa", "fas", false),
    of("fi", "fin", true),
    of("fr", "fra", true),
    of("ga", "gle", true),
    of("gl", "glg", true),
    of("he", "heb", false),
    of("hi", "hin", false),
    of("hr", "hrv", true),
    of("hu", "hun", true),
    of("id", "ind", true),
    of("is", "isl", true),
    of("it", "ita", true),
    of("ja", "jpn", true),
    of("ko", "kor", false),
    of("lt", "lit", true),
    of("lv", "lav", true),
    of("ms", "msa", true),
    of("nb", "nor", true),
    of("nl", "nld", true),
    of("nn", "nor", true),
    of("no", "nor", true),
    of("pl", "pol", true),
    of("pt", "por", true),
    of("ro", "ron", true),
    of("ru", "rus", false),
    of("sk", "slk", true),
    of("sl", "slv", true),
    of("sq", "sqi", true),
    of("sr", "srp", false),
    of("sv", "swe", true),
    of("sw", "swa", true),
    of("th", "tha", false),
    of("tr", "tur", true),
    of("uk", "ukr", false),
    of("vi", "vie", false),
    of("zh", "chi_sim", true),
];
/// Chinese in traditional characters.
const TRADITIONAL: Language = of("zh-Hant", "chi_tra", true);

impl Language {
    /// The language of a tag. `None`: nothing is known of it.
    pub(crate) fn of(tag: &str) -> Option<&'static Language> {
        let mut parts = tag.split('-');
        let first = parts.next()?;
        let is_traditional =
            |part: &str| ["hant", "tw", "hk", "mo"].iter().any(|t| part.eq_ignore_ascii_case(t));
        if first.eq_ignore_ascii_case("zh") && parts.any(is_traditional) {
            return Some(&TRADITIONAL);
        }
        LANGUAGES.iter().find(|language| first.eq_ignore_ascii_case(language.tag))
    }

    /// What Tesseract calls it.
    pub(crate) fn name(&self) -> &'static str {
        self.tesseract
    }

    /// Whether the models of the better OCR have all its letters.
    pub(crate) fn is_of_models(&self) -> bool {
        self.is_of_models
    }
}

/// The languages of Tesseract that are installed, by its names.
pub(crate) fn installed() -> BTreeSet<String> {
    let folders = FOLDERS.iter().map(Path::new);
    // tesseract-ocr/5/tessdata
    let below = |folder: &Path| {
        let versions = std::fs::read_dir(folder).into_iter().flatten().flatten();
        versions.map(|version| version.path().join("tessdata")).collect::<Vec<_>>()
    };
    let folders = folders.flat_map(|folder| [vec![folder.to_owned()], below(folder)].concat());
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    let names = files.filter_map(|file| {
        let path = file.path();
        let is_language = path.extension().is_some_and(|extension| extension == EXTENSION);
        is_language.then(|| path.file_stem()?.to_str().map(str::to_owned)).flatten()
    });
    // It finds out how a page is turned, and reads nothing.
    names.filter(|name| name != "osd").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_by_their_tags() {
        for (tag, name) in [
            ("en", Some("eng")),
            ("EN-us", Some("eng")),
            ("pt-BR", Some("por")),
            ("zh", Some("chi_sim")),
            ("zh-Hans-CN", Some("chi_sim")),
            ("zh-TW", Some("chi_tra")),
            ("zh-Hant", Some("chi_tra")),
            ("tlh", None),
            ("", None),
        ] {
            assert_eq!(Language::of(tag).map(|language| language.tesseract), name, "{tag}");
        }
        assert!(LANGUAGES.is_sorted_by_key(|language| language.tag));
    }
}
