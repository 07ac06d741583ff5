//! What the sources import, read as the compiler reads them: comments and texts are none, and code for tests is
//! left out.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What code for tests is compiled for.
const FOR_TESTS: [&str; 4] = ["test", "\"testing\"", "\"benching\"", "\"fuzzing\""];

/// The code of a file that is shipped.
pub struct Source {
    /// From the root of the repository.
    pub path: String,
    /// Its module: `["store", "sql"]` for `src/store/sql.rs`.
    pub module: Vec<String>,
    code: Vec<TokenTree>,
}

impl Source {
    /// The code of one file, which is no module of a crate.
    pub fn of(text: &str) -> Source {
        Source { path: String::new(), module: Vec::new(), code: shipped(text.parse().unwrap()).0 }
    }

    /// All that is shipped of a crate, from its root file.
    pub fn of_crate(root: &Path, dir: &Path) -> Vec<Source> {
        let mut sources = Vec::new();
        for name in ["lib.rs", "main.rs"] {
            let file = dir.join("src").join(name);
            if file.exists() {
                read(root, &file, &dir.join("src"), Vec::new(), &mut sources);
            }
        }
        sources
    }

    /// The places where a crate is named in a path or imported.
    pub fn mentions(&self, krate: &str) -> Vec<String> {
        let mut found = Vec::new();
        mentions(&self.code, krate, &mut found);
        found
    }

    /// The modules at the top of the crate that it imports or names, as `crate::store` or `super::super::store`.
    pub fn imports(&self) -> Vec<String> {
        let mut found = Vec::new();
        imports(&self.code, &self.module, &mut found);
        found
    }

    /// The module at the top of the crate that it belongs to. `None` for the root file.
    pub fn room(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }
}

/// Reads a file and the files of its modules.
fn read(root: &Path, file: &Path, below: &Path, module: Vec<String>, sources: &mut Vec<Source>) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let (code, modules) = shipped(text.parse().unwrap());
    for name in modules {
        let inner: PathBuf = below.join(&name);
        let file = below.join(format!("{name}.rs"));
        let file = if file.exists() { file } else { inner.join("mod.rs") };
        let module = module.iter().cloned().chain([name]).collect();
        read(root, &file, &inner, module, sources);
    }
    let path = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    sources.push(Source { path, module, code });
}

/// The code without what is for tests, and the modules that have files of their own.
fn shipped(code: TokenStream) -> (Vec<TokenTree>, Vec<String>) {
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut tokens = code.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is(&token, "#")
            && let Some(TokenTree::Group(attribute)) = tokens.peek()
            && is_for_tests(attribute.stream())
        {
            tokens.next();
            skip_item(&mut tokens);
            continue;
        }
        if let (true, Some(TokenTree::Ident(name))) = (is(&token, "mod"), tokens.peek()) {
            let name = name.to_string();
            kept.extend([token, tokens.next().unwrap()]);
            if tokens.peek().is_some_and(|token| is(token, ";")) {
                modules.push(name);
            }
            continue;
        }
        kept.push(match token {
            TokenTree::Group(group) => {
                let (inner, _) = shipped(group.stream());
                TokenTree::Group(proc_macro2::Group::new(group.delimiter(), inner.into_iter().collect()))
            }
            token => token,
        });
    }
    (kept, modules)
}

/// Whether an attribute is `cfg(test)` or the like. What is for anything but tests is shipped.
fn is_for_tests(attribute: TokenStream) -> bool {
    let text = attribute.to_string();
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || "(),=".contains(c)).collect();
    words.first() == Some(&"cfg") && !words.contains(&"not") && FOR_TESTS.iter().any(|w| words.contains(w))
}

/// Skips what an attribute stands before: up to a semicolon, a body in braces, or the comma after a field.
fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    let mut ends_in_semicolon = None;
    for token in tokens {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ';' => return,
            TokenTree::Punct(punct) if punct.as_char() == ',' && ends_in_semicolon.is_none() => return,
            TokenTree::Group(group)
                if group.delimiter() == Delimiter::Brace && ends_in_semicolon != Some(true) =>
            {
                return;
            }
            TokenTree::Ident(word) => match word.to_string().as_str() {
                "use" | "static" | "let" | "type" => ends_in_semicolon = ends_in_semicolon.or(Some(true)),
                "const" if ends_in_semicolon.is_none() => ends_in_semicolon = Some(true),
                "fn" | "mod" | "impl" | "struct" | "enum" | "trait" => ends_in_semicolon = Some(false),
                _ => {}
            },
            _ => {}
        }
    }
}

fn is(token: &TokenTree, text: &str) -> bool {
    match token {
        TokenTree::Ident(ident) => ident == text,
        TokenTree::Punct(punct) => text.len() == 1 && text.starts_with(punct.as_char()),
        _ => false,
    }
}

fn is_path(code: &[TokenTree], at: usize) -> bool {
    matches!(code.get(at..at + 2), Some([one, two]) if is(one, ":") && is(two, ":"))
}

fn mentions(code: &[TokenTree], krate: &str, found: &mut Vec<String>) {
    for (at, token) in code.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            mentions(&group.stream().into_iter().collect::<Vec<_>>(), krate, found);
        }
        let before = |back: usize| at.checked_sub(back).map(|before| &code[before]);
        // Part of a path that begins elsewhere, or a field.
        let is_part = match (before(3), before(2), before(1)) {
            (Some(start), Some(one), Some(two)) if is(one, ":") && is(two, ":") => {
                matches!(start, TokenTree::Ident(_)) && !is(start, "use") || is(start, ">")
            }
            (_, _, Some(before)) => is(before, "."),
            _ => false,
        };
        let is_import = before(1).is_some_and(|before| is(before, "use"));
        if is(token, krate) && !is_part && (is_path(code, at + 1) || is_import) {
            found.push(code[at..].iter().take(6).map(ToString::to_string).collect::<Vec<_>>().join(""));
        }
    }
}

fn imports(code: &[TokenTree], module: &[String], found: &mut Vec<String>) {
    let mut at = 0;
    while at < code.len() {
        if let TokenTree::Group(group) = &code[at] {
            imports(&group.stream().into_iter().collect::<Vec<_>>(), module, found);
        }
        // How many modules up from this one the path begins.
        let start = at;
        let mut left = match &code[at] {
            token if is(token, "crate") && is_path(code, at + 1) => Some(0),
            token if is(token, "super") && is_path(code, at + 1) => module.len().checked_sub(1),
            _ => None,
        };
        at += 1;
        while let Some(above) = left
            && is_path(code, at)
        {
            at += 2;
            match code.get(at) {
                Some(token) if is(token, "super") => {
                    left = above.checked_sub(1);
                    at += 1;
                }
                Some(TokenTree::Ident(name)) if above == 0 => {
                    found.push(name.to_string());
                    break;
                }
                Some(TokenTree::Group(group)) if above == 0 => {
                    found.extend(firsts(group.stream()));
                    break;
                }
                _ => break,
            }
        }
        at = at.max(start + 1);
    }
}

/// The first name of each path in the braces of an import.
fn firsts(list: TokenStream) -> Vec<String> {
    let mut firsts = Vec::new();
    let mut first = true;
    for token in list {
        match &token {
            TokenTree::Ident(name) if first => {
                firsts.push(name.to_string());
                first = false;
            }
            token => first = is(token, ","),
        }
    }
    firsts
}
