//! Cursors of lists and of the feed of changes.

use std::sync::Arc;

use svc_core::clock::Timestamp;
use svc_core::cursor::CursorKey;
use svc_core::error::{Error, Reason};
use svc_core::random::Random;

use crate::domain::{Filter, Key, Partition, Position, Sort, SortBy};

/// Makes cursors and reads them.
#[derive(Clone)]
pub(crate) struct Cursors {
    key: Arc<CursorKey>,
    random: Arc<dyn Random>,
}

impl Cursors {
    pub(crate) fn new(key: CursorKey, random: Arc<dyn Random>) -> Cursors {
        Cursors { key: Arc::new(key), random }
    }

    /// Where a list goes on.
    pub(super) fn of_position(
        &self,
        partition: &Partition,
        filter: &Filter,
        sort: Sort,
        position: &Position,
    ) -> String {
        let key = match &position.key {
            Key::Time(time) => format!("={}", time.0),
            Key::Name(Some(name)) => format!("={name}"),
            Key::Name(None) => String::new(),
        };
        self.key.encode(&*self.random, &list(partition, filter, sort), &[&key, &position.id])
    }

    /// Where this cursor says that the list goes on.
    pub(super) fn position(
        &self,
        partition: &Partition,
        filter: &Filter,
        sort: Sort,
        cursor: &str,
    ) -> Result<Position, Error> {
        let [key, id] = self.key.decode(&list(partition, filter, sort), cursor)?;
        let key = match (sort.by, key.strip_prefix('=')) {
            (SortBy::Name, name) => Key::Name(name.map(str::to_owned)),
            (_, Some(micros)) => Key::Time(Timestamp(micros.parse().map_err(|_| malformed())?)),
            (_, None) => return Err(malformed()),
        };
        Ok(Position { key, id })
    }

    /// Where the feed of changes goes on.
    pub(super) fn of_change(&self, partition: &Partition, sequence: i64) -> String {
        self.key.encode(&*self.random, &changes(partition), &[&sequence.to_string()])
    }

    /// After which change this cursor says that the feed goes on.
    pub(super) fn change(&self, partition: &Partition, cursor: &str) -> Result<i64, Error> {
        let [sequence] = self.key.decode(&changes(partition), cursor)?;
        sequence.parse().map_err(|_| malformed())
    }
}

/// What a cursor of a list is bound to.
fn list(partition: &Partition, filter: &Filter, sort: Sort) -> String {
    let Partition { organization_id, agent_id } = partition;
    format!("contacts/{organization_id}/{agent_id}/{filter:?}/{sort:?}")
}

fn changes(partition: &Partition) -> String {
    format!("contact-changes/{}/{}", partition.organization_id, partition.agent_id)
}

/// Nobody else can make one, so another release has.
fn malformed() -> Error {
    Error::new(Reason::InvalidCursor, "The cursor is malformed. Start again without one.")
}
