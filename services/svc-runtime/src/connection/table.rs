//! The connections that are open: how many there may be, in all and of one address, and which one goes when
//! there are too many.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ListenerLimits;
use super::activity::{Activity, CoarseClock, Order, Timeouts, millis};
use super::metrics::{ListenerMetrics, Reason};
use svc_core::address::{bucket, canonical};

/// How often connections are looked at: how exact their timeouts are.
const SWEEP: Duration = Duration::from_millis(250);
/// The most time that passes from sweep to sweep as connections count it: while this process stood still, no
/// client was slow.
const LONGEST_SWEEP: Duration = Duration::from_millis(500);
/// A connection whose last request is younger than this is kept when all connections are taken.
const SPARED: Duration = Duration::from_secs(1);
/// How many of the idlest are noted in one look at all of them.
const NOTED: usize = 64;

/// The connections of a listener.
#[derive(Debug)]
pub(super) struct Table {
    limits: ListenerLimits,
    timeouts: Timeouts,
    metrics: Arc<ListenerMetrics>,
    clock: CoarseClock,
    free: Arc<Semaphore>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next_id: u64,
    connections: HashMap<u64, Arc<Activity>>,
    /// How many each address has. It has as many entries as there are connections at most.
    by_address: HashMap<IpAddr, usize>,
    /// The idlest ones of the last look, the very idlest last. Who is not among them has been idle for less
    /// long, so until time passes they stay the idlest until they move.
    idlest: Vec<Idle>,
    looked: u64,
}

/// A connection that waits for its client. The order is that in which they are closed: first those that never had
/// a request, so that a client that only opens connections takes none from clients that use theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Idle {
    requested: bool,
    since: u64,
    id: u64,
}

/// A place in the table, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    table: Arc<Table>,
    id: u64,
    address: Option<IpAddr>,
    pub(super) activity: Arc<Activity>,
    _permit: OwnedSemaphorePermit,
}

impl Table {
    pub(super) fn new(limits: ListenerLimits, metrics: ListenerMetrics) -> Table {
        let timeouts = Timeouts { head: limits.head, idle: limits.idle, write: limits.write };
        Table {
            timeouts,
            metrics: Arc::new(metrics),
            clock: CoarseClock::default(),
            free: Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS))),
            open: Mutex::default(),
            limits,
        }
    }

    /// A place for a connection from here. Waits while all are taken by connections that are in use. `None`
    /// when this address has as many as it may have.
    pub(super) async fn admit(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Ticket> {
        let address = peer.map(canonical).filter(|address| !self.may_have_any(*address)).map(bucket);
        if address.is_some_and(|address| self.is_full(address)) {
            self.metrics.count(Reason::AddressFull);
            return None;
        }
        let permit = loop {
            if let Ok(permit) = self.free.clone().try_acquire_owned() {
                break permit;
            }
            self.end_idlest();
            let freed = tokio::time::timeout(SWEEP, self.free.clone().acquire_owned()).await;
            if let Ok(Ok(permit)) = freed {
                break permit;
            }
        };
        let activity = Arc::new(Activity::new(self.clock.clone(), self.metrics.clone()));
        let mut open = self.open.lock();
        let id = open.next_id;
        open.next_id += 1;
        open.connections.insert(id, activity.clone());
        if let Some(address) = address {
            *open.by_address.entry(address).or_default() += 1;
        }
        drop(open);
        self.metrics.open.inc();
        Some(Ticket { table: self.clone(), id, address, activity, _permit: permit })
    }

    fn may_have_any(&self, address: IpAddr) -> bool {
        self.limits.per_address == 0 || self.limits.proxies.iter().any(|range| range.contains(&address))
    }

    fn is_full(&self, address: IpAddr) -> bool {
        self.open.lock().by_address.get(&address).is_some_and(|open| *open >= self.limits.per_address)
    }

    /// Ends the idlest connection, if one waits for its client.
    fn end_idlest(&self) {
        let mut open = self.open.lock();
        for look in [open.looked < self.clock.now(), true] {
            if look {
                open.looked = self.clock.now();
                open.note_idlest(self.just_now());
            }
            while let Some(idle) = open.idlest.pop() {
                let still = open.connections.get(&idle.id).filter(|c| c.idle_since() == Some(idle.since));
                if let Some(connection) = still
                    && connection.tell(Order::Close)
                {
                    self.metrics.count(Reason::Idlest);
                    return;
                }
            }
        }
    }

    /// A connection that did something after this is in use.
    fn just_now(&self) -> u64 {
        self.clock.now().saturating_sub(millis(SPARED))
    }

    /// Sweeps over all connections again and again, and ends those that are over their times.
    pub(super) async fn sweep(&self) -> Infallible {
        let mut tick = tokio::time::interval(SWEEP);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last = tick.tick().await.into_std();
        loop {
            let now: Instant = tick.tick().await.into_std();
            self.clock.advance(now.saturating_duration_since(last).min(LONGEST_SWEEP));
            last = now;
            let unread = {
                let open = self.open.lock();
                let judged = open.connections.values().map(|connection| {
                    connection.judge(&self.timeouts);
                    connection.unread()
                });
                judged.sum::<usize>()
            };
            if unread > self.limits.unread {
                self.end_least_read(unread);
            }
        }
    }

    /// Ends the connections that hold most of the answers that wait to be read, until few enough do. Who still
    /// reads goes last.
    fn end_least_read(&self, mut unread: usize) {
        let just_now = self.just_now();
        let open = self.open.lock();
        let holders = open.connections.values().map(|connection| (connection.unread(), connection));
        let mut holders: Vec<_> = holders.filter(|(held, _)| *held > 0).collect();
        holders.sort_by_cached_key(|(held, connection)| {
            let stalled = connection.idle_since().is_some_and(|since| since <= just_now);
            Reverse((stalled, *held))
        });
        for (held, connection) in holders {
            if unread <= self.limits.unread {
                return;
            }
            connection.tell_for(Order::Close, Reason::Unread);
            unread = unread.saturating_sub(held);
        }
    }

    /// Tells every connection. How many it was news for.
    pub(super) fn tell_all(&self, order: Order) -> usize {
        self.open.lock().connections.values().filter(|connection| connection.tell(order)).count()
    }

    /// Ends every connection, since its requests did not end in time.
    pub(super) fn cut(&self) {
        for _ in 0..self.tell_all(Order::Close) {
            self.metrics.count(Reason::Stop);
        }
    }
}

impl Open {
    fn note_idlest(&mut self, before: u64) {
        // The largest of the heap is the least idle one, which makes room for an idler one.
        let mut idlest = BinaryHeap::with_capacity(NOTED + 1);
        for (id, connection) in &self.connections {
            let Some(since) = connection.idle_since().filter(|since| *since <= before) else { continue };
            idlest.push(Idle { requested: connection.requested(), since, id: *id });
            if idlest.len() > NOTED {
                idlest.pop();
            }
        }
        self.idlest = idlest.into_sorted_vec();
        self.idlest.reverse();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.table.metrics.open.dec();
        let mut open = self.table.open.lock();
        open.connections.remove(&self.id);
        if let Some(address) = self.address
            && let Some(count) = open.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(limits: ListenerLimits) -> Arc<Table> {
        Arc::new(Table::new(limits, ListenerMetrics::default()))
    }

    fn is_told(ticket: &Ticket) -> bool {
        !ticket.activity.tell(Order::Close)
    }

    #[tokio::test]
    async fn an_address_has_a_bound_and_proxies_have_none() {
        let table = table(ListenerLimits {
            per_address: 2,
            proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..ListenerLimits::default()
        });
        let admit = async |address: &str| table.admit(Some(address.parse().unwrap())).await;
        let mut held = Vec::new();
        for (address, is_let_in) in [
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
            ("192.0.2.1", false),
            ("192.0.2.2", true),
            // One client has a /64.
            ("2001:db8::1", true),
            ("2001:db8::2", true),
            ("2001:db8::3", false),
            ("2001:db8:0:1::1", true),
            ("10.0.0.1", true),
            ("10.0.0.1", true),
            ("::ffff:10.0.0.1", true),
        ] {
            let ticket = admit(address).await;
            assert_eq!(ticket.is_some(), is_let_in, "{address}");
            held.extend(ticket);
        }
        held.remove(0);
        assert!(admit("192.0.2.1").await.is_some(), "a place that is given back is free");
        drop(held);
        assert!(table.open.lock().by_address.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_are_taken_the_idlest_goes() {
        let table = table(ListenerLimits { connections: 3, ..ListenerLimits::default() });
        let mut tickets = Vec::new();
        for _ in 0..3 {
            tickets.push(table.admit(None).await.unwrap());
            table.clock.advance(Duration::from_secs(1));
        }
        // The first works on a request, the second had one last, so the third is the idlest.
        tickets[0].activity.begins();
        tickets[1].activity.begins();
        table.clock.advance(Duration::from_secs(1));
        tickets[1].activity.ends();
        let waiting = tokio::time::timeout(SWEEP * 2, table.admit(None)).await;
        assert!(waiting.is_err(), "the place is not given back yet");
        assert_eq!(tickets.iter().map(is_told).collect::<Vec<_>>(), [false, false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_had_a_request_goes_first() {
        let table = table(ListenerLimits { connections: 3, ..ListenerLimits::default() });
        let mut tickets = vec![table.admit(None).await.unwrap()];
        tickets[0].activity.begins();
        tickets[0].activity.ends();
        for _ in 0..2 {
            table.clock.advance(Duration::from_secs(60));
            tickets.push(table.admit(None).await.unwrap());
        }
        table.clock.advance(Duration::from_secs(1));
        for expected in [[false, true, false], [false, true, true], [true, true, true]] {
            table.end_idlest();
            let told = tickets.iter().map(|ticket| ticket.activity.told() == Order::Close as u8);
            assert_eq!(told.collect::<Vec<_>>(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_came_since_the_last_look_is_seen() {
        let table = table(ListenerLimits { connections: 3, ..ListenerLimits::default() });
        let mut tickets = Vec::new();
        for _ in 0..2 {
            tickets.push(table.admit(None).await.unwrap());
        }
        tickets[0].activity.begins();
        tickets[0].activity.ends();
        table.clock.advance(Duration::from_secs(2));
        table.end_idlest();
        tickets.push(table.admit(None).await.unwrap());
        table.clock.advance(Duration::from_secs(2));
        table.end_idlest();
        assert_eq!(tickets.iter().map(is_told).collect::<Vec<_>>(), [false, true, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_in_use_stays() {
        let table = table(ListenerLimits { connections: 1, ..ListenerLimits::default() });
        let ticket = table.admit(None).await.unwrap();
        assert!(tokio::time::timeout(SWEEP * 3, table.admit(None)).await.is_err());
        assert!(!is_told(&ticket), "it was used just now");
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_least_goes_first() {
        let table = table(ListenerLimits { unread: 300, ..ListenerLimits::default() });
        let mut tickets = Vec::new();
        for bytes in [40, 90, 10, 200] {
            let ticket = table.admit(None).await.unwrap();
            ticket.activity.answer_waits(bytes);
            tickets.push(ticket);
        }
        table.clock.advance(Duration::from_secs(2));
        tickets[3].activity.progresses();
        let sweeping = table.sweep();
        assert!(tokio::time::timeout(SWEEP * 3, sweeping).await.is_err());
        assert_eq!(tickets.iter().map(is_told).collect::<Vec<_>>(), [false, true, false, false]);
    }
}
