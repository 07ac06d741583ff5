//! How a list finds its contacts ([ADR 23](../../../../docs/adr/0023-lists-and-changes.md)).
//!
//! Every contact that is read is held against the whole filter here. What is asked of the store only decides how many
//! have to be read: those along one order, or those with the rarest of the values that the filter asks for, held against
//! the other values by indexes. A look at a page ends after a number of contacts that is the same however many there
//! are, so a page can end before it is full. It then says where to go on.

use std::collections::{HashMap, VecDeque};

use svc_core::clock::Timestamp;
use svc_core::page::PageSize;

use super::needles::Needles;
use super::terms::Value;
use super::{Contact, Filter, Key, Locator, PAGE_MAX_BYTES, Page, Partition, Position, Sort, SortBy};
use crate::error::ContactError;
use crate::store::{Along, Candidate, Candidates, Reach, Sieve, Store, Stretch};

/// How many contacts are read at once: the default page in one go, the largest in three. Between them it is
/// seen whether the page is full by its bytes, so that this many of the largest contacts, about 4 MiB, are
/// the most that is held of what does not fit.
const ROWS_AT_ONCE: usize = 34;
/// A bound, which is small in the tests of this crate: there each way of a list is gone with few contacts.
const fn bound(usual: usize, in_tests: usize) -> usize {
    if cfg!(test) { in_tests } else { usual }
}

/// The most contacts that are read for one page.
const READS: usize = bound(600, 120);
/// The most that are held against several values by indexes for one page. A hundred of them take as long as ten that
/// are read.
const PROBES: usize = bound(500, 12);
/// So many of those that follow are counted of each value, to go along the one whose contacts are the fewest there.
const REACH: usize = bound(200, 5);
/// So many of them are read before an index of texts is asked, whose cost grows with what it finds: where a page
/// is full by then, much would be found.
const READS_BEFORE_SEARCH: usize = bound(400, 10);
/// An index of texts is not asked where it would find more than about so many.
const SEARCHED: i64 = 20_000;
/// The most candidates that are put in order here.
const FEW: usize = bound(1_000, 8);
/// The most contacts of a list that are counted by a value, and the most that are looked at where there is more to it.
const COUNTED: usize = 10_000;
const LOOKED_AT_TO_COUNT: usize = 1_000;

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
    Few(VecDeque<Position>),
}

/// How far it has come.
struct Place {
    /// After which one it goes on.
    after: Option<Position>,
    /// How many contacts may still be read.
    reads: usize,
    /// How many may still be held against values.
    probes: usize,
    /// What is searched for, held against those that are read.
    needles: Needles,
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
        let at_once = match self.filter.is_found_in_order_of(self.sort.by) {
            true => ROWS_AT_ONCE.min(size + 1),
            false => ROWS_AT_ONCE,
        };
        let place = self.place(after, READS, PROBES);
        let end = self.read(place, at_once, &mut take).await?;
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
        if let Some(value) = self.filter.only_value() {
            let count = self.store.count(self.partition, &self.numbers(value), COUNTED + 1).await?;
            return Ok((count <= COUNTED).then_some(count));
        }
        let place = self.place(None, LOOKED_AT_TO_COUNT, LOOKED_AT_TO_COUNT);
        match self.read(place, ROWS_AT_ONCE, &mut take).await? {
            End::OfList => Ok(Some(total)),
            End::Full | End::OfLooks(_) => Ok(None),
        }
    }

    async fn read(
        &self,
        mut place: Place,
        at_once: usize,
        take: &mut (dyn FnMut(Contact, Position) -> Taken + Send),
    ) -> Result<End, ContactError> {
        if let (Some(start), _) = self.bounds()
            && place.after.as_ref().is_none_or(|after| self.sort.compare(&start, after).is_gt())
        {
            place.after = Some(start);
        }
        if let Some(few) = self.few_by_value().await? {
            return self.go(self.in_order(few, &place), &mut place, at_once, take).await;
        }
        let along = self.along(place.after.as_ref()).await?;
        if !place.needles.is_empty() {
            let rest = place.reads.saturating_sub(READS_BEFORE_SEARCH);
            place.reads -= rest;
            match self.go(Source::Along(along.clone()), &mut place, at_once, take).await? {
                End::OfLooks(after) => place.after = after,
                end => return Ok(end),
            }
            place.reads += rest;
            if let Some(few) = self.few_by_search(&place.needles).await? {
                return self.go(self.in_order(few, &place), &mut place, at_once, take).await;
            }
        }
        self.go(Source::Along(along), &mut place, at_once, take).await
    }

    /// Those that follow the place, in order.
    fn in_order(&self, few: Vec<Candidate>, place: &Place) -> Source {
        let statuses = self.filter.statuses.each();
        let mut positions: Vec<Position> = few
            .into_iter()
            .filter(|candidate| statuses.contains(&candidate.status))
            .map(|candidate| candidate.position(self.sort))
            .filter(|position| {
                place.after.as_ref().is_none_or(|after| self.sort.compare(position, after).is_gt())
            })
            .collect();
        positions.sort_by(|one, other| self.sort.compare(one, other));
        Source::Few(positions.into())
    }

    /// Where the list goes along behind this place, unless few contacts are enough.
    async fn along(&self, after: Option<&Position>) -> Result<VecDeque<Along>, ContactError> {
        let statuses = self.filter.statuses.each();
        Ok(match self.sort.by {
            SortBy::Name => [Along::Statuses(statuses), Along::Unnamed(statuses)].into(),
            SortBy::UpdatedAt => [Along::Statuses(statuses)].into(),
            SortBy::CreatedAt => match self.filter.column() {
                Some((column, value)) => [Along::Column(column, value.to_owned())].into(),
                None => [self.rarest_behind(after).await?.unwrap_or(Along::Statuses(statuses))].into(),
            },
        })
    }

    /// The numbers of a value, one for each status.
    fn numbers(&self, value: Value<'_>) -> Vec<i64> {
        self.filter.statuses.each().iter().map(|status| value.term(*status)).collect()
    }

    /// The value of which the next contacts behind this place are the fewest.
    async fn rarest_behind(&self, after: Option<&Position>) -> Result<Option<Along>, ContactError> {
        let mut values: Vec<Vec<i64>> =
            self.filter.values().into_iter().map(|value| self.numbers(value)).collect();
        if values.len() <= 1 {
            return Ok(values.pop().map(Along::Terms));
        }
        let along = Along::Terms(values.concat());
        let (_, until) = self.bounds();
        let stretch = Stretch { along: &along, sort: self.sort, after, until, limit: REACH };
        let reaches = self.store.reach(self.partition, &stretch).await?;
        let of_each = values.into_iter().zip(reaches.chunks(self.filter.statuses.each().len()));
        let rarest = of_each.min_by_key(|(_, reaches)| self.frequency(reaches));
        Ok(rarest.map(|(numbers, _)| Along::Terms(numbers)))
    }

    /// How frequent a value is by how far the next contacts with it reach, of each status: first by how many these are,
    /// and where there are more than were counted, by how near the last one of them is.
    fn frequency(&self, reaches: &[Reach]) -> (usize, i128) {
        let count = reaches.iter().map(|reach| reach.count).sum::<usize>().min(REACH);
        let is_full = |reach: &&Reach| reach.count == REACH;
        let lasts = reaches.iter().filter(is_full).filter_map(|reach| reach.last);
        let distance =
            |time: Timestamp| if self.sort.descending { -i128::from(time.0) } else { time.0.into() };
        (count, -lasts.map(distance).min().unwrap_or(i128::MAX))
    }

    /// The numbers of the value that the fewest contacts have, with how many these are, counted up to [`FEW`].
    async fn rarest(&self) -> Result<Option<(Vec<i64>, usize)>, ContactError> {
        let mut rarest: Option<(Vec<i64>, usize)> = None;
        for value in self.filter.values() {
            let numbers = self.numbers(value);
            let count = self.store.count(self.partition, &numbers, FEW + 1).await?;
            if rarest.as_ref().is_none_or(|(_, fewest)| count < *fewest) {
                rarest = Some((numbers, count));
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

    /// Candidates, where these are few of which a text is found.
    async fn few_by_search(&self, needles: &Needles) -> Result<Option<Vec<Candidate>>, ContactError> {
        if needles.are_common() {
            let feed = self.store.feed(self.partition).await?;
            if needles.expected(feed.active + feed.archived) > SEARCHED {
                return Ok(None);
            }
        }
        let rarest = needles.rarest();
        let found = self.store.candidates(self.partition, &Candidates::Search(&rarest), FEW + 1).await?;
        Ok((found.len() <= FEW).then_some(found))
    }

    fn place(&self, after: Option<Position>, reads: usize, probes: usize) -> Place {
        let needles = match &self.filter.search {
            Some(search) => Needles::of(self.partition, search),
            None => Needles::default(),
        };
        Place { after, reads, probes, needles }
    }

    async fn go(
        &self,
        source: Source,
        place: &mut Place,
        at_once: usize,
        take: &mut (dyn FnMut(Contact, Position) -> Taken + Send),
    ) -> Result<End, ContactError> {
        match source {
            Source::Few(few) => self.through(few, place, at_once, take).await,
            Source::Along(along) => {
                for along in along {
                    let sieve = self.sieve(&along);
                    let end = match sieve.is_empty() {
                        true => self.walk(&along, place, at_once, take).await?,
                        false => self.sift(&along, &sieve, place, at_once, take).await?,
                    };
                    if !matches!(end, End::OfList) {
                        return Ok(end);
                    }
                }
                Ok(End::OfList)
            }
        }
    }

    /// What the filter asks for that an order does not have.
    fn sieve(&self, along: &Along) -> Sieve {
        // Few have one address or one number in common.
        if matches!(along, Along::Column(..)) {
            return Sieve::default();
        }
        let filter = self.filter;
        let walked = match along {
            Along::Terms(numbers) => numbers.as_slice(),
            _ => &[],
        };
        let values = filter.values().into_iter().map(|value| self.numbers(value));
        let created = (filter.created_after, filter.created_before);
        let is_another = |by: SortBy| self.sort.by != by;
        Sieve {
            values: values.filter(|numbers| numbers != walked).collect(),
            created: (created != (None, None) && is_another(SortBy::CreatedAt)).then(|| {
                (created.0.unwrap_or(Timestamp(i64::MIN)), created.1.unwrap_or(Timestamp(i64::MAX)))
            }),
            updated_after: filter.updated_after.filter(|_| is_another(SortBy::UpdatedAt)),
        }
    }

    /// Once among those without a name, there are none with one.
    fn is_behind(along: &Along, place: &Place) -> bool {
        let is_among_unnamed = matches!(&place.after, Some(Position { key: Key::Name(None), .. }));
        is_among_unnamed && matches!(along, Along::Statuses(_))
    }

    async fn walk(
        &self,
        along: &Along,
        place: &mut Place,
        at_once: usize,
        take: &mut (dyn FnMut(Contact, Position) -> Taken + Send),
    ) -> Result<End, ContactError> {
        if Self::is_behind(along, place) {
            return Ok(End::OfList);
        }
        let (_, until) = self.bounds();
        loop {
            let limit = at_once.min(place.reads);
            if limit == 0 {
                return Ok(End::OfLooks(place.after.clone()));
            }
            let stretch = Stretch { along, sort: self.sort, after: place.after.as_ref(), until, limit };
            let contacts = self.store.walk(self.partition, &stretch).await?;
            let is_end = contacts.len() < limit;
            place.reads -= contacts.len();
            for contact in contacts {
                place.needles.look_at(&contact);
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

    /// The same where only those are read that a sieve lets through.
    async fn sift(
        &self,
        along: &Along,
        sieve: &Sieve,
        place: &mut Place,
        at_once: usize,
        take: &mut (dyn FnMut(Contact, Position) -> Taken + Send),
    ) -> Result<End, ContactError> {
        if Self::is_behind(along, place) {
            return Ok(End::OfList);
        }
        let (_, until) = self.bounds();
        // Where most are let through, these fill a page. What is left is looked at at once.
        let mut limit = at_once * 3;
        loop {
            limit = limit.min(place.probes);
            if limit == 0 {
                return Ok(End::OfLooks(place.after.clone()));
            }
            let stretch = Stretch { along, sort: self.sort, after: place.after.as_ref(), until, limit };
            let sifted = self.store.sift(self.partition, &stretch, sieve).await?;
            place.probes -= sifted.looked.min(limit);
            let end = self.through(sifted.through.into(), place, at_once, take).await?;
            if !matches!(end, End::OfList) {
                return Ok(end);
            }
            if sifted.looked < limit {
                return Ok(End::OfList);
            }
            place.after = sifted.last;
            limit = PROBES;
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
        mut few: VecDeque<Position>,
        place: &mut Place,
        at_once: usize,
        take: &mut (dyn FnMut(Contact, Position) -> Taken + Send),
    ) -> Result<End, ContactError> {
        while !few.is_empty() {
            if place.reads == 0 {
                return Ok(End::OfLooks(place.after.clone()));
            }
            let some: Vec<Position> = few.drain(..few.len().min(at_once).min(place.reads)).collect();
            place.reads -= some.len();
            let ids: Vec<&str> = some.iter().map(|position| position.id.as_str()).collect();
            let contacts = self.store.these(self.partition, &ids).await?;
            let mut contacts: HashMap<String, Contact> =
                contacts.into_iter().map(|contact| (contact.id.clone(), contact)).collect();
            for position in some {
                // It may be gone by now.
                if let Some(contact) = contacts.remove(&position.id) {
                    place.needles.look_at(&contact);
                    let is_one = self.filter.fits(&contact);
                    if is_one && matches!(take(contact, position.clone()), Taken::Full) {
                        return Ok(End::Full);
                    }
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
