//! People who write at once, keep trying when something is down, and note only what they were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::client::{Answer, Api, Call, Calls, Person, number, text};
use crate::ledger::{Ledger, Told};
use crate::wait;

/// The load ends here, whatever a test forgot.
const MOST_WRITES: u64 = 40_000;
const LONGEST: Duration = Duration::from_secs(150);
/// How long an outage may keep a test waiting for the next acknowledged writes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Each worker keeps about this many tasks to write to.
const HELD: usize = 12;
/// One request in so many is abandoned by its client before the answer is there, and sent again.
const ABANDONED: u32 = 60;

/// Workers writing until `finish`.
pub struct Load {
    people: Vec<Person>,
    told: Arc<AtomicU64>,
    stop: CancellationToken,
    workers: JoinSet<Result<Ledger>>,
}

impl Load {
    /// `people` newcomers with two workers each: two that write for one person contend for that person's row.
    ///
    /// # Errors
    /// Where they cannot register.
    pub async fn start(api: &Api, people: usize) -> Result<Self> {
        let newcomers = join_all((0..people).map(|_| api.newcomer("Europe/Berlin"))).await;
        let people = newcomers.into_iter().collect::<Result<Vec<_>>>()?;
        let told = Arc::new(AtomicU64::new(0));
        let stop = CancellationToken::new();
        let mut workers = JoinSet::new();
        for (number, person) in people.iter().chain(people.iter()).enumerate() {
            let worker = Worker {
                person: person.clone(),
                ledger: Ledger::default(),
                tasks: Vec::new(),
                random: StdRng::seed_from_u64(number as u64),
                told: Arc::clone(&told),
                stop: stop.clone(),
                start: Instant::now(),
            };
            workers.spawn(worker.run());
        }
        Ok(Self {
            people,
            told,
            stop,
            workers,
        })
    }

    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    #[must_use]
    pub fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    /// Waits until so many more writes than now were acknowledged.
    ///
    /// # Errors
    /// Where a worker failed or the limit is reached.
    pub async fn more(&mut self, writes: u64) -> Result<()> {
        let goal = self.told() + writes;
        self.reach(goal).await
    }

    /// Waits until so many writes in all were acknowledged.
    ///
    /// # Errors
    /// Where a worker failed or the limit is reached.
    pub async fn reach(&mut self, goal: u64) -> Result<()> {
        let (told, workers) = (Arc::clone(&self.told), &mut self.workers);
        wait::until(
            &format!("{goal} acknowledged writes"),
            PATIENCE,
            async || {
                let done = told.load(Ordering::Relaxed);
                Ok((done >= goal || workers.len() < 2).then_some(()))
            },
        )
        .await
        .with_context(|| format!("{} were", self.told()))?;
        if let Some(ended) = self.workers.try_join_next() {
            bail!("a worker ended early: {:?}", ended?.err());
        }
        Ok(())
    }

    /// Goes on until `least` writes were acknowledged, stops the workers and returns what they were told.
    ///
    /// # Errors
    /// Where a worker failed or the limit is reached.
    pub async fn finish(mut self, least: u64) -> Result<(Vec<Person>, Ledger)> {
        self.reach(least).await?;
        self.stop.cancel();
        let mut ledger = Ledger::default();
        while let Some(ended) = self.workers.join_next().await {
            ledger.merge(ended??)?;
        }
        ensure!(
            ledger.len() as u64 >= least,
            "only {} of {least} writes were acknowledged",
            ledger.len()
        );
        Ok((std::mem::take(&mut self.people), ledger))
    }
}

/// A task as its writer last saw it.
struct Held {
    id: Uuid,
    version: i64,
    completed: bool,
}

/// One client. It alone writes to its tasks, so what it was told last is what they are.
struct Worker {
    person: Person,
    ledger: Ledger,
    tasks: Vec<Held>,
    random: StdRng,
    told: Arc<AtomicU64>,
    stop: CancellationToken,
    start: Instant,
}

impl Worker {
    async fn run(mut self) -> Result<Ledger> {
        let mut turn = 0_u64;
        while !self.stop.is_cancelled() {
            ensure!(
                self.start.elapsed() < LONGEST,
                "the load is still running after {LONGEST:?}"
            );
            ensure!(
                self.told.load(Ordering::Relaxed) < MOST_WRITES,
                "the load has made {MOST_WRITES} writes"
            );
            turn += 1;
            if self.tasks.len() < HELD || self.random.random_bool(0.3) {
                self.create(turn).await?;
            } else {
                self.change(turn).await?;
            }
        }
        Ok(self.ledger)
    }

    fn note(&mut self, task: Uuid, version: i64, kind: &'static str) -> Result<()> {
        self.told.fetch_add(1, Ordering::Relaxed);
        self.ledger.record(Told {
            user: self.person.id,
            task,
            version,
            kind,
        })
    }

    async fn create(&mut self, turn: u64) -> Result<()> {
        let body = json!({"title": format!("Turn {turn}"), "tags": ["load"], "due": {"date": "2026-03-01"}});
        let Some(answer) = self.keyed("/api/tasks", Some(&body)).await? else {
            return Ok(());
        };
        let task = answer.expect(201)?.json()?;
        let (id, version) = (text(&task, "id")?.parse()?, number(&task, "version")?);
        self.note(id, version, "task.created")?;
        self.tasks.push(Held {
            id,
            version,
            completed: false,
        });
        Ok(())
    }

    async fn change(&mut self, turn: u64) -> Result<()> {
        let place = self.random.random_range(0..self.tasks.len());
        let held = self.tasks.swap_remove(place);
        let path = format!("/api/tasks/{}", held.id);
        let choice = self.random.random_range(0..10);
        let (kind, answer) = if choice == 0 || self.tasks.len() > HELD {
            let call = self.person.delete(&path).if_match(held.version);
            ("task.deleted", once(call).await)
        } else if choice < 5 {
            let body = json!({"title": format!("Turn {turn} again")});
            let call = self.person.patch(&path).if_match(held.version).json(&body);
            ("task.updated", once(call).await)
        } else if held.completed {
            (
                "task.reopened",
                self.keyed(&format!("{path}/reopen"), None).await?,
            )
        } else {
            (
                "task.completed",
                self.keyed(&format!("{path}/complete"), None).await?,
            )
        };
        match answer {
            Some(answer) if answer.status.is_success() => {
                let version = match kind {
                    "task.deleted" => held.version + 1,
                    _ => number(&answer.json()?, "version")?,
                };
                self.note(held.id, version, kind)?;
                if kind != "task.deleted" {
                    let completed =
                        kind == "task.completed" || (kind == "task.updated" && held.completed);
                    self.tasks.push(Held {
                        id: held.id,
                        version,
                        completed,
                    });
                }
                Ok(())
            }
            // An earlier try that got no answer may have been done since this worker last looked.
            Some(answer) if !again(&answer) && answer.status != 412 && answer.status != 404 => {
                bail!(
                    "{kind} was refused: {}",
                    String::from_utf8_lossy(&answer.body)
                )
            }
            _ => self.look_again(held).await,
        }
    }

    /// A write without an answer may have happened: the task is what the API says it is, and nothing was acknowledged.
    async fn look_again(&mut self, held: Held) -> Result<()> {
        while !self.stop.is_cancelled() {
            match once(self.person.get(&format!("/api/tasks/{}", held.id))).await {
                Some(answer) if answer.status == 404 => return Ok(()),
                Some(answer) if answer.status == 200 => {
                    let task = answer.json()?;
                    let completed = task["status"] == "completed";
                    self.tasks.push(Held {
                        id: held.id,
                        version: number(&task, "version")?,
                        completed,
                    });
                    return Ok(());
                }
                Some(answer) if !again(&answer) => {
                    bail!("GET: {}", String::from_utf8_lossy(&answer.body))
                }
                _ => wait::between_tries().await,
            }
        }
        Ok(())
    }

    /// Sends a POST under one idempotency key until it is answered; now and then its client walks away first.
    async fn keyed(&mut self, path: &str, body: Option<&Value>) -> Result<Option<Answer>> {
        let key = Uuid::new_v4().to_string();
        let abandon = self.random.random_ratio(1, ABANDONED);
        let call = || {
            let call = self.person.call(Method::POST, path).key(&key);
            match body {
                Some(body) => call.json(body),
                None => call,
            }
        };
        if abandon {
            let _ = tokio::time::timeout(Duration::from_millis(1), call().send()).await;
        }
        while !self.stop.is_cancelled() {
            match once(call()).await {
                Some(answer) if answer.status == 409 || again(&answer) => {
                    wait::between_tries().await
                }
                Some(answer) => return Ok(Some(answer)),
                None => wait::between_tries().await,
            }
        }
        Ok(None)
    }
}

async fn once(call: Call) -> Option<Answer> {
    call.send().await.ok()
}

/// Answers that say nothing about the request itself: the server, or somebody between, is not well, or too busy.
fn again(answer: &Answer) -> bool {
    answer.status.is_server_error() || answer.status == 429
}
