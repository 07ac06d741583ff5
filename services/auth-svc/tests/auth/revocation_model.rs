//! A model of the core of docs/revocation.md, and every state that it can reach.
//!
//! One replica, one key in its cache, one change that takes the key away, two requests that come again and
//! again, a sweeper that removes dead rows. Each step of each of them may be delayed for any time at any
//! point, which is what a pause, a partition or a slow network amounts to; a poll may be given up and its
//! statement carried out later; an entry may be evicted. Time is only ever a distance to something (what is
//! left of a lease, the age of an observation), so that the states are finite although time is not.
//!
//! A state is bad when a request that began after the change had answered is let through by what was before.
//! The model is worth something because it finds such a state in every mutant below.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

/// What a lease lasts, in ticks of time. The protocol says 0.8 L; all of L leaves no slack.
const LEASE: u8 = 3;
/// What a change waits for: L.
const BARRIER: u8 = 3;
/// When a row is dead: 2 L.
const DEAD: u8 = 6;

/// One rule of the protocol broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    Protocol,
    /// Rule 5: the cache is read before the lease.
    CacheBeforeLease,
    /// Rule 5: the clock was read before the request came, as a cached or coarse clock is.
    ClockBeforeRequest,
    /// Rule 6: what was loaded is put in whether or not its placeholder is still there.
    UnconditionalInsert,
    /// Rule 4: a change drops what is loaded, and leaves what is loading.
    PlaceholdersStay,
    /// Rule 4: the lease is renewed first, then the key is dropped.
    LeaseBeforeDrop,
    /// Rule 3: the lease lasts from the answer of the poll.
    LeaseFromAnswer,
    /// Rule 3: the poll that learns of a change acknowledges it.
    SeenBeforeDrop,
    /// Rule 3: a poll does not count the beat of its row.
    RenewalDoesNotWrite,
    /// Rule 4: a poll that finds no row of its own goes on.
    MissingRowIgnored,
    /// Rule 7: the change waits from before its commit.
    BarrierFromBeforeCommit,
    /// Rule 9: a row is removed before its lease can have ended.
    DeadRowsRemovedEarly,
    /// Rule 9: a row is removed although it has polled since it was observed.
    BeatNotCompared,
    /// Rule 9: a graceful stop removes its row and then stops serving.
    RowRemovedBeforeStop,
}

const MUTANTS: &[Mutant] = &[
    Mutant::CacheBeforeLease,
    Mutant::ClockBeforeRequest,
    Mutant::UnconditionalInsert,
    Mutant::PlaceholdersStay,
    Mutant::LeaseBeforeDrop,
    Mutant::LeaseFromAnswer,
    Mutant::SeenBeforeDrop,
    Mutant::RenewalDoesNotWrite,
    Mutant::MissingRowIgnored,
    Mutant::BarrierFromBeforeCommit,
    Mutant::DeadRowsRemovedEarly,
    Mutant::BeatNotCompared,
    Mutant::RowRemovedBeforeStop,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cache {
    Empty,
    /// This request is loading it.
    Loading(u8),
    /// The key as it was before the change.
    Old,
    /// As it is after.
    New,
}

/// A poll. `left` is what would be left of the lease that it renews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poll {
    /// There is no row.
    Away,
    Idle,
    Sent {
        left: u8,
    },
    /// Carried out; the answer is on its way.
    Answered {
        answer: Answer,
        left: u8,
    },
    /// Has dropped what it was told, and not renewed the lease yet.
    Dropped {
        left: u8,
    },
    /// Mutant: has renewed the lease, and not dropped yet.
    Renewed,
    /// Has ended the lease, and not emptied the cache yet.
    Ended,
    /// A graceful stop, which has stopped serving.
    Stopping,
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    NothingNew,
    Changed,
    NoRow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    NotYet,
    /// Mutant: waits already, and has not committed.
    Early {
        left: u8,
    },
    Committed,
    /// Has read the clock.
    Timed {
        left: u8,
    },
    /// Has read the rows, and waits for one: the row that is there, or one that was there.
    Waiting {
        left: u8,
        gone: bool,
    },
    Answered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    /// Has loaded `valid_until`, which is `left` away.
    Loaded {
        left: u8,
    },
    /// Mutant: has found the old key, and not looked at the lease.
    Found,
    /// Has seen that the lease is valid.
    Passed,
    /// Has placed a placeholder, and reads the database.
    Loading,
    /// Waits for what the other request loads.
    Joined,
    /// Has read the key as it was before the change.
    ReadOld,
    ReadNew,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Request {
    phase: Phase,
    /// Began after the change had answered.
    after: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sweep {
    age: u8,
    /// The row has not been written since.
    same: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    changed: bool,
    /// The row of the replica, and whether it says that it has seen the change.
    row: Option<bool>,
    /// A poll that was given up and may still be carried out, and what it says.
    ghost: Option<bool>,
    applied: bool,
    /// What is left of the lease.
    lease: u8,
    cache: Cache,
    poll: Poll,
    change: Change,
    sweep: Option<Sweep>,
    requests: [Request; 2],
}

const START: State = State {
    changed: false,
    row: None,
    ghost: None,
    applied: false,
    lease: 0,
    cache: Cache::Empty,
    poll: Poll::Away,
    change: Change::NotYet,
    sweep: None,
    requests: [Request { phase: Phase::Idle, after: false }; 2],
};

/// What a step leads to.
enum Next {
    State(State),
    /// A request that began after the answer was let through by what was before.
    Bad,
}

struct Model {
    mutant: Mutant,
    next: Vec<(&'static str, Next)>,
}

impl Model {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == mutant
    }

    fn to(&mut self, step: &'static str, state: State) {
        self.next.push((step, Next::State(state)));
    }

    fn steps(&mut self, s: &State) {
        self.next.clear();
        self.time(s);
        self.polls(s);
        self.changes(s);
        self.sweeps(s);
        for i in 0..2 {
            self.requests(s, i);
        }
        if matches!(s.cache, Cache::Old | Cache::New) {
            self.to("evict", State { cache: Cache::Empty, ..*s });
        }
    }

    fn time(&mut self, s: &State) {
        let mut n = *s;
        n.lease = n.lease.saturating_sub(1);
        match &mut n.poll {
            Poll::Sent { left } | Poll::Answered { left, .. } | Poll::Dropped { left } => {
                *left = left.saturating_sub(1);
            }
            _ => {}
        }
        match &mut n.change {
            Change::Early { left } | Change::Timed { left } | Change::Waiting { left, .. } => {
                *left = left.saturating_sub(1);
            }
            _ => {}
        }
        if let Some(sweep) = &mut n.sweep {
            sweep.age = (sweep.age + 1).min(DEAD);
        }
        for request in &mut n.requests {
            match request.phase {
                // It will be refused, whenever it reads the clock.
                Phase::Loaded { left: 1 } => *request = START.requests[0],
                Phase::Loaded { left } => request.phase = Phase::Loaded { left: left - 1 },
                _ => {}
            }
        }
        self.to("time", n);
    }

    /// A poll's statement.
    fn carry_out(&self, n: &mut State, seen: bool) -> Answer {
        let answer = if n.changed && !n.applied { Answer::Changed } else { Answer::NothingNew };
        let Some(row) = &mut n.row else { return Answer::NoRow };
        *row = seen || (self.is(Mutant::SeenBeforeDrop) && n.changed);
        if let Some(sweep) = &mut n.sweep
            && !self.is(Mutant::RenewalDoesNotWrite)
        {
            sweep.same = false;
        }
        answer
    }

    fn polls(&mut self, s: &State) {
        let mut n = *s;
        if let Some(seen) = s.ghost {
            n.ghost = None;
            self.carry_out(&mut n, seen);
            self.to("a poll that was given up is carried out", n);
            n = *s;
        }
        match s.poll {
            Poll::Away => {
                (n.poll, n.row) = (Poll::Idle, Some(false));
                self.to("join", n);
            }
            Poll::Idle => {
                n.poll = Poll::Sent { left: LEASE };
                self.to("send a poll", n);
                n = *s;
                n.poll = Poll::Stopping;
                if self.is(Mutant::RowRemovedBeforeStop) {
                    self.remove_row(&mut n);
                } else {
                    n.lease = 0;
                }
                self.to("begin to stop", n);
            }
            Poll::Sent { left } => {
                let answer = self.carry_out(&mut n, s.applied);
                n.poll = Poll::Answered { answer, left };
                self.to("carry out a poll", n);
                if s.ghost.is_none() {
                    self.to("give up a poll", State { poll: Poll::Idle, ghost: Some(s.applied), ..*s });
                }
            }
            Poll::Answered { answer, left } => {
                self.answered(&mut n, answer, left);
                self.to("lose the answer to a poll", State { poll: Poll::Idle, ..*s });
            }
            Poll::Dropped { left } => {
                (n.applied, n.lease, n.poll) = (true, self.lease(left), Poll::Idle);
                self.to("renew the lease for the change", n);
            }
            Poll::Renewed => {
                self.drop_key(&mut n);
                (n.applied, n.poll) = (true, Poll::Idle);
                self.to("drop the key late", n);
            }
            Poll::Ended => {
                (n.cache, n.applied, n.poll) = (Cache::Empty, false, Poll::Away);
                self.to("empty the cache", n);
            }
            Poll::Stopping => {
                n.lease = 0;
                self.remove_row(&mut n);
                n.poll = Poll::Stopped;
                self.to("leave", n);
            }
            Poll::Stopped => {}
        }
    }

    fn answered(&mut self, n: &mut State, answer: Answer, left: u8) {
        match answer {
            Answer::NoRow if !self.is(Mutant::MissingRowIgnored) => {
                (n.lease, n.poll) = (0, Poll::Ended);
                self.to("end the lease", *n);
            }
            Answer::Changed if self.is(Mutant::LeaseBeforeDrop) => {
                (n.lease, n.poll) = (left, Poll::Renewed);
                self.to("renew the lease early", *n);
            }
            Answer::Changed => {
                self.drop_key(n);
                n.poll = Poll::Dropped { left };
                self.to("drop the key", *n);
            }
            Answer::NothingNew | Answer::NoRow => {
                (n.lease, n.poll) = (self.lease(left), Poll::Idle);
                self.to("renew the lease", *n);
            }
        }
    }

    fn lease(&self, left: u8) -> u8 {
        if self.is(Mutant::LeaseFromAnswer) { LEASE } else { left }
    }

    fn drop_key(&self, n: &mut State) {
        let loading = matches!(n.cache, Cache::Loading(_));
        if !(loading && self.is(Mutant::PlaceholdersStay)) {
            n.cache = Cache::Empty;
        }
    }

    /// A new incarnation has another row; what was on its way to this one finds nothing.
    fn remove_row(&self, n: &mut State) {
        (n.row, n.ghost, n.sweep) = (None, None, None);
        if let Change::Waiting { gone, .. } = &mut n.change {
            *gone = true;
        }
    }

    fn changes(&mut self, s: &State) {
        let mut n = *s;
        match s.change {
            Change::NotYet if self.is(Mutant::BarrierFromBeforeCommit) => {
                n.change = Change::Early { left: BARRIER };
                self.to("begin to wait", n);
            }
            Change::NotYet => {
                (n.changed, n.change) = (true, Change::Committed);
                self.to("commit", n);
            }
            Change::Early { left } => {
                (n.changed, n.change) = (true, Change::Timed { left });
                self.to("commit late", n);
            }
            Change::Committed => {
                n.change = Change::Timed { left: BARRIER };
                self.to("begin to wait", n);
            }
            Change::Timed { left } => {
                n.change = match s.row {
                    Some(false) => Change::Waiting { left, gone: false },
                    Some(true) | None => Change::Answered,
                };
                self.to("read the rows", n);
                // The database does not answer.
                if left == 0 {
                    self.to("answer unread", State { change: Change::Answered, ..*s });
                }
            }
            Change::Waiting { left, gone } => {
                if left == 0 || gone || s.row == Some(true) {
                    self.to("answer", State { change: Change::Answered, ..*s });
                }
            }
            Change::Answered => {}
        }
    }

    fn sweeps(&mut self, s: &State) {
        let mut n = *s;
        let Some(sweep) = s.sweep else {
            if s.row.is_some() {
                n.sweep = Some(Sweep { age: 0, same: true });
                self.to("observe the row", n);
            }
            return;
        };
        let dead = if self.is(Mutant::DeadRowsRemovedEarly) { 1 } else { DEAD };
        if sweep.age >= dead && (sweep.same || self.is(Mutant::BeatNotCompared)) {
            self.remove_row(&mut n);
            self.to("remove the row", n);
        }
        if !sweep.same {
            self.to("observe it anew", State { sweep: None, ..*s });
        }
    }

    fn requests(&mut self, s: &State, i: u8) {
        let mut n = *s;
        let at = usize::from(i);
        let Request { phase, after } = s.requests[at];
        let idle = START.requests[0];
        match phase {
            Phase::Idle => {
                let after = s.change == Change::Answered;
                if self.is(Mutant::CacheBeforeLease) && s.cache == Cache::Old {
                    n.requests[at] = Request { phase: Phase::Found, after };
                    self.to("look into the cache", n);
                    return;
                }
                // Without a lease it is refused, and has done nothing.
                if s.lease > 0 {
                    n.requests[at] = Request { phase: Phase::Loaded { left: s.lease }, after };
                    self.to("load valid_until", n);
                }
            }
            Phase::Found => {
                n.requests[at] = idle;
                match s.lease > 0 {
                    true => self.decide("look at the lease", n, Cache::Old, after),
                    false => self.to("look at the lease", n),
                }
            }
            Phase::Loaded { .. } => {
                n.requests[at].phase = Phase::Passed;
                self.to("read the clock", n);
            }
            Phase::Passed => {
                if self.is(Mutant::ClockBeforeRequest) {
                    n.requests[at].after = s.change == Change::Answered;
                }
                let after = n.requests[at].after;
                match s.cache {
                    Cache::Empty => {
                        (n.cache, n.requests[at].phase) = (Cache::Loading(i), Phase::Loading);
                        self.to("place a placeholder", n);
                    }
                    Cache::Loading(_) => {
                        n.requests[at].phase = Phase::Joined;
                        self.to("wait for the other", n);
                    }
                    found @ (Cache::Old | Cache::New) => {
                        n.requests[at] = idle;
                        self.decide("find it in the cache", n, found, after);
                    }
                }
            }
            Phase::Loading => {
                n.requests[at].phase = if s.changed { Phase::ReadNew } else { Phase::ReadOld };
                self.to("read the database", n);
            }
            // Served by the other when it has loaded.
            Phase::Joined => {}
            Phase::ReadOld | Phase::ReadNew => {
                let read = if phase == Phase::ReadOld { Cache::Old } else { Cache::New };
                n.requests[at] = idle;
                if s.cache == Cache::Loading(i) || self.is(Mutant::UnconditionalInsert) {
                    n.cache = read;
                }
                let other = &mut n.requests[1 - at];
                let mut after = after;
                if other.phase == Phase::Joined {
                    after |= other.after;
                    *other = idle;
                }
                self.decide("decide by what was loaded", n, read, after);
            }
        }
    }

    fn decide(&mut self, step: &'static str, n: State, by: Cache, after: bool) {
        match by == Cache::Old && after {
            true => self.next.push((step, Next::Bad)),
            false => self.to(step, n),
        }
    }
}

/// A state in one number, so that a million of them are small.
fn code(s: &State) -> u64 {
    let mut code = 0_u64;
    let mut put = |value: u8, of: u8| {
        assert!(value < of);
        code = code * u64::from(of) + u64::from(value);
    };
    let three = |flag: Option<bool>| flag.map_or(0, |flag| 1 + u8::from(flag));
    put(u8::from(s.changed), 2);
    put(three(s.row), 3);
    put(three(s.ghost), 3);
    put(u8::from(s.applied), 2);
    put(s.lease, LEASE + 1);
    put(
        match s.cache {
            Cache::Empty => 0,
            Cache::Loading(i) => 1 + i,
            Cache::Old => 3,
            Cache::New => 4,
        },
        5,
    );
    let (poll, left) = match s.poll {
        Poll::Away => (0, 0),
        Poll::Idle => (1, 0),
        Poll::Sent { left } => (2, left),
        Poll::Answered { answer: Answer::NothingNew, left } => (3, left),
        Poll::Answered { answer: Answer::Changed, left } => (4, left),
        Poll::Answered { answer: Answer::NoRow, left } => (5, left),
        Poll::Dropped { left } => (6, left),
        Poll::Renewed => (7, 0),
        Poll::Ended => (8, 0),
        Poll::Stopping => (9, 0),
        Poll::Stopped => (10, 0),
    };
    put(poll, 11);
    put(left, LEASE + 1);
    let (change, left) = match s.change {
        Change::NotYet => (0, 0),
        Change::Early { left } => (1, left),
        Change::Committed => (2, 0),
        Change::Timed { left } => (3, left),
        Change::Waiting { left, gone: false } => (4, left),
        Change::Waiting { left, gone: true } => (5, left),
        Change::Answered => (6, 0),
    };
    put(change, 7);
    put(left, BARRIER + 1);
    put(s.sweep.map_or(0, |sweep| 1 + 2 * sweep.age + u8::from(sweep.same)), 2 * DEAD + 3);
    for request in &s.requests {
        let phase = match request.phase {
            Phase::Idle => 0,
            Phase::Loaded { left } => left,
            Phase::Found => LEASE + 1,
            Phase::Passed => LEASE + 2,
            Phase::Loading => LEASE + 3,
            Phase::Joined => LEASE + 4,
            Phase::ReadOld => LEASE + 5,
            Phase::ReadNew => LEASE + 6,
        };
        put(phase, LEASE + 7);
        put(u8::from(request.after), 2);
    }
    code
}

/// The two requests are alike: of a state and its mirror image only one is looked at.
fn canonical(s: &State) -> u64 {
    let mut mirror = *s;
    mirror.requests.swap(0, 1);
    if let Cache::Loading(i) = &mut mirror.cache {
        *i = 1 - *i;
    }
    code(s).min(code(&mirror))
}

/// Mixes a number (the finalizer of SplitMix64). The default hasher takes most of the time otherwise.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers are hashed");
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = mixed ^ (mixed >> 31);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// How a state was reached first.
type Reached = HashMap<u64, (u64, &'static str), BuildHasherDefault<Mix>>;

/// Explores all states, nearest first. The way to a bad one, else how many there are.
fn explore(mutant: Mutant) -> Result<usize, Vec<&'static str>> {
    let mut model = Model { mutant, next: Vec::new() };
    let mut reached = Reached::default();
    let mut queue = VecDeque::from([START]);
    reached.insert(canonical(&START), (0, ""));
    while let Some(state) = queue.pop_front() {
        let from = canonical(&state);
        model.steps(&state);
        for (step, next) in &model.next {
            let Next::State(next) = next else { return Err(way(&reached, from, step)) };
            if let Entry::Vacant(entry) = reached.entry(canonical(next)) {
                entry.insert((from, step));
                queue.push_back(*next);
            }
        }
    }
    Ok(reached.len())
}

fn way(reached: &Reached, mut at: u64, last: &'static str) -> Vec<&'static str> {
    let mut way = vec![last];
    while let Some((from, step)) = reached.get(&at).filter(|(_, step)| !step.is_empty()) {
        way.push(step);
        at = *from;
    }
    way.reverse();
    way
}

#[test]
fn no_state_of_the_protocol_is_bad() {
    match explore(Mutant::Protocol) {
        Ok(states) => {
            println!("{states} states");
            assert!(states > 1_000_000, "only {states} states: the model has lost something");
        }
        Err(way) => panic!("a stale permission after {} steps: {way:#?}", way.len()),
    }
}

#[test]
fn every_mutant_has_a_bad_state() {
    for &mutant in MUTANTS {
        match explore(mutant) {
            Ok(states) => panic!("{mutant:?} looks as good as the protocol in all its {states} states"),
            Err(way) => println!("{mutant:?}: {} steps: {}", way.len(), way.join(", ")),
        }
    }
}
