//! Path templates: a template and a path, each on a line. Whatever the template is, it is read or refused in words;
//! and values that a path gave to its variables are given again by the path that they make.

#![no_main]

use std::sync::LazyLock;

use edge::routes::Table;
use libfuzzer_sys::fuzz_target;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use svc_core::policy::built_in_descriptors;

/// All but RFC 3986's unreserved characters, and its sub-delims: a literal of a template that has one is not what the same
/// character is when it is escaped.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');
/// The same for several segments.
const SEGMENTS: &AsciiSet = &RESERVED.remove(b'/');

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    Table::build(&built_in_descriptors().unwrap(), &["keyward.contacts.v1.ContactService"]).unwrap()
});

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (template, path) = text.split_once('\n').unwrap_or((text, "/"));
    let Ok(Some(params)) = edge::fuzzing::match_template(&TABLE, template, path) else { return };
    let Some(again) = rebuild(template, &params) else { return };
    let found = edge::fuzzing::match_template(&TABLE, template, &again);
    assert_eq!(found, Ok(Some(params)), "{template} {path} {again}");
});

/// The path with these values. `None` for a template with segments that no variable holds.
fn rebuild(template: &str, params: &[String]) -> Option<String> {
    let mut params = params.iter();
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (variable, after) = after.split_once('}')?;
        push_text(&mut path, before)?;
        let value = params.next()?;
        let is_one =
            variable.split_once('=').is_none_or(|(_, pattern)| !pattern.contains('/') && pattern != "**");
        if value.is_empty() {
            // `**` that takes nothing has no slash before it, either.
            path.pop();
        } else if is_one {
            path.extend(utf8_percent_encode(value, RESERVED));
        } else {
            // `%2F` stands for itself.
            let parts: Vec<String> =
                value.split("%2F").map(|part| utf8_percent_encode(part, SEGMENTS).to_string()).collect();
            path.push_str(&parts.join("%2F"));
        }
        rest = after;
    }
    push_text(&mut path, rest)?;
    Some(path)
}

fn push_text(path: &mut String, text: &str) -> Option<()> {
    path.extend(utf8_percent_encode(text, CONTROLS));
    (!text.contains('*')).then_some(())
}
