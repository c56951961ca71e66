//! Simulates users with several devices against a model of the server, step by step and from a seed. Devices go off and on, answers
//! get lost or come late, requests arrive twice, live messages get lost, cursors expire. When all has settled, every device has the
//! server's state, and no edit was lost but those in the conflict log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod device;
mod steps;
mod world;
mod shrink;

use std::time::{Duration, Instant};

use steps::steps;

/// How many seeds a run tries.
const SEEDS: u64 = 300;
/// Steps of a seed, in turn. Much comes together in long runs; in short ones, little hides what went wrong.
const STEPS: [usize; 6] = [20, 50, 100, 200, 500, 1_200];

/// Runs new seeds each time, or the one in `SYNC_SEED`. On failure it prints the seed and the steps that are needed for the failure.
#[test]
fn all_devices_agree_with_the_server_and_no_edit_is_lost() {
    let given = std::env::var("SYNC_SEED").ok();
    let first = match &given {
        Some(seed) => seed.parse().expect("SYNC_SEED is a number"),
        None => std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64,
    };
    let seeds = if given.is_some() { 1 } else { SEEDS };
    let started = Instant::now();
    let mut count = 0;
    for seed in first..first + seeds {
        let all = steps(seed, STEPS[seed as usize % STEPS.len()]);
        count += all.len();
        if let Err(failure) = world::run(&all) {
            let few = shrink::shrink(all, &failure, Duration::from_secs(20));
            let still = world::run(&few).expect_err("the steps that are left fail");
            let list: Vec<String> = few.iter().map(|step| format!("  {step:?}")).collect();
            panic!(
                "SYNC_SEED={seed}: {failure}\n{} steps are enough for: {still}\n{}",
                few.len(),
                list.join("\n")
            );
        }
    }
    let seconds = started.elapsed().as_secs_f32();
    println!("{count} steps from seed {first} in {seconds:.1} s");
}
