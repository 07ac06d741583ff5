use super::*;

type Read = Vec<(u64, Result<Vec<String>, RecordFault>)>;

/// The records of a text that comes in pieces, each with its line.
fn read(text: &[u8], piece: usize) -> Read {
    let mut records = Records::new(b',', 1);
    let mut read = Vec::new();
    let note = |records: &Records| {
        let cells = records.cells().map(|cells| cells.iter().map(str::to_owned).collect());
        (records.record_line(), cells)
    };
    for mut piece in text.chunks(piece) {
        while !piece.is_empty() {
            let (taken, whole) = records.read(piece);
            piece = &piece[taken..];
            if whole {
                read.push(note(&records));
            }
        }
    }
    if records.end() {
        read.push(note(&records));
    }
    assert_eq!(records.position(), text.len() as u64);
    read
}

fn good(line: u64, cells: &[&str]) -> (u64, Result<Vec<String>, RecordFault>) {
    (line, Ok(cells.iter().map(|cell| (*cell).to_owned()).collect()))
}

#[test]
fn records_however_their_bytes_come() {
    use RecordFault::{NotText, Nul, OpenQuote, StrayQuote};
    let cases: &[(&str, Read)] = &[
        ("", vec![]),
        ("a", vec![good(1, &["a"])]),
        ("a,b\nc,d\n", vec![good(1, &["a", "b"]), good(2, &["c", "d"])]),
        ("a,b\r\nc,d\r\n", vec![good(1, &["a", "b"]), good(2, &["c", "d"])]),
        ("a,b\rc,d", vec![good(1, &["a", "b"]), good(2, &["c", "d"])]),
        (",\n,,", vec![good(1, &["", ""]), good(2, &["", "", ""])]),
        ("a\n\nb", vec![good(1, &["a"]), good(2, &[""]), good(3, &["b"])]),
        ("a\r\n\r\nb\r\n", vec![good(1, &["a"]), good(2, &[""]), good(3, &["b"])]),
        ("a\r\rb", vec![good(1, &["a"]), good(2, &[""]), good(3, &["b"])]),
        ("\"a,b\",\"c\"\"d\"\n", vec![good(1, &["a,b", "c\"d"])]),
        ("\"\",\"\"\n", vec![good(1, &["", ""])]),
        ("\"\"\"\"", vec![good(1, &["\""])]),
        (
            "\"one\r\ntwo\rthree\nfour\",x\ny",
            vec![good(1, &["one\r\ntwo\rthree\nfour", "x"]), good(5, &["y"])],
        ),
        (" a , b \n", vec![good(1, &[" a ", " b "])]),
        ("ä,🙂\n", vec![good(1, &["ä", "🙂"])]),
        ("a\"b,c\nd", vec![(1, Err(StrayQuote)), good(2, &["d"])]),
        ("a, \"b,c\"\nd", vec![(1, Err(StrayQuote)), good(2, &["d"])]),
        ("\"a\"b,c\nd", vec![(1, Err(StrayQuote)), good(2, &["d"])]),
        ("\"a\" ,c\nd", vec![(1, Err(StrayQuote)), good(2, &["d"])]),
        ("a\n\"b\nc\nd", vec![good(1, &["a"]), (2, Err(OpenQuote))]),
        ("a\0,b\nc", vec![(1, Err(Nul)), good(2, &["c"])]),
        ("\u{feff}a\n", vec![good(1, &["\u{feff}a"])]),
    ];
    for (text, expected) in cases {
        for piece in 1..=text.len().max(1) {
            assert_eq!(read(text.as_bytes(), piece), *expected, "{text:?} by {piece}");
        }
    }
    let broken: &[(&[u8], Read)] = &[
        (b"a,\xFF\nb", vec![(1, Err(NotText)), good(2, &["b"])]),
        // Two halves of a character, in two cells.
        (b"a\xC3,\xA4b\nc", vec![(1, Err(NotText)), good(2, &["c"])]),
    ];
    for (text, expected) in broken {
        assert_eq!(read(text, 1), *expected, "{text:?}");
    }
}

#[test]
fn a_long_line_is_passed_over_and_never_held() {
    let long = [&b"a,"[..], &vec![b'x'; 3 * MAX_RECORD], b"\nb"].concat();
    assert_eq!(read(&long, 64 * 1024), [(1, Err(RecordFault::TooLong)), good(2, &["b"])]);
    let quoted = [&b"a,\""[..], &vec![b'\n'; 3 * MAX_RECORD], b"\"\nb"].concat();
    let line = 2 + 3 * MAX_RECORD as u64;
    assert_eq!(read(&quoted, 64 * 1024), [(1, Err(RecordFault::TooLong)), good(line, &["b"])]);

    let mut records = Records::new(b',', 1);
    for _ in 0..64 {
        records.read(&vec![b'x'; MAX_RECORD]);
    }
    assert!(records.record.text.capacity() <= 2 * MAX_RECORD);
    let longest = "x".repeat(MAX_RECORD);
    assert_eq!(read(longest.as_bytes(), 4_096), [good(1, &[longest.as_str()])]);
}

#[test]
fn a_record_has_so_many_cells_at_the_most() {
    let most = ",".repeat(MAX_CELLS - 1);
    assert_eq!(read(most.as_bytes(), 7)[0].1.as_ref().unwrap().len(), MAX_CELLS);
    let more = format!("{}\na", ",".repeat(MAX_CELLS));
    assert_eq!(read(more.as_bytes(), 7), [(1, Err(RecordFault::TooManyCells)), good(2, &["a"])]);
}

#[test]
fn what_was_read_is_counted() {
    let mut records = Records::new(b';', 3);
    assert_eq!(records.read(b"a;b\r\nc"), (4, true));
    assert_eq!((records.position(), records.record_line(), records.lines()), (4, 3, 3));
    assert_eq!(records.read(b"\nc"), (2, false));
    assert!(records.end());
    assert_eq!((records.position(), records.record_line()), (6, 4));
}
