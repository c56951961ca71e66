//! Runs the jobs that the API starts: changes of more tasks than one statement can make. Each step is one statement with its events,
//! so a crash loses and repeats nothing. Several bridges share the jobs.
//!
//! After each step, jobs pause for three times as long as the step took. So they use at most a quarter of one processor of the database.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Secret;
use crate::metrics::Metrics;
use crate::postgres::Session;

/// How many tasks a step changes. The user's other writes wait for a step.
const STEP: i64 = 500;
/// How many times longer than a step the pause after it is.
const PAUSE_FACTOR: u32 = 3;
/// Pause when no job is due, and after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// The part of a bridge that runs jobs.
pub struct Jobs {
    pub url: Secret,
    pub metrics: Metrics,
    pub stop: CancellationToken,
}

impl Jobs {
    /// Runs steps until `stop` is cancelled.
    pub async fn run(self) {
        let mut session = None;
        while !self.stop.is_cancelled() {
            let began = Instant::now();
            let step = self.stop.run_until_cancelled(self.step(&mut session));
            let pause = match step.await {
                None => return,
                Some(Ok(true)) => began.elapsed() * PAUSE_FACTOR,
                Some(Ok(false)) => PAUSE,
                Some(Err(error)) => {
                    session = None;
                    warn!(error = format!("{error:#}"), "running a job failed");
                    PAUSE
                }
            };
            self.stop.run_until_cancelled(sleep(pause)).await;
        }
    }

    /// Runs one step; false if no job is due. Opens the session if there is none.
    ///
    /// # Errors
    /// When Postgres fails. A failure of the step itself is kept with the job and logged.
    pub async fn step(&self, session: &mut Option<Session>) -> anyhow::Result<bool> {
        let session = match session {
            Some(session) => session,
            None => session.insert(Session::open(&self.url, "bridge jobs").await?),
        };
        let row = session
            .query_one(include_str!("jobs/run_job.sql"), &[&STEP])
            .await?;
        let Some(job) = row.get::<_, Option<&str>>(0) else {
            return Ok(false);
        };
        let kind: &str = row.get(1);
        let error: Option<&str> = row.get(3);
        if let Some(error) = error {
            self.metrics.job_failures.inc();
            warn!(
                job.id = job,
                job.kind = kind,
                error,
                "a step of a job failed; it is repeated later"
            );
        } else if row.get(2) {
            info!(job.id = job, job.kind = kind, "a job has ended");
        }
        Ok(true)
    }
}
