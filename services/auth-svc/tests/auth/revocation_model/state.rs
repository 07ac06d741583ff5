//! What a state of the model is, and as a number.

/// What a lease lasts, in ticks of time. The protocol says 0.8 L; all of L leaves no slack.
pub(super) const LEASE: u8 = 3;
/// What a change waits for: L.
pub(super) const BARRIER: u8 = 3;
/// When a row is dead: 2 L.
pub(super) const DEAD: u8 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cache {
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
pub(super) enum Poll {
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
pub(super) enum Answer {
    NothingNew,
    Changed,
    NoRow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
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
pub(super) enum Phase {
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
pub(super) struct Request {
    pub(super) phase: Phase,
    /// Began after the change had answered.
    pub(super) after: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sweep {
    pub(super) age: u8,
    /// The row has not been written since.
    pub(super) same: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) changed: bool,
    /// The row of the replica, and whether it says that it has seen the change.
    pub(super) row: Option<bool>,
    /// A poll that was given up and may still be carried out, and what it says.
    pub(super) ghost: Option<bool>,
    pub(super) applied: bool,
    /// What is left of the lease.
    pub(super) lease: u8,
    pub(super) cache: Cache,
    pub(super) poll: Poll,
    pub(super) change: Change,
    pub(super) sweep: Option<Sweep>,
    pub(super) requests: [Request; 2],
}

pub(super) const START: State = State {
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
pub(super) fn canonical(s: &State) -> u64 {
    let mut mirror = *s;
    mirror.requests.swap(0, 1);
    if let Cache::Loading(i) = &mut mirror.cache {
        *i = 1 - *i;
    }
    code(s).min(code(&mirror))
}
