//! Runs tests on running systems: one system for each log carries all tests of that log, because starting one takes seconds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use libtest_mimic::Trial;
use tokio::runtime::Runtime;

use crate::fixture::{Fixture, LogKind};

/// The time limit of one test, whatever it waits for.
const TEST_LIMIT: Duration = Duration::from_secs(240);
/// How many of the slowest tests the summary names.
const SLOWEST: usize = 10;

/// The running systems, for tests to take and put back.
#[derive(Clone)]
pub struct Runner {
    runtime: Arc<Runtime>,
    idle: Arc<Mutex<Vec<Fixture>>>,
    /// Duration and name of each test that has run. The start of a system counts as part of the test that needed it.
    durations: Arc<Mutex<Vec<(Duration, String)>>>,
}

impl Runner {
    /// # Errors
    /// The async runtime does not start.
    pub fn new() -> Result<Self> {
        Ok(Self {
            runtime: Arc::new(Runtime::new()?),
            idle: Arc::default(),
            durations: Arc::default(),
        })
    }

    /// A test on a system with this log, called `log::name`. The system is started when there is none yet.
    pub fn trial<F>(&self, log: LogKind, name: &str, test: F) -> Trial
    where
        F: AsyncFn(&mut Fixture) -> Result<()> + Send + 'static,
    {
        let runner = self.clone();
        let name = format!("{log:?}::{name}").to_lowercase();
        Trial::test(name.clone(), move || {
            let start = Instant::now();
            let result = runner.run(log, test);
            locked(&runner.durations).push((start.elapsed(), name));
            result.map_err(|error| format!("{error:#}").into())
        })
    }

    /// A line for each of the slowest tests.
    #[must_use]
    pub fn slowest(&self) -> String {
        let mut durations = locked(&self.durations).clone();
        durations.sort_by(|one, other| other.cmp(one));
        let lines = durations.iter().take(SLOWEST);
        lines
            .map(|(duration, name)| format!("{:6.1} s  {name}\n", duration.as_secs_f64()))
            .collect()
    }

    /// Stops the systems. The program calls this at its end, because statics are never dropped.
    pub fn stop_systems(&self) {
        let _inside = self.runtime.enter();
        locked(&self.idle).clear();
    }

    fn run<F>(&self, log: LogKind, test: F) -> Result<()>
    where
        F: AsyncFn(&mut Fixture) -> Result<()>,
    {
        // A test owns the fixture while it runs. After a failure or a panic the fixture is dropped, not put back, so the next
        // test starts on a new system.
        let idle = {
            let mut idle = locked(&self.idle);
            let place = idle.iter().position(|fixture| fixture.log() == log);
            place.map(|place| idle.swap_remove(place))
        };
        let fixture = self.runtime.block_on(async {
            let mut fixture = match idle {
                Some(fixture) => fixture,
                None => Fixture::start(log).await.context("the system starts")?,
            };
            fixture.begin_test()?;
            let result = tokio::time::timeout(TEST_LIMIT, async {
                test(&mut fixture).await?;
                fixture.end_test().await
            });
            match result
                .await
                .with_context(|| format!("still running after {TEST_LIMIT:?}"))
                .flatten()
            {
                Ok(()) => Ok(fixture),
                // The error comes last, in a paragraph of its own: `cargo dev test` shows it again at its end.
                Err(error) => Err(anyhow!("{}\n\n{error:#}", fixture.log_tails())),
            }
        })?;
        locked(&self.idle).push(fixture);
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
