//! The names of operations, each made once.
//!
//! An operation is named after the scope that it needs and what its RPC does: `contacts.list` for
//! `keyward.contacts.v1.ContactService/ListContacts`. Words of the scope are left out of the RPC's, and what needs
//! no permission is named after its package. So it works for services that are not ours, too: `orders.refund` for
//! `acme.Orders/RefundOrder` in the scope `orders`.

use std::sync::Arc;

use papaya::HashMap;
use parking_lot::{Mutex, RwLock};

/// The most operations of a process, with what each needs. The edge asks about operations that it knows, so there
/// are as many as all its services have, times the cases in which they need more permissions.
const MAX_OPERATIONS: usize = 4_096;
/// The longest name of an RPC or of the permissions that it needs, in bytes.
const MAX_NAME: usize = 400;

/// One of the [`Operations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OperationId(u16);

/// What is asked for, in two words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// E.g. `contacts.list`.
    pub(crate) name: String,
    /// The permissions that it needs, with `, ` between them.
    pub(crate) permission: String,
}

/// An RPC, and what it needs: nearly always the same.
#[derive(Debug)]
struct Variants {
    first: Variant,
    others: Mutex<Vec<Variant>>,
}

#[derive(Debug)]
struct Variant {
    permissions: Box<[Box<str>]>,
    id: OperationId,
}

impl Variant {
    fn needs(&self, permissions: &[&str]) -> bool {
        self.permissions.len() == permissions.len()
            && self.permissions.iter().zip(permissions).all(|(own, asked)| **own == **asked)
    }
}

/// Every operation that was asked for. A request looks here without a lock, and counts no reference that all cores
/// would share.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    by_rpc: HashMap<Box<str>, Variants>,
    all: RwLock<Vec<Arc<Operation>>>,
}

impl Operations {
    /// The operation. `None`: there are too many, or it is none.
    pub(crate) fn id(&self, rpc: &str, permissions: &[&str]) -> Option<OperationId> {
        let by_rpc = self.by_rpc.pin();
        let variants = match by_rpc.get(rpc) {
            Some(variants) => variants,
            None => {
                let first = Variant { permissions: boxed(permissions), id: self.add(rpc, permissions)? };
                by_rpc.get_or_insert_with(rpc.into(), || Variants { first, others: Mutex::default() })
            }
        };
        if variants.first.needs(permissions) {
            return Some(variants.first.id);
        }
        let mut others = variants.others.lock();
        if let Some(other) = others.iter().find(|other| other.needs(permissions)) {
            return Some(other.id);
        }
        let id = self.add(rpc, permissions)?;
        others.push(Variant { permissions: boxed(permissions), id });
        Some(id)
    }

    /// The operation of this id.
    pub(crate) fn get(&self, id: OperationId) -> Option<Arc<Operation>> {
        self.all.read().get(usize::from(id.0)).cloned()
    }

    #[cold]
    fn add(&self, rpc: &str, permissions: &[&str]) -> Option<OperationId> {
        let permission = permissions.join(", ");
        let is_name = |text: &str| text.len() <= MAX_NAME && !text.contains(char::is_control);
        let mut all = self.all.write();
        if !is_name(rpc) || !is_name(&permission) || all.len() >= MAX_OPERATIONS {
            return None;
        }
        let id = u16::try_from(all.len()).ok()?;
        all.push(Arc::new(Operation { name: name(rpc, permissions), permission }));
        Some(OperationId(id))
    }
}

fn boxed(permissions: &[&str]) -> Box<[Box<str>]> {
    permissions.iter().map(|&permission| permission.into()).collect()
}

/// The name of an operation.
pub(crate) fn name(rpc: &str, permissions: &[&str]) -> String {
    let (service, method) = rpc.rsplit_once('/').unwrap_or(("", rpc));
    let scope = permissions.first().and_then(|permission| permission.split_once(':'));
    let scope = scope.map_or_else(|| of_package(service), |(scope, _)| scope.to_owned());
    let mut words = words(method);
    let of_scope: Vec<String> = scope.split(['-', '_']).map(singular).collect();
    // As many of the scope's last words as stand together: `document-extraction` is also just an extraction.
    let found = (0..of_scope.len()).find_map(|first| {
        let wanted = &of_scope[first..];
        let at = words
            .windows(wanted.len())
            .position(|some| some.iter().zip(wanted).all(|(word, wanted)| singular(word) == *wanted))?;
        Some(at..at + wanted.len())
    });
    if let Some(found) = found.filter(|found| found.len() < words.len()) {
        words.drain(found);
    }
    let mut name = scope;
    name.push('.');
    for (at, word) in words.iter().enumerate() {
        match (at, word.get(..1), word.get(1..)) {
            (1.., Some(head), Some(tail)) => {
                name.push_str(&head.to_ascii_uppercase());
                name.push_str(tail);
            }
            _ => name.push_str(word),
        }
    }
    name
}

/// Of `keyward.auth.v1.ApiKeyService`, `auth`. Of a service without a package, its own name.
fn of_package(service: &str) -> String {
    let mut names = service.rsplit('.');
    let own = names.next().unwrap_or_default();
    let is_version = |name: &&str| {
        name.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let named = names.find(|name| !is_version(name)).unwrap_or(own);
    named.to_ascii_lowercase()
}

/// `GetContactSchema`: get, contact, schema.
fn words(method: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut after_lower = false;
    for c in method.chars() {
        match words.last_mut() {
            Some(word) if c != '_' && !(c.is_ascii_uppercase() && after_lower) => {
                word.push(c.to_ascii_lowercase());
            }
            _ if c == '_' => words.push(String::new()),
            _ => words.push(c.to_ascii_lowercase().to_string()),
        }
        after_lower = !c.is_ascii_uppercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Near enough to tell that both mean the same.
fn singular(word: &str) -> String {
    let word = word.to_ascii_lowercase();
    match (word.strip_suffix("ies"), word.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) if !stem.ends_with('s') => stem.to_owned(),
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_named_after_their_scope_and_what_they_do() {
        for (rpc, permissions, expected) in [
            ("keyward.contacts.v1.ContactService/ListContacts", &["contacts:read"][..], "contacts.list"),
            ("keyward.contacts.v1.ContactService/GetContact", &["contacts:read"], "contacts.get"),
            ("keyward.contacts.v1.ContactService/GetContactSchema", &["contacts:read"], "contacts.getSchema"),
            (
                "keyward.contacts.v1.ContactService/BulkUpsertContacts",
                &["contacts:create", "contacts:update"],
                "contacts.bulkUpsert",
            ),
            ("keyward.contacts.v1.FileService/GetFileContent", &["contacts:read"], "contacts.getFileContent"),
            (
                "keyward.extraction.v1.ExtractionService/CreateJob",
                &["document-extraction:create"],
                "document-extraction.createJob",
            ),
            ("acme.v1.E/CreateExtraction", &["document-extraction:create"], "document-extraction.create"),
            ("acme.Orders/Refund", &["orders:refund"], "orders.refund"),
            ("acme.Orders/RefundOrder", &["orders:refund"], "orders.refund"),
            ("acme.Companies/GetCompany", &["companies:read"], "companies.get"),
            ("acme.Orders/Orders", &["orders:read"], "orders.orders"),
            ("acme.Orders/get_order_lines", &["orders:read"], "orders.getLines"),
            ("acme.Http/GetHTTPStatus", &["http:read"], "http.getHttpstatus"),
            ("keyward.auth.v1.ApiKeyService/GetCurrentKey", &[], "auth.getCurrentKey"),
            ("Orders/Get", &[], "orders.get"),
            ("", &[], "."),
        ] {
            assert_eq!(name(rpc, permissions), expected, "{rpc}");
        }
    }

    #[test]
    fn an_operation_is_one_for_each_set_of_permissions() {
        let operations = Operations::default();
        let replace = "keyward.contacts.v1.ContactService/ReplaceContact";
        let plain = operations.id(replace, &["contacts:update"]).unwrap();
        let upsert = operations.id(replace, &["contacts:update", "contacts:create"]).unwrap();
        assert_ne!(plain, upsert);
        for _ in 0..2 {
            assert_eq!(operations.id(replace, &["contacts:update"]), Some(plain));
            assert_eq!(operations.id(replace, &["contacts:update", "contacts:create"]), Some(upsert));
        }
        let found = operations.get(upsert).unwrap();
        assert_eq!(
            (found.name.as_str(), found.permission.as_str()),
            ("contacts.replace", "contacts:update, contacts:create")
        );
    }

    #[test]
    fn what_is_no_name_is_none_and_there_is_an_end_to_them() {
        let operations = Operations::default();
        assert_eq!(operations.id("a/\u{1b}[2J", &[]), None);
        assert_eq!(operations.id(&"x".repeat(MAX_NAME + 1), &[]), None);
        for number in 0..MAX_OPERATIONS {
            assert!(operations.id(&format!("a.B/C{number}"), &[]).is_some());
        }
        assert_eq!(operations.id("a.B/OneMore", &[]), None);
        assert!(operations.id("a.B/C7", &[]).is_some(), "those that are known stay");
    }
}
