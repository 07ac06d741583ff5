use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01";
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0";
const GIF_SCRIPT: &[u8] = b"GIF89a=1;alert(1)//";
const PDF: &[u8] = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj";
const PDF_LATE: &[u8] = b"\0\0junk\n%PDF-1.4\n%\xE2\xE3";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0\x21\0\0\0\0\0";
const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0\0\0";
const PROGRAM: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0";
const ELF: &[u8] = b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3E\0\x01\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const GZIP: &[u8] = b"\x1F\x8B\x08\0\0\0\0\0\0\x03";
const BYTES: &[u8] = b"\x01\x02\x03\x04\0\0\xFA";
const LATIN: &[u8] = b"Stra\xDFe;M\xFCnchen\r\n";
const HTML: &[u8] = b"\n  <!DOCTYPE html><html><script>alert(1)</script>";
const PAGE_BEHIND_COMMENT: &[u8] = b"<!-- a --><!-- b --><script>alert(1)</script>";
const SVG: &[u8] =
    b"<?xml version=\"1.0\"?><!-- x --><svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
const BARE_SVG: &[u8] = b"<svg onload=alert(1)>";
const XML: &[u8] = b"<?xml version=\"1.0\"?><invoice/>";
const XHTML: &[u8] = b"<?xml version=\"1.0\"?><x:html xmlns:x=\"http://www.w3.org/1999/xhtml\"/>";
const WIDE_HTML: &[u8] = b"\xFF\xFE<\0h\0t\0m\0l\0>\0";
const WIDE_TEXT: &[u8] = b"\xFE\xFF\0a\0;\0b";
const CSV: &[u8] = "name;email\r\nZoë;zoe@example.com\r\n".as_bytes();
const WORDS: &[u8] = b"BM or MZ or PK: words";
const SHELL: &[u8] = b"#!/bin/sh\necho\n";
const RTF: &[u8] = b"{\\rtf1\\ansi";

#[test]
fn what_contents_show() {
    for (head, shown) in [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (GIF, "image/gif"),
        (PDF, "application/pdf"),
        (ZIP, "application/zip"),
        (OLE, "application/x-ole-storage"),
        (PROGRAM, "application/vnd.microsoft.portable-executable"),
        (ELF, "application/x-executable"),
        (GZIP, "application/gzip"),
        (BYTES, OCTETS),
        (LATIN, OCTETS),
        (HTML, "text/html"),
        (PAGE_BEHIND_COMMENT, "text/html"),
        (SVG, "image/svg+xml"),
        (BARE_SVG, "image/svg+xml"),
        (XML, "application/xml"),
        (XHTML, "text/html"),
        (WIDE_HTML, "text/html"),
        (WIDE_TEXT, "text/plain"),
        (CSV, "text/plain"),
        (WORDS, "text/plain"),
        (GIF_SCRIPT, "text/plain"),
        (SHELL, "application/x-sh"),
        (RTF, "application/rtf"),
        (b"a <b>bold</b> word", "text/plain"),
        (b"<banana>", "text/plain"),
        (b"x", "text/plain"),
    ] {
        assert_eq!(settle(None, head).unwrap(), shown, "{:?}", head.escape_ascii().to_string());
    }
}

#[test]
fn what_goes_with_what_is_named() {
    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    const XLS: &str = "application/vnd.ms-excel";
    for (named, good, bad) in [
        ("image/png", &[PNG][..], &[JPEG, HTML, SVG, PROGRAM, CSV, BYTES, ZIP, b"x"][..]),
        ("image/jpg", &[JPEG], &[PNG, HTML, BYTES]),
        ("image/gif", &[GIF, GIF_SCRIPT], &[HTML, CSV]),
        ("image/svg+xml", &[SVG, BARE_SVG, XML, CSV], &[PNG, PROGRAM, BYTES]),
        ("image/x-unheard-of", &[BYTES, PNG], &[HTML, PROGRAM, CSV, SVG]),
        ("audio/x-mpegurl", &[CSV], &[PROGRAM]),
        ("application/pdf", &[PDF, PDF_LATE], &[HTML, PNG, CSV, ZIP]),
        ("application/zip", &[ZIP], &[OLE, CSV, PNG]),
        (DOCX, &[ZIP, OLE], &[PDF, HTML, CSV, PROGRAM]),
        (XLS, &[OLE, ZIP, CSV, HTML, XML, RTF], &[PNG, PROGRAM, ELF, BYTES]),
        (
            "text/plain",
            &[CSV, WORDS, LATIN, WIDE_TEXT, XML, SHELL],
            &[HTML, SVG, XHTML, WIDE_HTML, PNG, PROGRAM, BYTES, ZIP],
        ),
        ("text/csv", &[CSV, LATIN, WIDE_TEXT], &[HTML, PNG, ZIP]),
        ("text/markdown", &[CSV, b"<p align=center>"], &[PNG]),
        ("application/json", &[b"{}", b"[1]"], &[HTML, PNG]),
        ("text/html", &[HTML, WIDE_HTML, CSV, XHTML], &[PNG, PROGRAM, ZIP]),
        ("application/gzip", &[GZIP], &[ZIP, CSV]),
        ("application/x-of-a-vendor", &[BYTES, CSV, ZIP, HTML, PROGRAM], &[]),
    ] {
        for head in good {
            assert_eq!(
                settle(Some(named), head).as_deref(),
                Ok(named),
                "{:?}",
                head.escape_ascii().to_string()
            );
        }
        for head in bad {
            let shown = head.escape_ascii().to_string();
            assert!(settle(Some(named), head).is_err(), "{named} {shown:?}");
        }
    }
}

#[test]
fn media_types_are_read() {
    let longest = format!("a/{}", "b".repeat(125));
    let too_long = format!("{longest}b");
    for (text, expected) in [
        ("text/plain", Ok(Some("text/plain"))),
        ("Text/CSV; charset=\"utf-8\"", Ok(Some("text/csv"))),
        (" application/pdf ", Ok(Some("application/pdf"))),
        ("application/octet-stream", Ok(None)),
        ("binary/octet-stream", Ok(None)),
        (longest.as_str(), Ok(Some(longest.as_str()))),
        (too_long.as_str(), Err(Fault::TooLong)),
        ("", Err(Fault::Invalid)),
        ("pdf", Err(Fault::Invalid)),
        ("a/", Err(Fault::Invalid)),
        ("/b", Err(Fault::Invalid)),
        ("a/b/c", Err(Fault::Invalid)),
        ("a/b c", Err(Fault::Invalid)),
        ("*/*", Err(Fault::Invalid)),
        ("image/*", Err(Fault::Invalid)),
        ("text/plain\r\nx: y", Err(Fault::Invalid)),
        ("téxt/plain", Err(Fault::Invalid)),
    ] {
        let read = essence(text).map_err(|(fault, _)| fault);
        assert_eq!(read, expected.map(|read| read.map(str::to_owned)), "{text:?}");
    }
}

#[test]
fn browsers_are_told_of_what_they_do_not_run() {
    for kept in ["image/png", "application/pdf", "text/plain", "text/csv", "video/mp4", "application/json"] {
        assert_eq!(served(kept), kept);
    }
    for hidden in [
        "text/html",
        "application/xhtml+xml",
        "image/svg+xml",
        "text/xml",
        "application/xml",
        "text/javascript",
        "application/javascript",
        "text/css",
        "application/x-shockwave-flash",
        "application/wasm",
        "multipart/x-mixed-replace",
        "application/vnd.microsoft.portable-executable",
        "text/x-of-a-vendor",
    ] {
        assert_eq!(served(hidden), OCTETS, "{hidden}");
    }
}
