//! The pages of a TIFF (revision 6.0): each is a directory that names the next.

/// The most pages that are looked for: more than any limit lets through.
const MOST: usize = 65_536;
/// The field that says what a directory holds, its type (a number of 32 bits), and the bits of pictures that are no page:
/// a smaller one of another, a mask.
const NEW_SUBFILE_TYPE: u16 = 254;
const LONG: u16 = 4;
const NO_PAGE: u32 = 0b101;
/// The length of a field of a directory.
const FIELD: usize = 12;
/// Where the file says where its first directory is.
const FIRST: usize = 4;

/// A TIFF of which one page after another can be the first.
pub(super) struct Tiff {
    bytes: Vec<u8>,
    is_little_endian: bool,
    /// Where the directories of its pages are.
    pages: Vec<u32>,
}

impl Tiff {
    /// `None` when it has no more than one page, or is none: then it is read as any picture.
    pub(super) fn of_several(bytes: &[u8]) -> Option<Tiff> {
        let is_little_endian = bytes.starts_with(b"II*\0");
        if !is_little_endian && !bytes.starts_with(b"MM\0*") {
            return None;
        }
        let pages = pages(&Words { bytes, is_little_endian });
        (pages.len() > 1).then(|| Tiff { bytes: bytes.to_vec(), is_little_endian, pages })
    }

    /// How many pages it has.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    /// The file with this page, from 0, as its first.
    pub(super) fn beginning_with(&mut self, page: u32) -> Option<&[u8]> {
        let at = *self.pages.get(usize::try_from(page).ok()?)?;
        let at = if self.is_little_endian { at.to_le_bytes() } else { at.to_be_bytes() };
        self.bytes.get_mut(FIRST..FIRST + at.len())?.copy_from_slice(&at);
        Some(&self.bytes)
    }
}

/// Numbers of a file in its order of bytes.
struct Words<'a> {
    bytes: &'a [u8],
    is_little_endian: bool,
}

impl Words<'_> {
    fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.is_little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn long(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.is_little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }
}

/// Where the directories of pages are, in order. A chain that leads back to where it was, or out of the file, ends there.
fn pages(file: &Words<'_>) -> Vec<u32> {
    let (mut pages, mut seen) = (Vec::new(), std::collections::HashSet::new());
    let mut next = file.long(FIRST);
    while let Some(at) = next.filter(|at| *at != 0) {
        if !seen.insert(at) || seen.len() > MOST {
            break;
        }
        let Some(start) = usize::try_from(at).ok() else { break };
        let Some(fields) = file.short(start).map(usize::from) else { break };
        let field = |number: usize| start + 2 + number * FIELD;
        let kind = (0..fields).find_map(|number| {
            let is_kind =
                file.short(field(number))? == NEW_SUBFILE_TYPE && file.short(field(number) + 2)? == LONG;
            is_kind.then(|| file.long(field(number) + 8)).flatten()
        });
        if kind.unwrap_or(0) & NO_PAGE == 0 {
            pages.push(at);
        }
        next = file.long(field(fields));
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of directories, each with its kind and the number of the next.
    fn file(directories: &[(u32, Option<usize>)]) -> Vec<u8> {
        let at = |number: usize| u32::try_from(8 + number * 18).unwrap();
        let mut bytes = b"II*\0".to_vec();
        bytes.extend(at(0).to_le_bytes());
        for (kind, next) in directories {
            bytes.extend(1_u16.to_le_bytes());
            bytes.extend([NEW_SUBFILE_TYPE, LONG].map(u16::to_le_bytes).concat());
            bytes.extend([1, *kind, next.map_or(0, at)].map(u32::to_le_bytes).concat());
        }
        bytes
    }

    #[test]
    fn directories_that_are_pages() {
        for (directories, count) in [
            (vec![(0, None)], 1),
            (vec![(0, Some(1)), (0, Some(2)), (2, None)], 3),
            (vec![(0, Some(1)), (1, Some(2)), (4, Some(3)), (0, None)], 2),
            // Chains that lead back, or to nowhere.
            (vec![(0, Some(0))], 1),
            (vec![(0, Some(1)), (0, Some(0))], 2),
            (vec![(0, Some(9))], 1),
        ] {
            let bytes = file(&directories);
            let found = pages(&Words { bytes: &bytes, is_little_endian: true });
            assert_eq!(found.len(), count, "{directories:?}");
            assert_eq!(Tiff::of_several(&bytes).map_or(1, |tiff| tiff.len()), u32::try_from(count).unwrap());
        }
        for cut in 0..26 {
            assert!(Tiff::of_several(&file(&[(0, Some(1)), (0, None)])[..cut]).is_none(), "{cut}");
        }
    }

    #[test]
    fn a_page_is_made_the_first() {
        let bytes = file(&[(0, Some(1)), (0, None)]);
        let mut tiff = Tiff::of_several(&bytes).unwrap();
        assert_eq!(tiff.beginning_with(1).unwrap()[FIRST..8], 26_u32.to_le_bytes());
        assert_eq!(tiff.beginning_with(0).unwrap(), bytes);
        assert!(tiff.beginning_with(2).is_none());
    }
}
