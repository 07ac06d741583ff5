//! The archives that Office files are: parts by name, counted and bounded. Nothing is ever written out of one.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use encoding_rs::Encoding;
use quick_xml::events::Event;
use zip::ZipArchive;
use zip::result::ZipError;

use super::text::decode;
use super::{ReadError, xml};

/// The most entries of an archive: an Office file has some hundred.
const MAX_ENTRIES: usize = 10_000;

/// An archive in memory.
pub(crate) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Names as parts are named (no slash at the begin, slashes within, no difference of case) to indices.
    names: HashMap<String, usize>,
    /// What may still be unpacked.
    left: u64,
}

impl<'a> Archive<'a> {
    /// Opens one. What it says that it unpacks to must be within the bound, and what it does then too.
    pub(crate) fn open(bytes: &'a [u8], max_unpacked: u64) -> Result<Archive<'a>, ReadError> {
        let zip = ZipArchive::new(Cursor::new(bytes));
        let mut zip = zip.map_err(|_| ReadError::unreadable("the archive is damaged"))?;
        if zip.len() > MAX_ENTRIES {
            return Err(ReadError::too_large(format!("the archive has more than {MAX_ENTRIES} entries")));
        }
        let (mut names, mut total) = (HashMap::new(), 0_u64);
        for index in 0..zip.len() {
            let Ok(entry) = zip.by_index_raw(index) else { continue };
            total = total.saturating_add(entry.size());
            let Ok(name) = entry.name() else { continue };
            let name = part_name(&name);
            // Of two of a name, the first: as Office does. Whoever reads another has another document.
            names.entry(name).or_insert(index);
        }
        if total > max_unpacked {
            return Err(too_large(max_unpacked));
        }
        Ok(Archive { zip, names, left: max_unpacked })
    }

    /// Whether it has the part.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains_key(&part_name(name))
    }

    /// The names of all parts, as parts are named.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// How long a part says that it is.
    pub(crate) fn size(&mut self, name: &str) -> u64 {
        let index = self.names.get(&part_name(name)).copied();
        index.and_then(|index| Some(self.zip.by_index_raw(index).ok()?.size())).unwrap_or(0)
    }

    /// A part. `None` when there is none.
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(index) = self.names.get(&part_name(name)).copied() else { return Ok(None) };
        let entry = match self.zip.by_index(index) {
            Ok(entry) => entry,
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword) => {
                return Err(ReadError::PasswordProtected);
            }
            Err(_) => return Err(ReadError::unreadable("a part of the archive is damaged")),
        };
        let mut bytes = Vec::new();
        let read = entry.take(self.left.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|_| ReadError::unreadable("a part of the archive is damaged"))?;
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(|| too_large(self.left))?;
        Ok(Some(bytes))
    }

    /// The relations of a part.
    pub(crate) fn relations(&mut self, part: &str) -> Result<Vec<Relation>, ReadError> {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let Some(source) = self.xml(&format!("{folder}/_rels/{file}.rels"))? else { return Ok(Vec::new()) };
        let (mut reader, mut relations) = (xml::reader(&source), Vec::new());
        while let Ok(event) = reader.read_event() {
            let (Event::Start(element) | Event::Empty(element)) = event else {
                if matches!(event, Event::Eof) {
                    break;
                }
                continue;
            };
            let value = |name: &str| xml::attribute(&element, name);
            if let (Some(kind), Some(target)) = (value("Type"), value("Target")) {
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                let external = value("TargetMode").is_some_and(|mode| mode == "External");
                let target = match target.strip_prefix('/') {
                    Some(absolute) => absolute.to_owned(),
                    None if folder.is_empty() => target,
                    None => format!("{folder}/{target}"),
                };
                let id = value("Id").unwrap_or_default();
                relations.push(Relation { id, kind, target, external });
            }
        }
        Ok(relations)
    }

    /// A part that is XML, as text.
    pub(crate) fn xml(&mut self, name: &str) -> Result<Option<String>, ReadError> {
        Ok(self.part(name)?.map(|bytes| decode(&bytes, declared(&bytes))))
    }
}

/// What a part refers to.
#[derive(Debug)]
pub(crate) struct Relation {
    /// By which the part names it.
    pub(crate) id: String,
    /// The last part of its type, e.g. `header`.
    pub(crate) kind: String,
    /// The name of a part, or an address outside.
    pub(crate) target: String,
    /// It is outside the document.
    pub(crate) external: bool,
}

fn too_large(most: u64) -> ReadError {
    ReadError::too_large(format!("the archive unpacks to more than {} MB", most >> 20))
}

fn part_name(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_lowercase()
}

/// The encoding that an XML declaration names.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(200))?);
    let (declaration, _) = head.strip_prefix("<?xml")?.split_once("?>")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start_matches(['=', ' ']).trim_start_matches(['"', '\'']);
    let end = value.find(['"', '\''])?;
    Encoding::for_label(value.get(..end)?.as_bytes())
}
