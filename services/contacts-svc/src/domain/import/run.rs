//! Carrying out imports.
//!
//! While rows are read, those before them are written ([`Writer`]): a group of rows is one transaction, with how far
//! the import has come. So a row is written exactly when it is counted, whatever ends the import, and one with a key
//! that is sent again goes on behind the last row that was counted.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use svc_core::clock::{Clock, Timestamp};
use svc_core::error::{Error, Fault, Reason, Violation};
use svc_core::idempotency::{IdempotentCall, KEPT_FOR, Repeat};
use svc_core::ids::Ids;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::columns::{CellType, columns};
use super::content::{Content, NoFirstLine};
use super::row::Reading;
use super::writing::{Writer, Writing};
use super::{Counts, ERRORS_SHOWN, Formats, Import, ImportStatus, Naming, Problem, RowError};
use crate::change::Changed;
use crate::csv::{Charset, MAX_CELLS, MAX_RECORD, RecordFault};
use crate::domain::bulk::{Manner, Upsert};
use crate::domain::{Actor, Contacts, FieldSet, FieldType, OnDuplicate, Phones};
use crate::error::ContactError;
use crate::store::ImportStore;

/// How many rows are written in one transaction at the most.
const ROWS_AT_ONCE: usize = 1_000;
/// How many bytes of text these have at the most, but for the last one.
const BYTES_AT_ONCE: usize = 512 * 1024;
/// Rows that have waited so long for others are written.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often an import says that it still runs, while no row comes.
const SIGN_EVERY: Duration = Duration::from_secs(5);

/// What a caller wants imported, beside the content.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) label: Option<String>,
    pub(crate) dry_run: bool,
    pub(crate) on_duplicate: OnDuplicate,
    pub(crate) charset: Charset,
    pub(crate) delimiter: Option<u8>,
    pub(crate) naming: Naming,
    pub(crate) formats: Formats,
    pub(crate) phones: Phones,
    /// It takes effect once.
    pub(crate) call: Option<IdempotentCall>,
}

/// An import as its caller is told of it.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) import: Import,
    pub(crate) errors: Vec<RowError>,
    /// It ended before this call.
    pub(crate) replayed: bool,
}

/// Carries out imports.
pub(crate) struct Imports {
    contacts: Arc<Contacts>,
    pub(super) store: Arc<dyn ImportStore>,
    pub(super) clock: Arc<dyn Clock>,
    ids: Ids,
}

/// Rows that are not written yet.
#[derive(Default)]
pub(super) struct Group {
    pub(super) upserts: Vec<Upsert>,
    /// On which line each of them begins.
    pub(super) lines: Vec<i64>,
    pub(super) errors: Vec<RowError>,
    bytes: usize,
}

impl Group {
    pub(super) fn rows(&self) -> usize {
        self.upserts.len() + self.errors.len()
    }

    fn is_full(&self) -> bool {
        self.rows() >= ROWS_AT_ONCE || self.bytes >= BYTES_AT_ONCE
    }
}

/// An import that is carried out.
struct Run {
    contacts: Arc<Contacts>,
    store: Arc<dyn ImportStore>,
    clock: Arc<dyn Clock>,
    actor: Actor,
    manner: Manner,
    import: Import,
}

impl Imports {
    pub(crate) fn new(
        contacts: Arc<Contacts>,
        store: Arc<dyn ImportStore>,
        clock: Arc<dyn Clock>,
        ids: Ids,
    ) -> Imports {
        Imports { contacts, store, clock, ids }
    }

    /// Imports what comes, up to its end.
    pub(crate) async fn import<B, S>(
        &self,
        actor: &Actor,
        order: Order,
        content: S,
    ) -> Result<Report, ContactError>
    where
        B: AsRef<[u8]>,
        S: Stream<Item = Result<B, Error>> + Send + Unpin,
    {
        let set = self.contacts.fields.read(&actor.partition).await?;
        let mut reader = Reader { content: Content::new(order.charset, order.delimiter), pieces: content };
        let reading = reader.first_line(&order, &set).await?;
        let import = self.begin(actor, &order).await?;
        let manner = Manner {
            by_reference: false,
            replace: false,
            atomic: false,
            dry_run: order.dry_run,
            on_duplicate: order.on_duplicate,
            phones: order.phones,
        };
        let run = Run {
            contacts: self.contacts.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            actor: actor.clone(),
            manner,
            import,
        };
        let replayed = run.import.status != ImportStatus::Running;
        let import = run.carry_out(reader, reading).await?;
        let errors = self.store.errors(&actor.partition, &import.id, ERRORS_SHOWN as i64, 0).await?;
        Ok(Report { import, errors, replayed })
    }

    /// A new import, or the one that this call has begun before.
    async fn begin(&self, actor: &Actor, order: &Order) -> Result<Import, ContactError> {
        let now = self.clock.now();
        let new = Import {
            id: self.ids.next(),
            label: order.label.clone(),
            status: ImportStatus::Running,
            dry_run: order.dry_run,
            counts: Counts::default(),
            failure: None,
            created_at: now,
            updated_at: now,
            finished_at: None,
            runner: self.ids.next(),
            seen_at: now,
            stand: Content::new(order.charset, None).stand(),
            request: order.call.as_ref().map(|call| call.digest.content.to_vec()),
        };
        let (partition, call) = (actor.partition.clone(), order.call.clone());
        let begun = self.contacts.changes.make(actor, |work| {
            Box::pin(async move {
                let call = call.as_ref().map(|call| (call.subject.as_str(), &call.digest.scope[..]));
                if let Some((subject, scope)) = call {
                    let before = work.find_import_by_call(&partition, subject, scope).await?;
                    match before {
                        Some(before) if before.created_at.plus(KEPT_FOR) <= now => {
                            work.forget_import_call(&partition, &before.id).await?;
                        }
                        Some(before) if before.request != new.request => return Err(Repeat::Reused.into()),
                        Some(before) if before.status != ImportStatus::Running => {
                            return Ok(Changed::no_contact(before));
                        }
                        Some(before) if !before.is_interrupted(now) => return Err(Repeat::InProgress.into()),
                        Some(before) => {
                            if !work.take_import_over(&partition, &before, &new.runner, now).await? {
                                return Err(Repeat::InProgress.into());
                            }
                            // As it stands now: whoever had it may have written a last time.
                            let mine = work.find_import_by_call(&partition, subject, scope).await?;
                            return mine.map(Changed::no_contact).ok_or(ContactError::NotFound);
                        }
                        None => {}
                    }
                }
                match work.insert_import(&partition, &new, call).await? {
                    true => Ok(Changed::no_contact(new)),
                    false => Err(Repeat::InProgress.into()),
                }
            })
        });
        begun.await
    }
}

/// The content, as it comes.
struct Reader<S> {
    content: Content,
    pieces: S,
}

/// What there is to read.
enum Next {
    Record,
    /// Nothing has come for a while.
    Silence,
    End,
}

impl<B: AsRef<[u8]>, S: Stream<Item = Result<B, Error>> + Send + Unpin> Reader<S> {
    async fn next(&mut self, patience: Option<Duration>) -> Result<Next, ContactError> {
        loop {
            if self.content.next().map_err(|NoFirstLine| first_line_too_long())? {
                return Ok(Next::Record);
            }
            if self.content.has_ended() {
                return Ok(Next::End);
            }
            let piece = match patience {
                None => self.pieces.next().await,
                Some(patience) => match timeout(patience, self.pieces.next()).await {
                    Ok(piece) => piece,
                    Err(_) => return Ok(Next::Silence),
                },
            };
            match piece {
                Some(piece) => self.content.feed(piece.map_err(ContactError::Content)?.as_ref()),
                None => self.content.end(),
            }
        }
    }

    /// What the first line says of the others.
    async fn first_line(&mut self, order: &Order, set: &FieldSet) -> Result<Reading, ContactError> {
        let header = |message: &str| {
            ContactError::Invalid(vec![Violation::new("header", Fault::Invalid, message.to_owned())])
        };
        if !matches!(self.next(None).await?, Next::Record) {
            return Err(header("The content is empty: its first line must name the columns."));
        }
        let cells = self.content.cells().map_err(|fault| match fault {
            RecordFault::Nul => header(
                "The first line has NUL characters. UTF-16 needs a byte order mark, or a charset that says so.",
            ),
            fault => header(&format!("The first line cannot be read. {}", said(fault))),
        })?;
        let custom = |key: &str| match set.is_empty() {
            // Whatever is declared nowhere is a text.
            true => Some(CellType::Text),
            false => set.get(key).map(|field| CellType::of(field.kind)),
        };
        let columns = columns(cells.iter(), &order.naming, custom).map_err(ContactError::Invalid)?;
        Ok(Reading { columns, formats: order.formats.clone() })
    }
}

fn first_line_too_long() -> ContactError {
    let message = format!("The first line, which names the columns, has more than {MAX_RECORD} bytes.");
    ContactError::Invalid(vec![Violation::new("header", Fault::TooLong, message)])
}

impl CellType {
    fn of(kind: FieldType) -> CellType {
        match kind {
            FieldType::Number => CellType::Number,
            FieldType::Date => CellType::Date,
            FieldType::Boolean => CellType::Boolean,
            FieldType::MultiSelect => CellType::List,
            FieldType::Text
            | FieldType::LongText
            | FieldType::Select
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Url => CellType::Text,
        }
    }
}

impl Group {
    /// Takes the record that was read last.
    fn take(&mut self, content: &Content, reading: &Reading) {
        let line = content.line();
        let cells = match content.cells() {
            // A line without anything, as many programs write behind the last row.
            Ok(cells) if cells.are_empty() => return,
            Ok(cells) => cells,
            Err(fault) => return self.errors.push(RowError { line, problem: Problem::of_row(said(fault)) }),
        };
        self.bytes += cells.bytes();
        match reading.row(cells) {
            Ok(upsert) => {
                self.upserts.push(upsert);
                self.lines.push(line);
            }
            Err(violation) => {
                let problem = Problem::of(Error::invalid(vec![violation]));
                self.errors.push(RowError { line, problem });
            }
        }
    }
}

/// What is wrong with a record, for a person.
fn said(fault: RecordFault) -> String {
    match fault {
        RecordFault::TooLong => format!("The row has more than {MAX_RECORD} bytes."),
        RecordFault::TooManyCells => format!("The row has more than {MAX_CELLS} cells."),
        RecordFault::StrayQuote => {
            "The row has a quote within a cell, or something behind a closing quote: such a \
             cell is quoted as a whole, and its quotes are doubled."
                .to_owned()
        }
        RecordFault::OpenQuote => {
            "A quote that this row opens is never closed, so no row behind it could be read.".to_owned()
        }
        RecordFault::NotText => {
            "The row has bytes that are no text in the encoding of the content.".to_owned()
        }
        RecordFault::Nul => "The row has a NUL character.".to_owned(),
    }
}

impl Run {
    /// Reads rows to the end, and writes them meanwhile.
    async fn carry_out<B, S>(self, reader: Reader<S>, reading: Reading) -> Result<Import, ContactError>
    where
        B: AsRef<[u8]>,
        S: Stream<Item = Result<B, Error>> + Send + Unpin,
    {
        let release = Release(Some(Left {
            contacts: self.contacts.clone(),
            actor: self.actor.clone(),
            import: self.import.clone(),
            clock: self.clock.clone(),
        }));
        match self.rows(reader, reading).await {
            Ok(import) => {
                release.disarm();
                Ok(import)
            }
            Err(error) => Err(release.now(error).await),
        }
    }

    async fn rows<B, S>(mut self, mut reader: Reader<S>, reading: Reading) -> Result<Import, ContactError>
    where
        B: AsRef<[u8]>,
        S: Stream<Item = Result<B, Error>> + Send + Unpin,
    {
        self.pass_over(&mut reader).await?;
        match self.import.status {
            ImportStatus::Running => {}
            ImportStatus::Failed => return Ok(self.import),
            ImportStatus::Finished => {
                // Its content must have ended, too.
                return match reader.next(None).await? {
                    Next::End => Ok(self.import),
                    Next::Record | Next::Silence => Err(Repeat::Reused.into()),
                };
            }
        }
        let mut group = Group::default();
        let Run { contacts, store, clock, actor, manner, import } = self;
        let rehearsed = Arc::default();
        let mut writer = Writer::new(Writing { contacts, store, clock, actor, manner, rehearsed }, import);
        loop {
            let patience = if group.rows() > 0 { PATIENCE } else { SIGN_EVERY };
            let next = match reader.next(Some(patience)).await {
                Ok(next) => next,
                Err(error) => {
                    writer.settle().await;
                    return Err(error);
                }
            };
            if matches!(next, Next::Record) {
                group.take(&reader.content, &reading);
                if !group.is_full() {
                    continue;
                }
            }
            let (group, stand) = (std::mem::take(&mut group), reader.content.stand());
            if matches!(next, Next::End) {
                return writer.end(group, stand).await;
            }
            writer = writer.write(group, stand).await?;
        }
    }

    /// Reads what was dealt with before, and makes sure that it is the same.
    async fn pass_over<B, S>(&mut self, reader: &mut Reader<S>) -> Result<(), ContactError>
    where
        B: AsRef<[u8]>,
        S: Stream<Item = Result<B, Error>> + Send + Unpin,
    {
        let stand = self.import.stand.clone();
        while reader.content.position() < stand.position {
            if matches!(reader.next(Some(SIGN_EVERY)).await?, Next::End) {
                return Err(Repeat::Reused.into());
            }
            let now = self.clock.now();
            if self.import.status == ImportStatus::Running && self.import.seen_at.plus(SIGN_EVERY) < now {
                self.import.seen_at = now;
                see(&self.contacts, &self.actor, &self.import).await?;
            }
        }
        match stand.position == 0 || reader.content.stand() == stand {
            true => Ok(()),
            false => Err(Repeat::Reused.into()),
        }
    }
}

/// Notes when an import was last seen.
async fn see(contacts: &Contacts, actor: &Actor, import: &Import) -> Result<(), ContactError> {
    let (partition, import) = (actor.partition.clone(), import.clone());
    let seen = contacts.changes.make(actor, |work| {
        Box::pin(async move {
            work.see_import(&partition, &import).await?;
            Ok(Changed::no_contact(()))
        })
    });
    seen.await
}

/// What becomes of an import that is left before its end. With a key it can be gone on with, at once: whoever leaves it
/// says so. Without one, or where the same content would end it again, it has failed.
struct Release(Option<Left>);

struct Left {
    contacts: Arc<Contacts>,
    actor: Actor,
    import: Import,
    clock: Arc<dyn Clock>,
}

impl Release {
    fn disarm(mut self) {
        self.0 = None;
    }

    /// After an error, which it gives back.
    async fn now(mut self, error: ContactError) -> ContactError {
        let Some(left) = self.0.take() else { return error };
        // Of another call, which carries it out.
        if matches!(error, ContactError::Repeated(_)) {
            left.release().await;
            return error;
        }
        let error = Error::from(error);
        match left.import.request.is_some() && error.reason != Reason::BodyTooLarge {
            true => left.release().await,
            false => left.fail(Problem::of(error.clone())).await,
        }
        ContactError::Content(error)
    }
}

impl Left {
    async fn release(self) {
        let import = Import { seen_at: Timestamp::default(), ..self.import };
        if let Err(error) = see(&self.contacts, &self.actor, &import).await {
            tracing::debug!(error = %error, "an import that was left is not released");
        }
    }

    async fn fail(self, problem: Problem) {
        let Left { contacts, actor, import, clock } = self;
        let (partition, now) = (actor.partition.clone(), clock.now());
        let failed = contacts.changes.make(&actor, |work| {
            Box::pin(async move {
                work.fail_import(&partition, &import, &problem, now).await?;
                Ok(Changed::no_contact(()))
            })
        });
        // Then it is told to be interrupted, once it was not seen for a while.
        if let Err(error) = failed.await {
            tracing::debug!(error = %error, "that an import has failed is not stored");
        }
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let Some(left) = self.0.take() else { return };
        // Without a runtime the process ends, and silence says the same a little later.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                match left.import.request.is_some() {
                    true => left.release().await,
                    false => left.fail(Problem::of(cut_off())).await,
                }
            });
        }
    }
}

/// Why an import without a key ends that is left by its caller.
fn cut_off() -> Error {
    Error::new(
        Reason::RequestTimeout,
        "The content ended before it was whole. With an `Idempotency-Key` an import can be gone on with.",
    )
}
