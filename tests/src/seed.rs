//! Seeds: the numbers that random choices follow from. What a run prints leads to the same choices again.

use std::process::ExitCode;

use anyhow::{Context, Result};
use stage::progress;
use stage::stop::Stop;

/// A seed that no earlier run is likely to have had.
#[must_use]
pub fn fresh() -> u32 {
    rand::random()
}

/// The seed of a test: the one that this environment variable names, or a fresh one. It says how to have the same again.
///
/// # Errors
/// The variable is not a number.
pub fn of_test(variable: &str) -> Result<u64> {
    let seed = match std::env::var(variable) {
        Ok(seed) => seed.parse().with_context(|| variable.to_owned())?,
        Err(_) => fresh().into(),
    };
    println!("to have the same again: {variable}={seed}");
    Ok(seed)
}

/// Runs what a program does unless it is stopped, and prints the verdict. `command` is the one that does the same again.
///
/// # Errors
/// Signals cannot be received.
pub async fn judged(command: &str, run: impl Future<Output = Result<()>>) -> Result<ExitCode> {
    println!("{command}");
    let mut stop = Stop::new()?;
    let verdict = tokio::select! {
        verdict = run => verdict,
        () = stop.requested() => {
            progress::warn("stopped");
            return Ok(ExitCode::FAILURE);
        }
    };
    match verdict {
        Ok(()) => {
            println!("passed: {command}");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("FAILED: {error:#}\nthe same again: {command}");
            Ok(ExitCode::FAILURE)
        }
    }
}
