//! Load: many clients that write at once, retry during outages, and record only acknowledged writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::{SecondsFormat, TimeDelta, Utc};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::acknowledged::{AcknowledgedWrite, AcknowledgedWrites, AnnouncedOccurrence};
use crate::client::{Api, RequestBuilder, Requests, Response, User, number, text};
use crate::wait;

/// How long a test waits for the next acknowledged writes, an outage included.
const PROGRESS_LIMIT: Duration = Duration::from_secs(60);
/// About how many tasks each worker keeps to write to.
const TASKS_PER_WORKER: usize = 12;
/// One keyed request in so many is cancelled by its client before the response, and then sent again.
const CANCELLED_REQUESTS: u32 = 60;
/// One new task in so many recurs.
const RECURRING_TASKS: u32 = 8;
/// One new task in so many has a reminder, which is due within seconds.
const REMINDED_TASKS: u32 = 8;

/// How fast the workers write, and when they have written too much.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The pause of a worker after each write.
    pub pause: Duration,
    /// The load fails beyond these limits, in case nobody ends it.
    pub max_writes: u64,
    pub max_duration: Duration,
}

impl Default for Pace {
    /// As fast as they can.
    fn default() -> Self {
        Self {
            pause: Duration::ZERO,
            max_writes: 40_000,
            max_duration: Duration::from_secs(150),
        }
    }
}

/// Workers that write until [`Load::finish`].
pub struct Load {
    users: Vec<User>,
    count: Arc<AtomicU64>,
    stop: CancellationToken,
    workers: JoinSet<Result<AcknowledgedWrites>>,
}

impl Load {
    /// Registers this many users and starts two workers for each, which contend for the user's row.
    ///
    /// # Errors
    /// A user cannot register.
    pub async fn start(api: &Api, users: usize) -> Result<Self> {
        Self::with_pace(api, users, Pace::default()).await
    }

    /// As [`Self::start`], with workers that write at this pace.
    ///
    /// # Errors
    /// A user cannot register.
    pub async fn with_pace(api: &Api, users: usize, pace: Pace) -> Result<Self> {
        let newcomers = join_all((0..users).map(|_| api.new_user("Europe/Berlin"))).await;
        let users = newcomers.into_iter().collect::<Result<Vec<_>>>()?;
        let count = Arc::new(AtomicU64::new(0));
        let stop = CancellationToken::new();
        let mut workers = JoinSet::new();
        for (number, user) in users.iter().chain(users.iter()).enumerate() {
            let worker = Worker {
                user: user.clone(),
                acknowledged: AcknowledgedWrites::default(),
                tasks: Vec::new(),
                random: StdRng::seed_from_u64(number as u64),
                count: Arc::clone(&count),
                stop: stop.clone(),
                pace,
                start: Instant::now(),
            };
            workers.spawn(worker.run());
        }
        Ok(Self {
            users,
            count,
            stop,
            workers,
        })
    }

    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// How many writes the API has acknowledged.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Waits until this many more writes are acknowledged.
    ///
    /// # Errors
    /// A worker failed, or the limit is reached.
    pub async fn more(&mut self, writes: u64) -> Result<()> {
        let goal = self.count() + writes;
        self.reach(goal).await
    }

    /// Waits until this many writes are acknowledged in total.
    ///
    /// # Errors
    /// A worker failed, or the limit is reached.
    pub async fn reach(&mut self, goal: u64) -> Result<()> {
        let (count, workers) = (Arc::clone(&self.count), &mut self.workers);
        wait::until(
            &format!("{goal} acknowledged writes"),
            PROGRESS_LIMIT,
            async || {
                let done = count.load(Ordering::Relaxed);
                Ok((done >= goal || workers.len() < 2).then_some(()))
            },
        )
        .await
        .with_context(|| format!("{} are acknowledged", self.count()))?;
        if let Some(ended) = self.workers.try_join_next() {
            bail!("a worker ended early: {:?}", ended?.err());
        }
        Ok(())
    }

    /// Waits until at least `least` writes are acknowledged, stops the workers, and returns the users and all acknowledged
    /// writes.
    ///
    /// # Errors
    /// A worker failed, or the limit is reached.
    pub async fn finish(mut self, least: u64) -> Result<(Vec<User>, AcknowledgedWrites)> {
        self.reach(least).await?;
        self.stop.cancel();
        let mut acknowledged = AcknowledgedWrites::default();
        while let Some(ended) = self.workers.join_next().await {
            acknowledged.merge(ended??)?;
        }
        ensure!(
            acknowledged.len() as u64 >= least,
            "only {} of {least} writes were acknowledged",
            acknowledged.len()
        );
        Ok((std::mem::take(&mut self.users), acknowledged))
    }
}

/// A task as its worker knows it from the last response.
struct KnownTask {
    id: Uuid,
    version: i64,
    completed: bool,
    recurring: bool,
}

/// One client. Nobody else writes to its tasks, so the last response says what state they are in.
struct Worker {
    user: User,
    acknowledged: AcknowledgedWrites,
    tasks: Vec<KnownTask>,
    random: StdRng,
    count: Arc<AtomicU64>,
    stop: CancellationToken,
    pace: Pace,
    start: Instant,
}

impl Worker {
    async fn run(mut self) -> Result<AcknowledgedWrites> {
        let mut turn = 0_u64;
        while !self.stop.is_cancelled() {
            let Pace {
                pause,
                max_writes,
                max_duration,
            } = self.pace;
            ensure!(
                self.start.elapsed() < max_duration,
                "the load is still running after {max_duration:?}"
            );
            ensure!(
                self.count.load(Ordering::Relaxed) < max_writes,
                "the load has made {max_writes} writes and was not ended"
            );
            self.stop.run_until_cancelled(wait::during(pause)).await;
            turn += 1;
            if self.tasks.len() < TASKS_PER_WORKER || self.random.random_bool(0.3) {
                self.create(turn).await?;
            } else {
                self.change(turn).await?;
            }
        }
        Ok(self.acknowledged)
    }

    fn record(&mut self, task: Uuid, version: i64, kind: &'static str) -> Result<()> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.acknowledged.record(AcknowledgedWrite {
            user: self.user.id,
            task,
            version,
            kind,
        })
    }

    async fn create(&mut self, turn: u64) -> Result<()> {
        let mut body = json!({"title": format!("Turn {turn}"), "tags": ["load"], "due": {"date": "2026-03-01"}});
        let recurring = self.random.random_ratio(1, RECURRING_TASKS);
        if recurring {
            body["recurrence"] = json!({"rule": "FREQ=DAILY"});
        }
        if self.random.random_ratio(1, REMINDED_TASKS) {
            let ahead = TimeDelta::milliseconds(self.random.random_range(0..15_000));
            let at = (Utc::now() + ahead).to_rfc3339_opts(SecondsFormat::Micros, true);
            body["reminders"] = json!([{ "at": at }]);
        }
        let Some(response) = self.keyed("/api/tasks", Some(&body)).await? else {
            return Ok(());
        };
        let task = response.expect(201)?.json()?;
        let (id, version) = (text(&task, "id")?.parse()?, number(&task, "version")?);
        self.record(id, version, "task.created")?;
        self.tasks.push(KnownTask {
            id,
            version,
            completed: false,
            recurring,
        });
        Ok(())
    }

    async fn change(&mut self, turn: u64) -> Result<()> {
        let place = self.random.random_range(0..self.tasks.len());
        let known = self.tasks.swap_remove(place);
        let path = format!("/api/tasks/{}", known.id);
        let choice = self.random.random_range(0..10);
        let (kind, response) = if choice == 0 || self.tasks.len() > TASKS_PER_WORKER {
            let request = self.user.delete(&path).if_match(known.version);
            ("task.deleted", once(request).await)
        } else if choice < 5 {
            let body = json!({"title": format!("Turn {turn} again")});
            let request = self.user.patch(&path).if_match(known.version).json(&body);
            ("task.updated", once(request).await)
        } else if known.completed {
            (
                "task.reopened",
                self.keyed(&format!("{path}/reopen"), None).await?,
            )
        } else if known.recurring && choice == 9 {
            (
                "task.skipped",
                self.keyed(&format!("{path}/skip"), None).await?,
            )
        } else {
            (
                "task.completed",
                self.keyed(&format!("{path}/complete"), None).await?,
            )
        };
        match response {
            Some(response) if response.status.is_success() => {
                if kind == "task.deleted" {
                    return self.record(known.id, known.version + 1, kind);
                }
                let task = response.json()?;
                let version = number(&task, "version")?;
                self.record(known.id, version, kind)?;
                if matches!(kind, "task.completed" | "task.skipped") && known.recurring {
                    self.leads_on(&task).await?;
                } else {
                    let completed =
                        kind == "task.completed" || (kind == "task.updated" && known.completed);
                    self.tasks.push(KnownTask {
                        id: known.id,
                        version,
                        completed,
                        ..known
                    });
                }
                Ok(())
            }
            // An earlier attempt without a response may have changed the task since the worker last read it: 412 or 404.
            Some(response)
                if !should_retry(&response) && response.status != 412 && response.status != 404 =>
            {
                bail!(
                    "{kind} was rejected: {}",
                    String::from_utf8_lossy(&response.body)
                )
            }
            _ => self.read_again(known).await,
        }
    }

    /// Keeps what the answer to a completion announced. Now and then the client completes the task once more, which changes nothing. The
    /// worker then leaves the task alone, so that the announcement stands.
    async fn leads_on(&mut self, done: &Value) -> Result<()> {
        self.acknowledged.announce(AnnouncedOccurrence::of(done)?)?;
        if done["status"] != "completed" || self.random.random_bool(0.5) {
            return Ok(());
        }
        let path = format!("/api/tasks/{}/complete", text(done, "id")?);
        if let Some(response) = self.keyed(&path, None).await? {
            let again = response.expect(200)?.json()?;
            ensure!(again == *done, "completed twice: {done}, then {again}");
        }
        Ok(())
    }

    /// Reads a task after a write without a response. The write may have happened, but it was not acknowledged.
    async fn read_again(&mut self, known: KnownTask) -> Result<()> {
        while !self.stop.is_cancelled() {
            match once(self.user.get(&format!("/api/tasks/{}", known.id))).await {
                // The write was a deletion.
                Some(response) if response.status == 410 => return Ok(()),
                Some(response) if response.status == 200 => {
                    let task = response.json()?;
                    // Nobody was told what follows an occurrence that was completed or skipped.
                    if known.recurring && task["status"] != "open" {
                        return Ok(());
                    }
                    let completed = task["status"] == "completed";
                    self.tasks.push(KnownTask {
                        version: number(&task, "version")?,
                        completed,
                        ..known
                    });
                    return Ok(());
                }
                Some(response) if !should_retry(&response) => {
                    bail!("GET: {}", String::from_utf8_lossy(&response.body))
                }
                _ => wait::before_retry().await,
            }
        }
        Ok(())
    }

    /// Sends a POST with one idempotency key until there is a response. Now and then the client cancels the first attempt.
    async fn keyed(&mut self, path: &str, body: Option<&Value>) -> Result<Option<Response>> {
        let key = Uuid::new_v4().to_string();
        let cancel = self.random.random_ratio(1, CANCELLED_REQUESTS);
        let request = || {
            let request = self.user.request(Method::POST, path).key(&key);
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        if cancel {
            let _ = tokio::time::timeout(Duration::from_millis(1), request().send()).await;
        }
        while !self.stop.is_cancelled() {
            match once(request()).await {
                Some(response) if response.status == 409 || should_retry(&response) => {
                    wait::before_retry().await
                }
                Some(response) => return Ok(Some(response)),
                None => wait::before_retry().await,
            }
        }
        Ok(None)
    }
}

async fn once(request: RequestBuilder) -> Option<Response> {
    request.send().await.ok()
}

/// Whether a response says that the server is unavailable or overloaded, and nothing about the request.
fn should_retry(response: &Response) -> bool {
    response.status.is_server_error() || response.status == 429
}
