//! What is a form, in whatever pieces it comes, and what is none.

use proptest::prelude::*;

use super::*;

const TYPE: &str = "multipart/form-data; boundary=XX";

/// The parts with what they hold, or why there are none.
type Outcome = Result<Vec<(PartHead, Vec<u8>)>, (Reason, String)>;

/// Reads a form that comes in these pieces.
fn read<'p>(content_type: &str, pieces: impl IntoIterator<Item = &'p [u8]>) -> Outcome {
    let told = |error: Error| (error.reason, error.message);
    let mut parser = Parser::new(content_type).map_err(told)?;
    let mut parts: Vec<(PartHead, Vec<u8>)> = Vec::new();
    let (mut is_open, mut has_ended) = (false, false);
    for piece in pieces {
        parser.push(piece);
        while let Some(event) = parser.next().map_err(told)? {
            assert!(!has_ended, "nothing comes behind the end");
            match event {
                Event::Part(head) => {
                    assert!(!std::mem::replace(&mut is_open, true));
                    parts.push((head, Vec::new()));
                }
                Event::Data(data) => {
                    assert!(is_open && (1..=PIECE).contains(&data.len()));
                    parts.last_mut().unwrap().1.extend_from_slice(&data);
                }
                Event::PartEnd => assert!(std::mem::replace(&mut is_open, false)),
                Event::End => has_ended = true,
            }
        }
        assert!(parser.buffer.len() < PIECE, "what waits is bounded");
    }
    parser.finish().map_err(told)?;
    Ok(parts)
}

fn named(name: &str) -> PartHead {
    PartHead { name: name.to_owned(), ..PartHead::default() }
}

fn file(name: &str, file_name: &str, content_type: &str) -> PartHead {
    let (file_name, content_type) = (Some(file_name.to_owned()), Some(content_type.to_owned()));
    PartHead { file_name, content_type, ..named(name) }
}

#[test]
fn forms() {
    let long = "x".repeat(3 * PIECE);
    let many = |count: usize| {
        "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n".repeat(count) + "--XX--"
    };
    let head = |length: usize| {
        let name = "Content-Disposition: form-data; name=\"a\"\r\nX: ";
        format!("--XX\r\n{name}{}\r\n\r\n1\r\n--XX--", "y".repeat(length - name.len()))
    };
    let around = |before: usize, behind: usize| {
        let form = "\r\n--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX--";
        format!("{}{form}{}", "b".repeat(before), "e".repeat(behind))
    };
    let one = || vec![(named("a"), "1")];
    let disposition = "Content-Disposition: form-data; name=\"a\"";
    let with = |head: &str| format!("--XX\r\n{head}\r\n\r\n1\r\n--XX--\r\n");
    for (what, body, parts) in [
        ("one part", with(disposition), one()),
        ("no line break at the end", format!("--XX\r\n{disposition}\r\n\r\n1\r\n--XX--"), one()),
        (
            "a text and a file",
            format!(
                "--XX\r\n{disposition}\r\n\r\n1\r\n--XX\r\ncontent-disposition: FORM-DATA; filename=\"x y.pdf\"; \
                 name=file\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n\r\n--XX--\r\n"
            ),
            vec![(named("a"), "1"), (file("file", "x y.pdf", "application/pdf"), "%PDF\r\n")],
        ),
        ("an empty part", format!("--XX\r\n{disposition}\r\n\r\n\r\n--XX--"), vec![(named("a"), "")]),
        (
            "an empty part without its line break",
            format!("--XX\r\n{disposition}\r\n\r\n--XX--"),
            vec![(named("a"), "")],
        ),
        ("no part", "--XX--".to_owned(), vec![]),
        ("text before and behind", around(5, 5), one()),
        ("as much of it as may be", around(MAX_AROUND - LINE.len(), MAX_AROUND), one()),
        ("spaces behind a boundary", format!("--XX \t\r\n{disposition}\r\n\r\n1\r\n--XX-- \r\n"), one()),
        (
            "what is nearly a boundary",
            format!("--XX\r\n{disposition}\r\n\r\n\r\n--X\r\n\r-XX\n--XX\r\r\n--XY\r\n--XX--"),
            vec![(named("a"), "\r\n--X\r\n\r-XX\n--XX\r\r\n--XY")],
        ),
        ("a long part", format!("--XX\r\n{disposition}\r\n\r\n{long}\r\n--XX--"), vec![(named("a"), &long)]),
        ("as many parts as may be", many(MAX_PARTS), (0..MAX_PARTS).map(|_| (named("a"), "1")).collect()),
        ("a head as long as may be", head(MAX_PART_HEAD), one()),
        (
            "fields that say nothing",
            with(&format!("X-Y: z\r\n{disposition}\r\nContent-Transfer-Encoding: 8BIT")),
            one(),
        ),
        (
            "a length",
            with(&format!("{disposition}\r\nContent-Length: 1")),
            vec![(PartHead { length: Some(1), ..named("a") }, "1")],
        ),
    ] {
        let expected: Vec<(PartHead, Vec<u8>)> =
            parts.into_iter().map(|(head, data)| (head, data.as_bytes().to_vec())).collect();
        assert_eq!(read(TYPE, body.as_bytes().chunks(PIECE - 256)), Ok(expected), "{what}");
    }
    for (what, body) in [
        ("too many parts", many(MAX_PARTS + 1)),
        ("a head that is too long", head(MAX_PART_HEAD + 1)),
        ("a head without an end", format!("--XX\r\n{disposition}\r\nX: {}", "y".repeat(MAX_PART_HEAD))),
        ("too much before", around(MAX_AROUND + 1, 0)),
        ("too much behind", around(0, MAX_AROUND + 1)),
        ("nothing", String::new()),
        ("no form", "hello".to_owned()),
        ("another boundary", with(disposition).replace("--XX", "--XY")),
        ("no end", format!("--XX\r\n{disposition}\r\n\r\n1\r\n--XX\r\n")),
        ("cut short in a part", format!("--XX\r\n{disposition}\r\n\r\n1")),
        ("cut short in a head", format!("--XX\r\n{disposition}\r\n")),
        ("cut short in the last boundary", format!("--XX\r\n{disposition}\r\n\r\n1\r\n--XX-")),
        ("more behind a boundary", format!("--XXY\r\n{disposition}\r\n\r\n1\r\n--XX--")),
        (
            "too many spaces",
            format!("--XX{}\r\n{disposition}\r\n\r\n1\r\n--XX--", " ".repeat(MAX_PADDING + 1)),
        ),
        ("bare line feeds", with(disposition).replace("\r\n", "\n")),
        ("a bare line feed in a head", with(&format!("X: y\n{disposition}"))),
        ("a line that goes on", with("Content-Disposition: form-data;\r\n name=\"a\"")),
        ("a space in a name", with("Content-Disposition : form-data; name=\"a\"")),
        ("a zero in a head", with(&format!("X: \0\r\n{disposition}"))),
        ("no head", "--XX\r\n\r\n1\r\n--XX--".to_owned()),
        ("no disposition", with("Content-Type: text/plain")),
        ("two dispositions", with(&format!("{disposition}\r\n{disposition}"))),
        ("another disposition", with("Content-Disposition: attachment; name=\"a\"")),
        ("no name", with("Content-Disposition: form-data")),
        ("two names", with("Content-Disposition: form-data; name=\"a\"; name=\"b\"")),
        ("two types", with(&format!("{disposition}\r\nContent-Type: a/b\r\nContent-Type: c/d"))),
        ("a length that is no number", with(&format!("{disposition}\r\nContent-Length: +1"))),
        ("a boundary in a head", format!("--XX\r\n{disposition}\r\n--XX\r\n\r\n1\r\n--XX--")),
    ] {
        let outcome = read(TYPE, body.as_bytes().chunks(PIECE - 256));
        assert_eq!(outcome.map_err(|(reason, _)| reason), Err(Reason::InvalidArgument), "{what}");
    }
    for (what, body) in [
        ("a multipart in it", with(&format!("{disposition}\r\nContent-Type: Multipart/mixed; boundary=YY"))),
        ("an encoded part", with(&format!("{disposition}\r\nContent-Transfer-Encoding: base64"))),
    ] {
        let outcome = read(TYPE, [body.as_bytes()]);
        assert_eq!(outcome.map_err(|(reason, _)| reason), Err(Reason::UnsupportedMediaType), "{what}");
    }
    let latin1 = b"--XX\r\nContent-Disposition: form-data; name=\"\xe9\"\r\n\r\n1\r\n--XX--";
    assert!(read(TYPE, [&latin1[..]]).is_err());
}

#[test]
fn boundaries() {
    let seventy = format!("multipart/form-data; boundary={}", "a".repeat(70));
    for good in [
        &*seventy,
        "multipart/form-data; charset=utf-8; Boundary=\"a b:c\"",
        "multipart/form-data;boundary=-",
    ] {
        assert!(Parser::new(good).is_ok(), "{good}");
    }
    let longer = seventy.clone() + "a";
    for bad in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        &longer,
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=a_\u{e9}",
        "multipart/form-data; boundary=a; boundary=a",
        "multipart/form-data; boundary=\"a\\\"b\"",
    ] {
        assert_eq!(Parser::new(bad).err().unwrap().reason, Reason::InvalidArgument, "{bad}");
    }
}

/// What a part may hold, with much that begins a boundary.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'X'), any::<u8>()];
    prop::collection::vec(bytes, 0..40)
}

/// Nothing that is a form, mostly, and much that is in one.
fn nonsense() -> impl Strategy<Value = String> {
    const WORDS: &[&str] =
        &["\r\n", "--XX", "--", "Content-Disposition: form-data; name=\"a\"", "a", " ", ":"];
    prop::collection::vec(prop::sample::select(WORDS), 0..40).prop_map(|words| words.concat())
}

proptest! {
    /// A form means the same in whatever pieces it comes, and what it holds comes out as it went in.
    #[test]
    fn pieces_change_nothing(
        parts in prop::collection::vec(("[a-z]{1,3}", content()), 0..4),
        sizes in prop::collection::vec(1_usize..9, 1..200),
    ) {
        let mut body = Vec::new();
        let mut expected = Vec::new();
        for (name, data) in &parts {
            // The one thing that a part cannot hold.
            prop_assume!(memchr::memmem::find(&[LINE, data.as_slice()].concat(), b"\r\n--XX").is_none());
            body.extend(format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").into_bytes());
            body.extend(data);
            body.extend(LINE);
            expected.push((named(name), data.clone()));
        }
        body.extend(b"--XX--\r\n");
        let mut rest = body.as_slice();
        let mut pieces = Vec::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(read(TYPE, pieces), Ok(expected));
    }

    /// Whatever comes, in whatever pieces, it is one answer and no panic.
    #[test]
    fn pieces_of_nonsense_change_nothing(body in nonsense(), cut in any::<prop::sample::Index>()) {
        let body = body.as_bytes();
        let (before, after) = body.split_at(cut.index(body.len() + 1));
        prop_assert_eq!(read(TYPE, [before, after]), read(TYPE, [body]));
        prop_assert_eq!(read(TYPE, body.chunks(1)), read(TYPE, [body]));
    }
}
