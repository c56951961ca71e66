//! The running systems that tests share, one for each log. A system that a failed test has touched is thrown away.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use libtest_mimic::Trial;
use tokio::runtime::Runtime;

pub use crate::world::{Log, World};

/// How soon a write is on the trail while nothing is broken.
pub const SOON: Duration = Duration::from_secs(15);
/// No test runs longer, whatever it waits for.
const LONGEST: Duration = Duration::from_secs(240);

/// Runs tests, one at a time, on the system of their log.
#[derive(Clone)]
pub struct Stage {
    runtime: Arc<Runtime>,
    worlds: Arc<Mutex<Vec<World>>>,
}

impl Stage {
    /// # Errors
    /// Where no runtime starts.
    pub fn new() -> Result<Self> {
        Ok(Self {
            runtime: Arc::new(Runtime::new()?),
            worlds: Arc::default(),
        })
    }

    /// A test on the system of `log`, which is started where none is running.
    pub fn trial<F>(&self, log: Log, name: &str, test: F) -> Trial
    where
        F: AsyncFn(&mut World) -> Result<()> + Send + 'static,
    {
        let stage = self.clone();
        let name = format!("{log:?}::{name}").to_lowercase();
        Trial::test(name, move || {
            stage
                .run(log, test)
                .map_err(|error| format!("{error:#}").into())
        })
    }

    /// Stops everything; a static would be left behind by the usual harness.
    pub fn clear(&self) {
        let _inside = self.runtime.enter();
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<World>> {
        self.worlds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run<F>(&self, log: Log, test: F) -> Result<()>
    where
        F: AsyncFn(&mut World) -> Result<()>,
    {
        // Out of the map while the test runs: after a failure, or a panic, it is dropped and not put back.
        let kept = {
            let mut worlds = self.lock();
            let place = worlds.iter().position(|world| world.log() == log);
            place.map(|place| worlds.swap_remove(place))
        };
        let world = self.runtime.block_on(async {
            let mut world = match kept {
                Some(world) => world,
                None => World::start(log).await.context("the system starts")?,
            };
            world.begin().await?;
            let judged = tokio::time::timeout(LONGEST, async {
                test(&mut world).await?;
                world.judge().await
            });
            match judged
                .await
                .with_context(|| format!("still running after {LONGEST:?}"))
                .flatten()
            {
                Ok(()) => Ok(world),
                Err(error) => Err(anyhow!("{error:#}\n{}", world.last_words())),
            }
        })?;
        self.lock().push(world);
        Ok(())
    }
}
