//! PDF, by poppler: what it is (`pdfinfo`), its words with their places (`pdftotext`), pictures of pages (`pdftoppm`).

mod drawn;
mod info;
mod look;
mod nonsense;
mod suspect;
mod tsv;
mod turned;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::ocr::Ocr;
use super::program::{self, DOCUMENT, Input};
use super::rows::{self, RawPage};
use super::{Budget, Draw, Output, ReadError, Task, When, picture};
use crate::document::{Kind, Method, NoticeKind};
use tsv::Tsv;

/// How many pages poppler reads at once: what it keeps of pages grows with them.
const WINDOW: u32 = 100;
/// What read a page.
const POPPLER: (Method, &str) = (Method::Text, "poppler");
/// What poppler writes of one page at the most: a page full of the smallest words is a tenth of it.
const MAX_PAGE_BYTES: usize = 64 << 20;

/// Fewer words are looked at: there may be more on the page than its text layer has.
const FEW_WORDS: usize = 20;
/// More pages than this no document has, whichever of them are asked for.
const MOST_PAGES: u32 = 1_000_000;

/// Reads a PDF.
pub(crate) fn read(
    document: &File,
    task: &Task,
    budget: &Budget,
    output: &mut Output<'_>,
) -> Result<(), ReadError> {
    let info = info::read(document, WINDOW, budget)?;
    if info.pages > MOST_PAGES {
        return Err(ReadError::TooManyPages(format!("more than {MOST_PAGES}")));
    }
    output.head(Kind::Pdf, info.pages)?;
    let wanted = (1..=info.pages).filter(|page| task.wants(*page)).count();
    budget.pages(u32::try_from(wanted).unwrap_or(u32::MAX));
    let reader = Reader {
        document,
        budget,
        turned: info.turned,
        ocr: Ocr::new(task.ocr.as_deref(), &task.languages),
        when: task.when,
        is_suspect: is_suspect(document, task)?,
    };
    for (first, last) in windows(info.pages, task) {
        reader.window(first, last, output)?;
    }
    output.end()
}

/// Draws a page as people look at it.
pub(crate) fn draw(
    document: &File,
    draw: Draw,
    budget: &Budget,
    output: &mut Output<'_>,
) -> Result<(), ReadError> {
    budget.pages(1);
    picture::draw_of(look::drawing(document, draw, budget)?, draw, output)
}

fn is_suspect(document: &File, task: &Task) -> Result<bool, ReadError> {
    let failed = |_| ReadError::unreadable("the file cannot be read");
    let (mut bytes, mut file) = (Vec::new(), document);
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    file.take(task.limits.max_bytes).read_to_end(&mut bytes).map_err(failed)?;
    Ok(suspect::is_suspect(&bytes))
}

struct Reader<'a> {
    document: &'a File,
    budget: &'a Budget,
    /// Of the first pages, those that are shown turned by a quarter.
    turned: Vec<info::Turned>,
    ocr: Ocr,
    when: When,
    /// There may be text that is not seen.
    is_suspect: bool,
}

impl Reader<'_> {
    fn window(&self, first: u32, last: u32, output: &mut Output<'_>) -> Result<(), ReadError> {
        let (from, to) = (first.to_string(), last.to_string());
        // What stands beside the crop box no viewer shows.
        let arguments = ["-q", "-tsv", "-cropbox", "-enc", "UTF-8", "-f", &from, "-l", &to, DOCUMENT, "-"];
        let (mut tsv, mut pages) = (Tsv::new(first, last), Vec::new());
        let most = output.words_left();
        let input = Input::Document(self.document);
        let ended = program::run("pdftotext", &arguments, input, self.budget, &mut |piece| {
            tsv.add(piece, MAX_PAGE_BYTES, most)?;
            pages.extend(tsv.take());
            Ok(())
        })?;
        if let Some(limit) = ended.limit() {
            return Err(limit);
        }
        pages.extend(tsv.end());
        let next = pages.last().map_or(first, |page: &RawPage| page.number + 1);
        let asked;
        let turned = if last <= WINDOW {
            &self.turned
        } else {
            asked = info::turned(self.document, first, last, self.budget)?;
            &asked
        };
        for mut page in pages {
            set_size(&mut page, turned);
            page.turned = turned::turned(&page.words);
            self.page(page, output)?;
        }
        if next <= last {
            output.notice(NoticeKind::Damaged, Some(next), "poppler could not read it");
        }
        Ok(())
    }

    fn page(&self, mut raw: RawPage, output: &mut Output<'_>) -> Result<(), ReadError> {
        let mut seen = None;
        if self.is_suspect && !raw.words.is_empty() {
            let look = look::look(self.document, &raw, self.budget)?;
            look.mark_unseen(&mut raw.words);
            seen = Some(look);
        }
        let texts = || raw.words.iter().filter(|word| !word.hidden).map(|word| word.text.as_str());
        let is_nonsense = nonsense::is_nonsense(texts());
        let wants_ocr = match self.when {
            When::Never => false,
            When::Always => true,
            When::Auto => is_nonsense || texts().count() < FEW_WORDS,
        };
        if !wants_ocr {
            return output.page(rows::page(raw, POPPLER));
        }
        let look = match seen {
            Some(look) => look,
            None => look::look(self.document, &raw, self.budget)?,
        };
        if self.when == When::Auto && !is_nonsense && !look.has_more_than(&raw.words) {
            return output.page(rows::page(raw, POPPLER));
        }
        if !self.ocr.is_there() {
            // A page of which nothing can be read must not look like an empty one.
            return match raw.words.is_empty() {
                true => Err(ReadError::EngineUnavailable("there is no OCR".to_owned())),
                false => output.page(rows::page(raw, POPPLER)),
            };
        }
        self.budget.picture();
        output.picture()?;
        let picture = look::picture(self.document, &raw, self.budget)?;
        let read = self.ocr.read(&picture, raw.number, (raw.width, raw.height), self.budget)?;
        let is_better = match (self.when, is_nonsense) {
            (When::Always, _) => true,
            (_, true) => !nonsense::is_seen(texts(), read.page.words.iter().map(|word| word.text.as_str())),
            // The layer is exact where it has as much as OCR sees.
            (_, false) => read.page.words.len() > texts().count() + texts().count() / 3 + 3,
        };
        if !is_better {
            return output.page(rows::page(raw, POPPLER));
        }
        if is_nonsense {
            output.notice(NoticeKind::UnreliableTextLayer, Some(raw.number), "");
        }
        if read.is_simpler {
            output.notice(NoticeKind::SimplerOcr, Some(raw.number), "");
        }
        output.page(read.page)
    }
}

/// Gives a page that is shown turned by a quarter the size that it has then. Poppler has placed its words so, and gives the
/// size from before.
fn set_size(page: &mut RawPage, turned: &[info::Turned]) {
    let turned = turned.iter().find(|turned| turned.page == page.number);
    // Another version of poppler may have turned it.
    if turned.is_some_and(|turned| turned.is_wide == (page.height < page.width)) {
        std::mem::swap(&mut page.width, &mut page.height);
    }
}

/// The pages of what poppler writes, come in pieces of this length.
#[cfg(feature = "fuzzing")]
pub(super) fn rows_of(bytes: &[u8], piece: usize) -> Vec<RawPage> {
    let (mut tsv, mut pages) = (Tsv::new(1, 100), Vec::new());
    for piece in bytes.chunks(piece) {
        if tsv.add(piece, MAX_PAGE_BYTES, 20_000).is_err() {
            return pages;
        }
        pages.extend(tsv.take());
    }
    pages.extend(tsv.end());
    pages
}

/// Whether a file may have text that is not seen.
#[cfg(feature = "fuzzing")]
pub(super) fn is_suspect_file(bytes: &[u8]) -> bool {
    suspect::is_suspect(bytes)
}

/// The pages to read, in runs of at most a window.
fn windows(pages: u32, task: &Task) -> Vec<(u32, u32)> {
    let mut windows: Vec<(u32, u32)> = Vec::new();
    for page in (1..=pages).filter(|page| task.wants(*page)) {
        match windows.last_mut() {
            Some((first, last)) if *last + 1 == page && page - *first < WINDOW => *last = page,
            _ => windows.push((page, page)),
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_in_windows() {
        let task = |pages: &[(u32, u32)]| Task { pages: pages.to_vec(), ..Task::default() };
        type Ranges = &'static [(u32, u32)];
        let cases: [(u32, Ranges, Ranges); 5] = [
            (1, &[], &[(1, 1)]),
            (250, &[], &[(1, 100), (101, 200), (201, 250)]),
            (10, &[(2, 3), (5, 5)], &[(2, 3), (5, 5)]),
            (10, &[(9, 4_000_000_000)], &[(9, 10)]),
            (10, &[(11, 12)], &[]),
        ];
        for (pages, ranges, expected) in cases {
            assert_eq!(windows(pages, &task(ranges)), expected);
        }
    }
}
