//! Users with several devices each, while everything between them and the server breaks.

use anyhow::{Context, Result};
use tests::devices::{AT_ONCE, STEPS, Stage};
use tests::fixture::Fixture;
use tests::seed::of_test;

/// Names the first seed, to run the seeds of an earlier run again.
const SEED: &str = "DEVICES_SEED";

/// New seeds in each run. `cargo dev devices` runs any number.
pub async fn devices_converge(fixture: &mut Fixture) -> Result<()> {
    let first = of_test(SEED)?;
    fixture.expect_end_of_functions();
    let stage = Stage {
        system: &fixture.system,
        api: &fixture.api,
        database: &fixture.database,
        steps: STEPS,
    };
    let run = stage.run(first..first + AT_ONCE, &|line| println!("{line}"));
    run.await
        .with_context(|| format!("the same steps again: {SEED}={first}"))
}
