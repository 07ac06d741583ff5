//! The comments of protos, as people who integrate by REST read them.

use std::collections::HashMap;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, EnumValueDescriptor, FieldDescriptor, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor,
};

/// What a paragraph or a sentence starts with that is for callers over gRPC alone.
const OVER_GRPC: &str = "Over gRPC";

/// A sentence that a mark of its own says already.
const REQUIRED: &str = "Required.";

/// The paragraph of an RPC's comment that names its codes.
const CODES: &str = "Codes:";

/// The leading comments of all files, by file and path.
pub(super) struct Comments(HashMap<String, HashMap<Vec<i32>, String>>);

/// The comment of an RPC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RpcComment {
    /// Its first sentence, without the full stop.
    pub(super) summary: String,
    /// All of it but for its codes, in paragraphs.
    pub(super) about: String,
    /// What it says about codes, without the word.
    pub(super) codes: String,
}

impl Comments {
    pub(super) fn of(pool: &DescriptorPool) -> Comments {
        let files = pool.files().map(|file| {
            let info = file.file_descriptor_proto().source_code_info.as_ref();
            let locations = info.map(|info| info.location.as_slice()).unwrap_or_default();
            let comments = locations.iter().filter_map(|location| {
                let text = location.leading_comments.as_deref().map(paragraphs)?;
                (!text.is_empty()).then(|| (location.path.clone(), text))
            });
            (file.name().to_owned(), comments.collect())
        });
        Comments(files.collect())
    }

    fn at(&self, file: &str, path: &[i32]) -> String {
        self.0.get(file).and_then(|comments| comments.get(path)).cloned().unwrap_or_default()
    }

    pub(super) fn service(&self, service: &ServiceDescriptor) -> String {
        self.at(service.parent_file().name(), service.path())
    }

    pub(super) fn rpc(&self, method: &MethodDescriptor) -> RpcComment {
        let service = method.parent_service();
        let text = self.at(service.parent_file().name(), method.path());
        let (codes, about): (Vec<&str>, Vec<&str>) =
            text.split("\n\n").partition(|paragraph| paragraph.starts_with(CODES));
        let codes = codes.join(" ").replace(CODES, "").trim().to_owned();
        let about = about.join("\n\n");
        RpcComment { summary: first_sentence(&about).to_owned(), about, codes }
    }

    pub(super) fn message(&self, message: &MessageDescriptor) -> String {
        self.at(message.parent_file().name(), message.path())
    }

    pub(super) fn field(&self, field: &FieldDescriptor) -> String {
        self.at(field.parent_message().parent_file().name(), field.path())
    }

    pub(super) fn enumeration(&self, descriptor: &EnumDescriptor) -> String {
        self.at(descriptor.parent_file().name(), descriptor.path())
    }

    pub(super) fn enum_value(&self, value: &EnumValueDescriptor) -> String {
        self.at(value.parent_enum().parent_file().name(), value.path())
    }
}

/// The lines of a comment as paragraphs, each on one line, without what is for gRPC alone.
fn paragraphs(comment: &str) -> String {
    let lines: Vec<&str> = comment.lines().map(str::trim).collect();
    let paragraphs = lines.split(|line| line.is_empty()).map(|lines| lines.join(" "));
    let rest = paragraphs.filter(|p| !p.is_empty()).map(|p| without_grpc(&p)).filter(|p| !p.is_empty());
    rest.collect::<Vec<_>>().join("\n\n")
}

fn without_grpc(paragraph: &str) -> String {
    let kept =
        sentences(paragraph).filter(|sentence| !sentence.starts_with(OVER_GRPC) && *sentence != REQUIRED);
    kept.collect::<Vec<_>>().join(" ")
}

/// Sentences end with a full stop before a space and an upper-case letter or a quoted word.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let ends = rest.match_indices(". ").find(|(at, _)| {
            let next = rest[at + 2..].chars().next();
            let before = rest[..*at].rsplit(' ').next().unwrap_or_default();
            next.is_some_and(|c| c.is_uppercase() || c == '`') && !matches!(before, "e.g" | "i.e")
        });
        let (sentence, after) = match ends {
            Some((at, _)) => (&rest[..=at], &rest[at + 2..]),
            None => (rest, ""),
        };
        rest = after;
        Some(sentence)
    })
}

fn first_sentence(text: &str) -> &str {
    let first = text.split("\n\n").next().unwrap_or_default();
    sentences(first).next().unwrap_or_default().trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_become_paragraphs() {
        for (comment, expected) in [
            ("", ""),
            (" One line.\n", "One line."),
            (" Two lines\n of one.\n\n And more.\n", "Two lines of one.\n\nAnd more."),
            (" The agent. Over gRPC an empty one is fine. More.\n", "The agent. More."),
            (" The id of the key. Required.\n", "The id of the key."),
            (" First.\n\n Over gRPC it is a chunk.\n", "First."),
            (" E.g. this, e.g. That. `x` too.\n", "E.g. this, e.g. That. `x` too."),
        ] {
            assert_eq!(paragraphs(comment), expected, "{comment:?}");
        }
        assert_eq!(first_sentence("Creates it, e.g. `x`. Needs `y`.\n\nMore."), "Creates it, e.g. `x`");
        assert_eq!(sentences("A. `b` c. D").collect::<Vec<_>>(), ["A.", "`b` c.", "D"]);
    }
}
