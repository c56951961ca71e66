//! Random histories: events, answers, losses, lanes, partitions and restarts in any order, and then everything is drained.
//!
//! Each history comes from a seed, so a failure can be repeated: it prints the seed.

mod agents;
mod checks;
mod counts;
mod log;
mod world;

use self::counts::Counts;
use self::world::World;

/// Histories, and random actions in each. All of them take about a second.
const HISTORIES: u64 = 1_000;
const ACTIONS: usize = 400;

#[test]
fn whatever_happens_each_event_is_settled_in_order() {
    let mut total = Counts::default();
    for seed in 0..HISTORIES {
        let failed = PrintSeed(seed);
        let mut world = World::new(seed);
        for _ in 0..ACTIONS {
            world.act();
        }
        world.drain();
        total += world.counts;
        drop(failed);
    }
    // A model in which something never happens proves nothing about it.
    assert!(total.all_happened(), "{total:?}");
}

/// Prints the seed of a history whose check panics.
struct PrintSeed(u64);

impl Drop for PrintSeed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the history of seed {} failed", self.0);
        }
    }
}
