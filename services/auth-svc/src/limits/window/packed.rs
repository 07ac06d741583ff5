//! Windows in few bytes: about 25 for a key that is used a few times, 500 at the most.

use super::{COUNTERS, HOUR, MINUTE, Window, Windows, bits};

impl Windows {
    /// Appends these windows: the time of the newest slot as a varint, which counters are not 0 as a
    /// 128-bit map (little-endian: the minute's from the lowest bit, the oldest first, then the hour's), and
    /// those counters as varints. A slot that is free at `now` is left out: nothing may ask about a time
    /// before it any more.
    pub(crate) fn pack(&self, now: u64, bytes: &mut Vec<u8>) {
        let (minute, hour) = self.looks(now.max(self.newest));
        let (minute, hour) = (minute.taken(), hour.taken());
        write_varint(self.newest, bytes);
        bytes.extend_from_slice(&(u128::from(minute) | u128::from(hour) << COUNTERS).to_le_bytes());
        bits(minute).for_each(|counter| write_varint(self.minute.counters[counter].into(), bytes));
        bits(hour).for_each(|counter| write_varint(self.hour.counters[counter].into(), bytes));
    }

    /// Takes windows off the front, as [`pack`](Windows::pack) wrote them. `None` when they are malformed.
    pub(crate) fn unpack(bytes: &mut &[u8]) -> Option<Windows> {
        let newest = read_varint(bytes)?;
        let (map, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        let map = u128::from_le_bytes(*map);
        if map >> (2 * COUNTERS) != 0 {
            return None;
        }
        let mut windows = Windows { newest, ..Windows::default() };
        unpack_window::<MINUTE>(&mut windows.minute, map, bytes)?;
        unpack_window::<HOUR>(&mut windows.hour, map >> COUNTERS, bytes)?;
        Some(windows)
    }
}

/// Reads the counters that are set in the lowest bits of the map into an empty window.
fn unpack_window<const SUB: u64>(window: &mut Window<SUB>, map: u128, bytes: &mut &[u8]) -> Option<()> {
    // Cut to the bits of this window, which fit.
    window.taken = map as u64 & ((1 << COUNTERS) - 1);
    for counter in bits(window.taken) {
        let taken = u32::try_from(read_varint(bytes)?).ok().filter(|&taken| taken > 0)?;
        window.counters[counter] = taken;
        window.used += u64::from(taken);
    }
    Some(())
}

/// Seven bits a byte, the lowest first; the high bit says that another one follows.
pub(crate) fn write_varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number off the front. `None` when there is none or it does not fit.
pub(crate) fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let seven = u64::from(byte & 0x7f);
        if seven << shift >> shift != seven {
            return None;
        }
        number |= seven << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}
