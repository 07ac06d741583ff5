//! Edges in front of a model of the services behind, request by request.

use super::*;
use svc_core::clock::{ManualClock, Timestamp};

const STEP: Duration = Duration::from_millis(5);
/// How many the services behind work on at once; more make all of them slower.
const AT_ONCE: f64 = 32.0;

/// An edge and its one route.
struct Edge {
    admission: Admission,
    baseline: Baseline,
}

impl Edge {
    fn new(clock: &ManualClock) -> Edge {
        let admission = Admission::new(1_000, Arc::new(clock.clone()), &Metrics::new());
        Edge { admission, baseline: Baseline::default() }
    }
}

/// What happens there.
struct Running<'e> {
    edge: &'e Edge,
    limit: Limit,
    /// With the work that is left.
    requests: Vec<(Admitted<'e>, Duration)>,
    answered: u64,
    shed: u64,
}

struct World<'e> {
    edges: Vec<Running<'e>>,
    clock: ManualClock,
    steps: u32,
}

impl<'e> World<'e> {
    fn new(edges: &'e [Edge], clock: &ManualClock) -> World<'e> {
        let running =
            |edge| Running { edge, limit: Limit::new(1_000), requests: Vec::new(), answered: 0, shed: 0 };
        World { edges: edges.iter().map(running).collect(), clock: clock.clone(), steps: 0 }
    }

    /// At each edge so many clients ask, again as soon as they were answered or refused.
    fn run(&mut self, time: Duration, clients: usize, alone: Duration) {
        for _ in 0..time.as_millis() / STEP.as_millis() {
            for running in &mut self.edges {
                while running.requests.len() < clients {
                    match running.edge.admission.enter(Priority::Proven, &running.edge.baseline, false) {
                        Ok(mut admitted) => {
                            admitted.resume();
                            running.requests.push((admitted, alone));
                        }
                        Err(_) => {
                            running.shed += 1;
                            break;
                        }
                    }
                }
            }
            self.clock.advance(STEP);
            let total: usize = self.edges.iter().map(|running| running.requests.len()).sum();
            let done = STEP.mul_f64((AT_ONCE / total as f64).min(1.0));
            for running in &mut self.edges {
                running.requests.retain_mut(|(admitted, left)| {
                    *left = left.saturating_sub(done);
                    if left.is_zero() {
                        running.answered += 1;
                        admitted.answered();
                    }
                    !left.is_zero()
                });
            }
            self.steps += 1;
            if self.steps.is_multiple_of(TICK.div_duration_f64(STEP) as u32) {
                for running in &mut self.edges {
                    running.edge.admission.tick(&mut running.limit);
                }
            }
        }
    }

    fn shed(&self) -> u64 {
        self.edges.iter().map(|running| running.shed).sum()
    }

    fn limit(&self) -> usize {
        self.edges.iter().map(|running| running.limit.now()).sum()
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

#[test]
fn what_takes_long_by_nature_is_no_overload() {
    let clock = ManualClock::at(Timestamp(1_800_000_000_000_000));
    let edges = [Edge::new(&clock)];
    let mut world = World::new(&edges, &clock);
    // A night of pages of one, a morning of pages of a hundred.
    world.run(10 * SECOND, 1, 5 * MS);
    world.run(60 * SECOND, 10, 60 * MS);
    assert_eq!((world.shed(), world.limit()), (0, 512));
}

#[test]
fn a_route_that_takes_long_keeps_its_baseline_under_overload() {
    let clock = ManualClock::at(Timestamp(1_800_000_000_000_000));
    for count in [1, 2] {
        let edges: Vec<Edge> = (0..count).map(|_| Edge::new(&clock)).collect();
        let mut world = World::new(&edges, &clock);
        world.run(10 * SECOND, 1, 200 * MS);
        // Once it has found the bound.
        world.run(60 * SECOND, 300, 200 * MS);
        for minute in 0..4 {
            world.edges.iter_mut().for_each(|running| running.answered = 0);
            world.run(60 * SECOND, 300, 200 * MS);
            let answered: u64 = world.edges.iter().map(|running| running.answered).sum();
            let baselines: Vec<Duration> = edges.iter().map(|edge| edge.baseline.known()).collect();
            let what = format!("{count}, {minute}: {answered}, {}, {baselines:?}", world.limit());
            assert!(baselines.iter().all(|known| (190 * MS..=220 * MS).contains(known)), "{what}");
            // Of 9,600 that could be.
            assert!(answered >= 6_000, "{what}");
        }
    }
}
