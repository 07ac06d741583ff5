//! A piece of the log: the windows of many keys, packed.
//!
//! A byte with the version, four with the CRC-32 of it and of what follows (little-endian), and for each
//! key the length of its id as a varint, its id, and its windows as [`Windows::pack`] writes them.

use crate::limits::window::{Windows, read_varint, write_varint};

const VERSION: u8 = 1;
const HEAD: usize = 1 + 4;

/// A piece that is being made.
pub(crate) struct Piece(Vec<u8>);

impl Piece {
    pub(crate) fn new() -> Piece {
        let mut bytes = vec![0; HEAD];
        bytes[0] = VERSION;
        Piece(bytes)
    }

    pub(crate) fn push(&mut self, key_id: &str, windows: &Windows, now: u64) {
        push(&mut self.0, key_id, windows, now);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == HEAD
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        let sum = checksum(&self.0);
        self.0[1..HEAD].copy_from_slice(&sum.to_le_bytes());
        self.0
    }
}

/// Appends what a piece has of a key.
pub(crate) fn push(bytes: &mut Vec<u8>, key_id: &str, windows: &Windows, now: u64) {
    write_varint(key_id.len() as u64, bytes);
    bytes.extend_from_slice(key_id.as_bytes());
    windows.pack(now, bytes);
}

/// Gives each key and its windows. `None` when it is damaged, or of another version.
pub(crate) fn read(bytes: &[u8], mut each: impl FnMut(&str, Windows)) -> Option<()> {
    let (head, mut left) = bytes.split_first_chunk::<HEAD>()?;
    if head[0] != VERSION || head[1..] != checksum(bytes).to_le_bytes() {
        return None;
    }
    while !left.is_empty() {
        let length = usize::try_from(read_varint(&mut left)?).ok()?;
        let (key_id, rest) = left.split_at_checked(length)?;
        left = rest;
        each(std::str::from_utf8(key_id).ok()?, Windows::unpack(&mut left)?);
    }
    Some(())
}

fn checksum(piece: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&piece[..1]);
    sum.update(&piece[HEAD..]);
    sum.finalize()
}
