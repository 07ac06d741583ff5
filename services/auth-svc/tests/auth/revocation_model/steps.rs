//! The steps of the model. Each takes one party one step further; every order of them is possible.

use super::Mutant;
use super::state::{Answer, BARRIER, Cache, Change, DEAD, LEASE, Phase, Poll, Request, START, State, Sweep};

/// What a step leads to.
pub(super) enum Next {
    State(State),
    /// A request that began after the answer was let through by what was before.
    Bad,
}

pub(super) struct Model {
    pub(super) mutant: Mutant,
    pub(super) next: Vec<(&'static str, Next)>,
}

impl Model {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == mutant
    }

    fn to(&mut self, step: &'static str, state: State) {
        self.next.push((step, Next::State(state)));
    }

    pub(super) fn steps(&mut self, s: &State) {
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
