//! Contacts: what they are, the rules they keep, and what can be done with them. No tonic, no sqlx.

mod bulk;
mod comparison;
mod contact;
mod contact_json;
mod contacts;
mod custom_fields;
mod declared;
mod deeds;
mod draft;
mod duplicates;
mod export;
mod feed;
mod fields;
mod file;
mod file_name;
mod filter;
mod filter_draft;
mod import;
mod lists;
pub(crate) mod media_type;
mod needles;
mod page;
mod patch;
mod phone;
mod saving;
pub(crate) mod terms;
mod text;

pub(crate) use bulk::{Alike, BulkOrder, Outcome, Upsert};
pub(crate) use comparison::email_key;
pub(crate) use contact::{Contact, ContactFields, Locator, Stage, Status};
pub(crate) use contact_json::{contact_json, gone_json};
pub(crate) use contacts::{
    Change, Contacts, Creation, EXPIRED_AT_ONCE, HISTORY_MAX, Held, PastChange, Replacement, Saved,
    why_not_created,
};
pub(crate) use custom_fields::{
    CustomFields, FIELDS_MAX as CUSTOM_FIELDS_MAX, JsonText, MAX_BYTES as CUSTOM_FIELDS_MAX_BYTES,
};
pub(crate) use declared::{COUNTED_MAX, DeclaredFields};
pub(crate) use draft::{Basis, Draft, Rules};
pub(crate) use duplicates::{DUPLICATES_MAX, OnDuplicate, PossibleDuplicate, Reachable, Saving};
pub(crate) use export::ExportFormat;
pub(crate) use feed::{ChangeKind, ChangesPage, ContactChange, Feed, RecordedChange};
pub(crate) use fields::{DECLARED_MAX, Declaration, Field, FieldSet, FieldType, Member, UniqueValue, schema};
pub(crate) use file::{FILES_MAX, File, FileDraft, FilePage, FilePosition, FileTerms};
pub(crate) use filter::{Column, Filter, Statuses};
pub(crate) use filter_draft::{FilterDraft, sort};
pub(crate) use import::{
    Counts, Detail, Formats, Import, ImportErrors, ImportList, ImportPage, ImportStatus, Imports, Naming,
    Order, Problem, Report, RowError, Stand, UnknownFormat, label_verdict,
};
pub(crate) use lists::{List, Reader};
pub(crate) use page::{Key, PAGE_MAX_BYTES, Page, Position, Sort, SortBy, name_key};
pub(crate) use patch::{Part, Patch};
pub(crate) use phone::Phones;
pub(crate) use svc_core::actor::{Actor, Partition};
