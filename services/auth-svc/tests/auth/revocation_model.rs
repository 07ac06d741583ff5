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

mod state;
mod steps;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use state::{START, canonical};
use steps::{Model, Next};

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
