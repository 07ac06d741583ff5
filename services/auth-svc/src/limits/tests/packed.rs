//! How windows are packed.

use proptest::prelude::*;

use super::{beginning, limits, steps};
use crate::limits::memory::piece::{self, Piece};
use crate::limits::window::{COUNTERS, LONGEST, Windows, read_varint, write_varint};

fn packed(windows: &Windows, now: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    windows.pack(now, &mut bytes);
    bytes
}

fn piece(windows: &[(String, Windows)], now: u64) -> Vec<u8> {
    let mut piece = Piece::new();
    windows.iter().for_each(|(key, windows)| piece.push(key, windows, now));
    piece.into_bytes()
}

fn read(piece: &[u8]) -> Option<Vec<(String, Windows)>> {
    let mut windows = Vec::new();
    piece::read(piece, |key, w| windows.push((key.to_owned(), w)))?;
    Some(windows)
}

/// Mostly zeros, and any others.
fn counters() -> impl Strategy<Value = Vec<u32>> {
    let counter = prop_oneof![6 => Just(0), 3 => 1..300_u32, 1 => any::<u32>()];
    proptest::collection::vec(counter, COUNTERS)
}

fn windows() -> impl Strategy<Value = Windows> {
    let newest = prop_oneof![beginning(), any::<u64>()];
    let windows = (newest, counters(), counters());
    windows.prop_map(|(newest, minute, hour)| Windows::from_counters(newest, &minute, &hour).unwrap())
}

#[test]
fn a_key_that_is_used_a_few_times_takes_50_bytes() {
    let mut windows = Windows::default();
    for later in [0, 20_000, 100_000] {
        windows.take(5_000_000 + later, limits(60, 1_000));
    }
    let bytes = piece(&[("65f0c0ffee65f0c0ffee65f0".to_owned(), windows)], 5_100_000);
    // 5 of them are the piece's own.
    assert!((45..=55).contains(&bytes.len()), "{} bytes", bytes.len());
    let full = Windows::from_counters(u64::MAX, &[u32::MAX; COUNTERS], &[u32::MAX; COUNTERS]).unwrap();
    assert_eq!(packed(&full, 0).len(), 10 + 16 + 2 * COUNTERS * 5);
}

#[test]
fn bytes_that_are_not_packed_windows_are_refused() {
    let mut windows = Windows::default();
    windows.take(5_000_000, limits(1, 1));
    let good = packed(&windows, 5_000_000);
    assert_eq!(Windows::unpack(&mut &good[..]), Some(windows.clone()));
    for length in 0..good.len() {
        assert_eq!(Windows::unpack(&mut &good[..length]), None, "{length} bytes");
    }
    let map = good.len() - 18;
    for (what, at, byte) in [
        ("a counter beyond the last", map + 15, 0x14),
        ("a counter that is 0", good.len() - 1, 0),
        ("a counter that does not end", good.len() - 1, 0x80),
    ] {
        let mut bad = good.clone();
        bad[at] = byte;
        assert_eq!(Windows::unpack(&mut &bad[..]), None, "{what}");
    }
    let too_much = [&good[..good.len() - 1], &[0x80, 0x80, 0x80, 0x80, 0x10]].concat();
    assert_eq!(Windows::unpack(&mut &too_much[..]), None, "more than 32 bits");
}

#[test]
fn a_piece_that_is_damaged_anywhere_is_refused() {
    let mut windows = Windows::default();
    windows.take(5_000_000, limits(5, 5));
    let keys = ["a", "b"].map(|key| (key.to_owned(), windows.clone()));
    let good = piece(&keys, 5_000_000);
    assert_eq!(read(&good).unwrap(), keys);
    assert_eq!(read(&piece(&[], 0)).unwrap(), []);
    for at in 0..good.len() {
        assert_eq!(read(&good[..at]), None, "cut at {at}");
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert_eq!(read(&bad), None, "bit {bit} of byte {at}");
        }
    }
}

/// With a sum that fits.
fn forged(mut body: Vec<u8>) -> Vec<u8> {
    let sum = crc32fast::hash(&[&[1][..], &body].concat()).to_le_bytes();
    body.splice(0..0, [1, sum[0], sum[1], sum[2], sum[3]]);
    body
}

proptest! {
    #[test]
    fn what_is_packed_comes_back(
        all in proptest::collection::vec((".{0,40}", windows()), 0..20),
    ) {
        // Nothing is past before the newest slot.
        prop_assert_eq!(read(&piece(&all, 0)), Some(all));
    }

    #[test]
    fn slots_that_are_free_are_left_out_and_nobody_can_tell(
        start in beginning(),
        steps in steps(40),
        later in 0..LONGEST + 100_000,
        after in proptest::collection::vec(0..LONGEST, 1..20),
    ) {
        let (mut windows, mut now) = (Windows::default(), start);
        for step in &steps {
            now += step.later;
            for _ in 0..step.requests {
                windows.take(now, step.limits);
            }
        }
        now += later;
        let bytes = packed(&windows, now);
        let mut back = Windows::unpack(&mut &bytes[..]).unwrap();
        prop_assert_eq!(back.newest(), windows.newest());
        prop_assert!(bytes.len() <= packed(&windows, 0).len());
        for (later, step) in after.into_iter().zip(steps.iter().cycle()) {
            prop_assert_eq!(back.peek(now + later, step.limits), windows.peek(now + later, step.limits));
        }
        prop_assert_eq!(back.take(now, limits(9, 90)), windows.take(now, limits(9, 90)));
    }

    #[test]
    fn any_number_is_a_varint(number: u64, rest in proptest::collection::vec(any::<u8>(), 0..3)) {
        let mut bytes = Vec::new();
        write_varint(number, &mut bytes);
        prop_assert!(bytes.len() <= 10);
        bytes.extend_from_slice(&rest);
        let mut left = &bytes[..];
        prop_assert_eq!(read_varint(&mut left), Some(number));
        prop_assert_eq!(left, &rest[..]);
    }

    #[test]
    fn any_bytes_are_a_piece_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        read(&body);
        read(&forged(body));
    }

    #[test]
    fn any_bytes_within_a_good_piece_are_windows_or_refused(
        all in proptest::collection::vec(("[a-z]{0,9}", windows()), 1..5),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let mut body = piece(&all, 0).split_off(5);
        let at = at.index(body.len());
        body[at] = byte;
        for (_, mut windows) in read(&forged(body)).unwrap_or_default() {
            windows.peek(windows.newest(), limits(5, 5));
            windows.take(u64::MAX, limits(5, 5));
        }
    }
}
