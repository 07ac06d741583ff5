//! A runtime for each core, of one thread each: what a connection asks is worked on where the connection is, and goes
//! to other processes over connections of the same core. No thread wakes another or takes over its work, which costs
//! more than a small request itself.
//!
//! Nothing moves from a core to another one that has less to do, so this is for many connections that ask for little.
//! Who calls none of this has one runtime, whose threads share all work ([`Cores::shared`]).

use std::cell::Cell;
use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How often a core that has connections looks at its timers. Less than requests and their calls wait for anything.
const BEAT: Duration = Duration::from_millis(100);

thread_local! {
    static CORE: Cell<usize> = const { Cell::new(0) };
}

/// The number of the core that this is called on. Threads that are none count as the first.
pub fn here() -> usize {
    CORE.get()
}

/// The cores that share some work. Cheap to clone; their threads end with the last one.
#[derive(Clone, Debug)]
pub struct Cores(Arc<Running>);

#[derive(Debug)]
struct Running {
    /// None where all work is that of one runtime.
    cores: Vec<Core>,
    _stop: DropGuard,
}

#[derive(Debug)]
struct Core {
    runtime: Handle,
    connections: Arc<Connections>,
}

/// The connections that a core has.
#[derive(Debug, Default)]
struct Connections {
    count: AtomicUsize,
    /// Told when there is one more.
    more: Notify,
}

impl Connections {
    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Keeps a timer that ends soon while there are connections. tokio wakes a runtime up, which is a call of the system
    /// and a round in vain, for each timer that ends before all others that it had when it last waited; without this one
    /// those of nearly every request do, though it takes them back long before they end.
    async fn beat(&self) {
        loop {
            if self.count() == 0 {
                self.more.notified().await;
            }
            sleep(BEAT).await;
        }
    }
}

impl Cores {
    /// None: all is done by the runtime that one is called in.
    pub fn shared() -> Cores {
        Cores(Arc::new(Running { cores: Vec::new(), _stop: CancellationToken::new().drop_guard() }))
    }

    /// Starts so many.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub fn start(count: NonZero<usize>) -> io::Result<Cores> {
        let stop = CancellationToken::new();
        let running = stop.clone().drop_guard();
        let core = |number| {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let (handle, stop) = (runtime.handle().clone(), stop.clone());
            let connections = Arc::<Connections>::default();
            let has = connections.clone();
            thread::Builder::new().name(format!("core-{number}")).spawn(move || {
                CORE.set(number);
                runtime.block_on(stop.run_until_cancelled(has.beat()));
            })?;
            Ok(Core { runtime: handle, connections })
        };
        let cores = (0..count.get()).map(core).collect::<io::Result<_>>()?;
        Ok(Cores(Arc::new(Running { cores, _stop: running })))
    }

    /// One of these for each core, made in its runtime.
    pub fn each<T>(&self, mut make: impl FnMut() -> T) -> PerCore<T> {
        let made = self.0.cores.iter().map(|core| {
            let _entered = core.runtime.enter();
            make()
        });
        let made: Vec<T> = made.collect();
        PerCore(if made.is_empty() { vec![make()] } else { made })
    }

    /// A place for a connection, on the core that has the fewest. `None` where all is one runtime's.
    pub(crate) fn place(&self) -> Option<Place> {
        let has = |core: &&Core| core.connections.count();
        self.0.cores.iter().min_by_key(has).map(Place::on)
    }
}

/// The place of a connection on a core, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    runtime: Handle,
    connections: Arc<Connections>,
}

impl Place {
    fn on(core: &Core) -> Place {
        core.connections.count.fetch_add(1, Ordering::Relaxed);
        core.connections.more.notify_one();
        Place { runtime: core.runtime.clone(), connections: core.connections.clone() }
    }

    /// The runtime of the core.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What each core has of its own.
#[derive(Debug)]
pub struct PerCore<T>(Vec<T>);

impl<T> PerCore<T> {
    /// That of the core that this is called on.
    pub fn here(&self) -> &T {
        self.of(here())
    }

    /// That of the core with this number.
    pub fn of(&self, core: usize) -> &T {
        // There is at least one.
        self.0.get(core).unwrap_or(&self.0[0])
    }

    /// That of every core.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// The threads that these places are on.
    fn threads(places: &[Place]) -> Vec<String> {
        let name = |place: &Place| {
            let (tell, told) = mpsc::channel();
            place.runtime().spawn(async move { tell.send(thread::current().name().map(str::to_owned)) });
            told.recv().unwrap().unwrap()
        };
        places.iter().map(name).collect()
    }

    #[test]
    fn connections_go_where_the_fewest_are() {
        let cores = Cores::start(NonZero::new(2).unwrap()).unwrap();
        let mut places: Vec<_> = (0..4).map(|_| cores.place().unwrap()).collect();
        assert_eq!(threads(&places), ["core-0", "core-1", "core-0", "core-1"]);
        places.remove(1);
        places.remove(2);
        let more = [0; 3].map(|_| cores.place().unwrap());
        assert_eq!(threads(&more), ["core-1", "core-1", "core-0"]);
    }

    #[test]
    fn each_core_has_its_own() {
        let cores = Cores::start(NonZero::new(3).unwrap()).unwrap();
        let mut next = 0;
        let numbers = Arc::new(cores.each(|| {
            next += 1;
            next
        }));
        for expected in 1..=3 {
            let (numbers, (tell, told)) = (numbers.clone(), mpsc::channel());
            let place = cores.place().unwrap();
            place.runtime().spawn(async move { tell.send(*numbers.here()) });
            assert_eq!(told.recv().unwrap(), expected);
            std::mem::forget(place);
        }
        assert_eq!(*numbers.here(), 1, "a thread that is no core");
        assert!(Cores::shared().place().is_none());
        assert_eq!(*Cores::shared().each(|| 7).here(), 7);
    }

    #[test]
    fn the_threads_end_with_the_last_who_uses_them() {
        let cores = Cores::start(NonZero::new(1).unwrap()).unwrap();
        let (ended, end) = mpsc::channel::<()>();
        cores.place().unwrap().runtime().spawn(async move {
            std::future::pending::<()>().await;
            drop(ended);
        });
        drop(cores);
        assert_eq!(end.recv(), Err(mpsc::RecvError), "what it ran is dropped");
    }
}
