//! How a list finds its contacts ([ADR 23](../../../../docs/adr/0023-lists-and-changes.md)).
//!
//! Every contact that is read is held against the whole filter here. What is asked of the store only decides how many
//! have to be read: those along one order, or those with the rarest of the values that the filter asks for. A look
//! at a page ends after a number of contacts that is the same however many there are, so a page can end before it
//! is full. It then says where to go on.

use std::collections::{HashMap, VecDeque};

use svc_core::clock::Timestamp;
use svc_core::page::PageSize;

use super::terms::search_needles;
use super::{Contact, Filter, Key, Locator, PAGE_MAX_BYTES, Page, Partition, Position, Sort, SortBy};
use crate::error::ContactError;
use crate::store::{Along, Candidate, Candidates, Store, Stretch};

/// How many contacts are read at once: the default page in one go, the largest in three. Between them it is
/// seen whether the page is full by its bytes, so that this many of the largest contacts, about 4 MiB, are
/// the most that is held of what does not fit.
const ROWS_AT_ONCE: usize = 34;
/// The most contacts that are looked at for one page.
const LOOKS: usize = 2_000;
/// So many of them are looked at before an index of texts is asked, whose cost grows with what it finds: where a page
/// is full by then, much would be found.
const LOOKS_BEFORE_SEARCH: usize = 400;
/// The most candidates that are put in order here.
const FEW: usize = 2_000;
/// The most contacts that are looked at to count those of a list.
const COUNTED: usize = 10_000;

/// A list, and which page of it.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) filter: Filter,
    pub(crate) sort: Sort,
    pub(crate) size: PageSize,
    /// Those that follow.
    pub(crate) after: Option<Position>,
}

/// Reads pages of one list.
pub(crate) struct Reader<'a> {
    store: &'a dyn Store,
    partition: &'a Partition,
    filter: &'a Filter,
    sort: Sort,
}

/// Where contacts come from, in the order of the list.
enum Source {
    /// One after the other.
    Along(VecDeque<Along>),
    /// These, in order.
    Few(VecDeque<Candidate>),
}

/// How far it has come.
struct Place {
    /// After which one it goes on.
    after: Option<Position>,
    /// How many contacts may still be looked at.
    looks: usize,
}

/// What becomes of a contact that fits.
enum Taken {
    Yes,
    /// There is no room: it is the first of those that follow.
    Full,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        store: &'a dyn Store,
        partition: &'a Partition,
        filter: &'a Filter,
        sort: Sort,
    ) -> Reader<'a> {
        Reader { store, partition, filter, sort }
    }

    /// The page of this size that follows `after`.
    pub(crate) async fn page(&self, size: PageSize, after: Option<Position>) -> Result<Page, ContactError> {
        let size = size.get() as usize;
        let (mut page, mut bytes) = (Page::default(), 0);
        let mut last: Option<Position> = None;
        let mut take = |contact: Contact, position: Position| {
            bytes += contact.bytes();
            let is_cut = bytes > PAGE_MAX_BYTES && !page.contacts.is_empty();
            if page.contacts.len() == size || is_cut {
                page.is_cut = page.contacts.len() < size;
                return Taken::Full;
            }
            page.contacts.push(contact);
            last = Some(position);
            Taken::Yes
        };
        // Who asks for nothing that has to be looked for gets what is read, and no row more than that.
        let at_once = match self.filter.is_by_status_only() {
            true => ROWS_AT_ONCE.min(size + 1),
            false => ROWS_AT_ONCE,
        };
        let end = self.read(after, LOOKS, at_once, &mut take).await?;
        page.next = match end {
            End::OfList => None,
            End::Full => last,
            End::OfLooks(place) => place,
        };
        Ok(page)
    }

    /// How many contacts the list has. None when that cannot be told by a look at few.
    pub(crate) async fn total(&self) -> Result<Option<usize>, ContactError> {
        let mut total = 0;
        let mut take = |_: Contact, _: Position| {
            total += 1;
            Taken::Yes
        };
        match self.read(None, COUNTED, ROWS_AT_ONCE, &mut take).await? {
            End::OfList => Ok(Some(total)),
            End::Full | End::OfLooks(_) => Ok(None),
        }
    }

    async fn read(
        &self,
        after: Option<Position>,
        looks: usize,
        at_once: usize,
        take: &mut (dyn FnMut(Contact, Position) -> Taken + Send),
    ) -> Result<End, ContactError> {
        let mut place = Place { after, looks };
        if let Some(few) = self.few_by_value().await? {
            return self.go(self.in_order(few, &place), &mut place, at_once, take).await;
        }
        let along = self.along().await?;
        let needles = self.needles();
        if !needles.is_empty() {
            let mut first = Place { after: place.after.clone(), looks: LOOKS_BEFORE_SEARCH };
            match self.go(Source::Along(along.clone()), &mut first, at_once, take).await? {
                End::OfLooks(_) => place.after = first.after,
                end => return Ok(end),
            }
            place.looks = place.looks.saturating_sub(LOOKS_BEFORE_SEARCH);
            let found = self.store.candidates(self.partition, &Candidates::Search(&needles), FEW + 1).await?;
            if found.len() <= FEW {
                return self.go(self.in_order(found, &place), &mut place, at_once, take).await;
            }
        }
        self.go(Source::Along(along), &mut place, at_once, take).await
    }

    /// Those that follow the place, in order.
    fn in_order(&self, mut few: Vec<Candidate>, place: &Place) -> Source {
        few.retain(|candidate| {
            let follows = place
                .after
                .as_ref()
                .is_none_or(|after| self.sort.compare(&candidate.position(self.sort), after).is_gt());
            follows && self.filter.statuses.each().contains(&candidate.status)
        });
        few.sort_by(|one, other| self.sort.compare(&one.position(self.sort), &other.position(self.sort)));
        Source::Few(few.into())
    }

    /// Where the list goes along, unless few contacts are enough.
    async fn along(&self) -> Result<VecDeque<Along>, ContactError> {
        let statuses = self.filter.statuses.each();
        Ok(match self.sort.by {
            SortBy::Name => [Along::Statuses(statuses), Along::Unnamed(statuses)].into(),
            SortBy::UpdatedAt => [Along::Statuses(statuses)].into(),
            SortBy::CreatedAt => match self.filter.column() {
                Some((column, value)) => [Along::Column(column, value.to_owned())].into(),
                None => {
                    let along = self.rarest().await?.map(|(terms, _)| Along::Terms(terms));
                    [along.unwrap_or(Along::Statuses(statuses))].into()
                }
            },
        })
    }

    /// The numbers of the value that the fewest contacts have, with how many these are, if this is known.
    async fn rarest(&self) -> Result<Option<(Vec<i64>, usize)>, ContactError> {
        let values = self.filter.values();
        let statuses = self.filter.statuses.each();
        let mut rarest: Option<(Vec<i64>, usize)> = None;
        let is_only_one = values.len() == 1;
        for value in values {
            let terms: Vec<i64> = statuses.iter().map(|status| value.term(*status)).collect();
            if is_only_one && self.sort.by == SortBy::CreatedAt {
                return Ok(Some((terms, usize::MAX)));
            }
            let count = self.store.count(self.partition, &terms, FEW + 1).await?;
            if rarest.as_ref().is_none_or(|(_, fewest)| count < *fewest) {
                rarest = Some((terms, count));
            }
            if count == 0 {
                break;
            }
        }
        Ok(rarest)
    }

    /// Candidates, where a reference, a value or a time that is no part of the order leaves few.
    async fn few_by_value(&self) -> Result<Option<Vec<Candidate>>, ContactError> {
        let statuses = self.filter.statuses.each();
        let filter = self.filter;
        if let Some(reference) = &filter.reference {
            let locator = Locator::Reference(reference.clone());
            let found = self.store.find(self.partition, &locator).await?;
            return Ok(Some(found.iter().map(Candidate::of).collect()));
        }
        let mut tries: Vec<Candidates<'_>> = Vec::new();
        // By the time of creation, contacts of a value are read in order.
        let is_in_order = self.sort.by == SortBy::CreatedAt;
        let column = filter.column();
        if let Some((column, value)) = column
            && !is_in_order
        {
            tries.push(Candidates::Column(column, value));
        }
        let rarest = match column.is_some() || is_in_order {
            true => None,
            false => self.rarest().await?,
        };
        if let Some((terms, count)) = &rarest
            && *count <= FEW
        {
            tries.push(Candidates::Terms(terms));
        }
        if let Some(after) = filter.updated_after
            && self.sort.by != SortBy::UpdatedAt
            && !(is_in_order && column.is_some())
        {
            tries.push(Candidates::Updated(statuses, after));
        }
        if (filter.created_after, filter.created_before) != (None, None) && self.sort.by != SortBy::CreatedAt
        {
            let after = filter.created_after.unwrap_or(Timestamp(i64::MIN));
            let before = filter.created_before.unwrap_or(Timestamp(i64::MAX));
            tries.push(Candidates::Created(statuses, after, before));
        }
        for candidates in tries {
            let found = self.store.candidates(self.partition, &candidates, FEW + 1).await?;
            if found.len() <= FEW {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn needles(&self) -> Vec<i32> {
        let Some(search) = &self.filter.search else { return Vec::new() };
        search_needles(self.partition, search).into_iter().collect()
    }

    async fn go(
        &self,
        source: Source,
        place: &mut Place,
        at_once: usize,
        take: &mut (dyn FnMut(Contact, Position) -> Taken + Send),
    ) -> Result<End, ContactError> {
        match source {
            Source::Few(few) => self.through(few, place, take).await,
            Source::Along(along) => {
                for along in along {
                    let end = self.walk(&along, place, at_once, take).await?;
                    if !matches!(end, End::OfList) {
                        return Ok(end);
                    }
                }
                Ok(End::OfList)
            }
        }
    }

    async fn walk(
        &self,
        along: &Along,
        place: &mut Place,
        at_once: usize,
        take: &mut (dyn FnMut(Contact, Position) -> Taken + Send),
    ) -> Result<End, ContactError> {
        // Once among those without a name, there are none with one.
        let is_among_unnamed = matches!(&place.after, Some(Position { key: Key::Name(None), .. }));
        if is_among_unnamed && matches!(along, Along::Statuses(_)) {
            return Ok(End::OfList);
        }
        let (start, until) = self.bounds();
        if let Some(start) = start
            && place.after.as_ref().is_none_or(|after| self.sort.compare(&start, after).is_gt())
        {
            place.after = Some(start);
        }
        loop {
            let limit = at_once.min(place.looks);
            if limit == 0 {
                return Ok(End::OfLooks(place.after.clone()));
            }
            let stretch = Stretch { along, sort: self.sort, after: place.after.as_ref(), until, limit };
            let contacts = self.store.walk(self.partition, &stretch).await?;
            let is_end = contacts.len() < limit;
            place.looks -= contacts.len();
            for contact in contacts {
                let position = self.sort.position(&contact);
                if self.filter.fits(&contact) && matches!(take(contact, position.clone()), Taken::Full) {
                    return Ok(End::Full);
                }
                place.after = Some(position);
            }
            if is_end {
                return Ok(End::OfList);
            }
        }
    }

    /// Where the times that the filter asks for let a list of that order begin, and where end.
    fn bounds(&self) -> (Option<Position>, Option<Timestamp>) {
        let (after, before) = match self.sort.by {
            SortBy::CreatedAt => (self.filter.created_after, self.filter.created_before),
            SortBy::UpdatedAt => (self.filter.updated_after, None),
            SortBy::Name => (None, None),
        };
        // Itself excluded: beyond all contacts of that time.
        let edge = |time: Timestamp, id: &str| Position { key: Key::Time(time), id: id.to_owned() };
        match self.sort.descending {
            true => (before.map(|time| edge(time, "")), after),
            false => (after.map(|time| edge(time, "~")), before),
        }
    }

    async fn through(
        &self,
        mut few: VecDeque<Candidate>,
        place: &mut Place,
        take: &mut (dyn FnMut(Contact, Position) -> Taken + Send),
    ) -> Result<End, ContactError> {
        while !few.is_empty() {
            if place.looks == 0 {
                return Ok(End::OfLooks(place.after.clone()));
            }
            let some: Vec<Candidate> = few.drain(..few.len().min(ROWS_AT_ONCE).min(place.looks)).collect();
            place.looks -= some.len();
            let ids: Vec<&str> = some.iter().map(|candidate| candidate.id.as_str()).collect();
            let contacts = self.store.these(self.partition, &ids).await?;
            let mut contacts: HashMap<String, Contact> =
                contacts.into_iter().map(|contact| (contact.id.clone(), contact)).collect();
            for candidate in &some {
                let position = candidate.position(self.sort);
                // It may be gone by now.
                if let Some(contact) = contacts.remove(&candidate.id)
                    && self.filter.fits(&contact)
                    && matches!(take(contact, position.clone()), Taken::Full)
                {
                    return Ok(End::Full);
                }
                place.after = Some(position);
            }
        }
        Ok(End::OfList)
    }
}

/// Why it ended.
enum End {
    /// There are no more.
    OfList,
    /// There is no room for the next one.
    Full,
    /// Enough were looked at. The list goes on after this one.
    OfLooks(Option<Position>),
}
