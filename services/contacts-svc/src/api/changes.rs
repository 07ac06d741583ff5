//! The feed of changes: pages of it, and the stream that follows it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::stream;
use keyward_proto::contacts::v1 as pb;
use keyward_proto::policy::v1::Pagination;
use parking_lot::Mutex;
use svc_core::error::{Error, Fault, Violation};
use svc_core::page::PageSize;
use svc_runtime::grpc::status;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tonic::Status;
use tonic::codegen::BoxStream;

use super::contact::message;
use super::cursors::Cursors;
use crate::domain::{ChangeKind, ChangesPage, Contacts, Partition, RecordedChange};
use crate::error::ContactError;

/// How many changes are read at once for a stream.
const AT_ONCE: i32 = 50;
/// How long a stream waits before it looks whether another replica has changed something.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a stream goes on: less than the deadline of the call, so that it ends well.
const FOLLOWED_FOR: Duration = Duration::from_secs(9 * 60);
/// How many may follow the changes of all agents at once, and how many those of one: each is a request in flight.
const FOLLOWERS: usize = 256;
const FOLLOWERS_OF_ONE: usize = 16;

/// Where to begin.
pub(super) enum Since {
    /// With the oldest change that is kept.
    Beginning,
    After(i64),
    /// With what comes.
    Now,
}

pub(super) fn read(
    cursors: &Cursors,
    partition: &Partition,
    request: &pb::ListContactChangesRequest,
) -> Result<(PageSize, Since), Error> {
    let size = PageSize::new(request.limit).map_err(|violation| Error::invalid(vec![violation]))?;
    let since = match (&request.since, request.latest.unwrap_or_default()) {
        (Some(_), true) => {
            let message = "`latest` asks where changes end and cannot go with `since`.";
            return Err(Error::invalid(vec![Violation::new("latest", Fault::Invalid, message)]));
        }
        (Some(cursor), false) => Since::After(cursors.change(partition, cursor)?),
        (None, true) => Since::Now,
        (None, false) => Since::Beginning,
    };
    Ok((size, since))
}

/// The page as callers see it. Where it ends is told where there is something to go on from.
pub(super) fn write(
    cursors: &Cursors,
    partition: &Partition,
    size: PageSize,
    page: ChangesPage,
) -> pb::ListContactChangesResponse {
    let last = page.changes.last().filter(|_| page.has_more).map(|change| change.sequence);
    let mut answer = ends_at(cursors, partition, size, last);
    if let Some(pagination) = &mut answer.pagination {
        pagination.has_more = page.has_more;
    }
    answer.changes = page.changes.into_iter().map(|change| wire(cursors, partition, change)).collect();
    answer
}

/// No changes, and where they end.
pub(super) fn ends_at(
    cursors: &Cursors,
    partition: &Partition,
    size: PageSize,
    sequence: Option<i64>,
) -> pb::ListContactChangesResponse {
    let pagination = Pagination {
        limit: size.get(),
        has_more: false,
        next_cursor: sequence.map(|sequence| cursors.of_change(partition, sequence)),
        total: None,
    };
    pb::ListContactChangesResponse { changes: Vec::new(), pagination: Some(pagination) }
}

fn wire(cursors: &Cursors, partition: &Partition, change: RecordedChange) -> pb::ContactChange {
    let kind = match change.kind {
        ChangeKind::Created => pb::ContactChangeType::Created,
        ChangeKind::Updated => pb::ContactChangeType::Updated,
        ChangeKind::Archived => pb::ContactChangeType::Archived,
        ChangeKind::Unarchived => pb::ContactChangeType::Unarchived,
        ChangeKind::Deleted => pb::ContactChangeType::Deleted,
    };
    let reference = change.contact.as_ref().and_then(|contact| contact.fields.external_reference_id.clone());
    pb::ContactChange {
        cursor: cursors.of_change(partition, change.sequence),
        r#type: kind.into(),
        changed_at: Some(change.changed_at.to_proto()),
        contact_id: change.contact_id,
        external_reference_id: reference,
        version: change.version,
        contact: change.contact.map(message),
    }
}

/// Who follows changes.
#[derive(Clone, Default)]
pub(super) struct Followers(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    all: usize,
    of: HashMap<(String, String), usize>,
}

/// A place among them, until it is dropped.
struct Place {
    followers: Followers,
    of: (String, String),
}

impl Followers {
    fn enter(&self, partition: &Partition) -> Result<Place, ContactError> {
        let of = (partition.organization_id.clone(), partition.agent_id.clone());
        let mut counts = self.0.lock();
        let those = counts.of.get(&of).copied().unwrap_or_default();
        if counts.all >= FOLLOWERS || those >= FOLLOWERS_OF_ONE {
            return Err(ContactError::TooManyFollow);
        }
        counts.all += 1;
        counts.of.insert(of.clone(), those + 1);
        Ok(Place { followers: self.clone(), of })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.followers.0.lock();
        counts.all -= 1;
        if let Some(those) = counts.of.get_mut(&self.of) {
            *those -= 1;
            if *those == 0 {
                counts.of.remove(&self.of);
            }
        }
    }
}

/// What follows the feed of one agent.
struct Follower {
    contacts: Arc<Contacts>,
    cursors: Cursors,
    partition: Partition,
    after: i64,
    read: VecDeque<RecordedChange>,
    bell: watch::Receiver<()>,
    until: Instant,
    _place: Place,
}

/// Changes after `after` as they come.
pub(super) async fn follow(
    contacts: Arc<Contacts>,
    cursors: Cursors,
    followers: &Followers,
    partition: Partition,
    after: Option<i64>,
) -> Result<BoxStream<pb::WatchContactChangesResponse>, ContactError> {
    let place = followers.enter(&partition)?;
    // Before anything is read, so that nothing is missed in between.
    let bell = contacts.bell(&partition);
    let after = match after {
        Some(after) => after,
        None => contacts.last_change(&partition).await?,
    };
    let mut follower = Follower {
        contacts,
        cursors,
        partition,
        after,
        read: VecDeque::new(),
        bell,
        until: Instant::now() + FOLLOWED_FOR,
        _place: place,
    };
    // A cursor that is refused is so before anything is answered.
    follower.look().await?;
    let changes = stream::try_unfold(follower, |mut follower| async move {
        let next = follower.next().await.map_err(|error| status::of(Error::from(error)))?;
        Ok::<_, Status>(next.map(|change| {
            let change = wire(&follower.cursors, &follower.partition, change);
            (pb::WatchContactChangesResponse { change: Some(change) }, follower)
        }))
    });
    Ok(Box::pin(changes))
}

impl Follower {
    /// Waits for the next change. None when it has followed for long enough.
    async fn next(&mut self) -> Result<Option<RecordedChange>, ContactError> {
        loop {
            if let Some(change) = self.read.pop_front() {
                return Ok(Some(change));
            }
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.bell.mark_unchanged();
            self.look().await?;
            if self.read.is_empty() {
                // What rings and what does not come to the same: it looks again.
                let _ = timeout(LOOK_EVERY.min(left), self.bell.changed()).await;
            }
        }
    }

    async fn look(&mut self) -> Result<(), ContactError> {
        let size = PageSize::new(Some(AT_ONCE)).unwrap_or_default();
        let page = self.contacts.changes(&self.partition, size, Some(self.after)).await?;
        if let Some(last) = page.changes.last() {
            self.after = last.sequence;
        }
        self.read.extend(page.changes);
        Ok(())
    }
}
