//! Supervises the parts of a system as Kubernetes would: reports a part that dies and starts it again, unless it was stopped on
//! purpose.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use nix::sys::signal::Signal;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::child::{Child, Process};
use crate::progress;
use crate::services::{Kafka, Postgres, Redis};

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A part that has run this long counts as recovered, so its next restart waits for the shortest pause again.
const RECOVERED: Duration = Duration::from_secs(10);

/// A part of a system that runs as one child process and can be restarted.
#[async_trait]
pub trait Part: Send + Sync {
    fn process(&self) -> &Process;
    /// Starts it again. The previous process must have ended.
    async fn launch(&self) -> Result<()>;
    /// Waits until it is ready to work.
    async fn ready(&self) -> Result<()> {
        Ok(())
    }
    async fn stop(&self);
    async fn kill(&self) {
        self.process().kill().await;
    }
}

/// A part and the task that supervises it.
pub struct Supervised {
    part: Arc<dyn Part>,
    /// Whether the part is meant to run. The supervisor restarts it only then.
    should_run: watch::Sender<bool>,
    starting: Arc<Mutex<()>>,
    supervisor: JoinHandle<()>,
}

impl Supervised {
    /// Begins to supervise a part that is running already.
    pub fn new(part: Arc<dyn Part>) -> Self {
        let should_run = watch::Sender::new(true);
        let starting = Arc::new(Mutex::new(()));
        let supervisor = tokio::spawn(watch_over(
            part.clone(),
            should_run.subscribe(),
            starting.clone(),
        ));
        Self {
            part,
            should_run,
            starting,
            supervisor,
        }
    }

    pub fn name(&self) -> &str {
        self.part.process().name()
    }

    pub fn log(&self) -> &Path {
        self.part.process().log()
    }

    pub fn is_running(&self) -> bool {
        self.part
            .process()
            .child()
            .is_some_and(|child| child.is_running())
    }

    /// The process id of the last start.
    pub fn pid(&self) -> Option<i32> {
        self.part.process().child().map(|child| child.pid())
    }

    /// The process id, if the part is running now.
    pub fn running_pid(&self) -> Result<i32> {
        let pid = self.pid().filter(|_| self.is_running());
        pid.with_context(|| format!("{} is not running", self.name()))
    }

    /// Sends a signal. If the part ends because of it, the supervisor starts it again.
    pub fn signal(&self, signal: Signal) {
        if let Some(child) = self.part.process().child() {
            child.signal(signal);
        }
    }

    /// Stops all its processes with SIGSTOP until the returned value is dropped.
    pub fn pause(&self) -> Paused {
        let child = self.part.process().child();
        if let Some(child) = &child {
            child.signal_all(Signal::SIGSTOP);
        }
        Paused(child)
    }

    /// Sends SIGKILL. The part stays down until `start`.
    pub async fn kill9(&self) {
        self.should_run.send_replace(false);
        loop {
            self.part.kill().await;
            // A restart that is in progress fails now, because its child is gone. After that nothing starts another child.
            let turn = tokio::time::timeout(Duration::from_millis(50), self.starting.lock());
            if let Ok(_turn) = turn.await {
                self.part.kill().await;
                return;
            }
        }
    }

    /// Sends SIGTERM, as a deployment does. The part stays down until `start`.
    pub async fn terminate(&self) {
        self.should_run.send_replace(false);
        let _turn = self.starting.lock().await;
        self.part.stop().await;
    }

    /// Starts it again and waits until it is ready to work.
    pub async fn start(&self) -> Result<()> {
        self.launch().await?;
        self.ready().await
    }

    /// Starts it again. Unlike a server, one of Spindle's own programs may not be ready to work yet.
    pub async fn launch(&self) -> Result<()> {
        let _turn = self.starting.lock().await;
        if !self.is_running() {
            self.part.launch().await?;
        }
        self.should_run.send_replace(true);
        Ok(())
    }

    pub async fn restart(&self) -> Result<()> {
        self.terminate().await;
        self.start().await
    }

    /// Waits until it is ready to work.
    pub async fn ready(&self) -> Result<()> {
        self.part.ready().await
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.supervisor.abort();
        self.signal(Signal::SIGKILL);
    }
}

/// A part whose processes are stopped. Dropping it lets them go on.
#[must_use = "the part goes on when this is dropped"]
pub struct Paused(Option<Arc<Child>>);

impl Drop for Paused {
    fn drop(&mut self) {
        if let Some(child) = &self.0 {
            child.signal_all(Signal::SIGCONT);
        }
    }
}

async fn watch_over(
    part: Arc<dyn Part>,
    mut should_run: watch::Receiver<bool>,
    starting: Arc<Mutex<()>>,
) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        if should_run.wait_for(|should_run| *should_run).await.is_err() {
            return;
        }
        let started = Instant::now();
        if let Some(child) = part.process().child() {
            let status = child.exited().await;
            if *should_run.borrow() {
                progress::warn(format!("{:#}", child.failed(&format!("ended ({status})"))));
            }
        }
        if started.elapsed() > RECOVERED {
            pause = SHORTEST_PAUSE;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        let _turn = starting.lock().await;
        let runs = part
            .process()
            .child()
            .is_some_and(|child| child.is_running());
        if *should_run.borrow() && !runs {
            progress::step(format!("starting {} again", part.process().name()));
            if let Err(error) = part.launch().await {
                progress::warn(format!("{error:#}"));
            }
        }
    }
}

/// Each server has its own ways to start, stop and kill it.
macro_rules! server {
    ($($server:ident),+) => {$(
        #[async_trait]
        impl Part for $server {
            fn process(&self) -> &Process {
                self.process()
            }
            async fn launch(&self) -> Result<()> {
                self.launch().await
            }
            async fn stop(&self) {
                self.stop().await;
            }
            async fn kill(&self) {
                self.kill().await;
            }
        }
    )+};
}

server!(Postgres, Redis, Kafka);

/// One of Spindle's own programs with an HTTP endpoint that tells whether it is ready: a bridge, or the function host.
pub struct Program {
    process: Process,
    ready_url: String,
    grace: Duration,
}

impl Program {
    /// A program that is not started yet. `ready_url` answers with a success once the program is ready; `grace` is how long it
    /// may take to stop.
    pub fn new(process: Process, ready_url: String, grace: Duration) -> Self {
        Self {
            process,
            ready_url,
            grace,
        }
    }

    fn current(&self) -> Result<Arc<Child>> {
        self.process
            .child()
            .with_context(|| format!("{} was never started", self.process.name()))
    }
}

#[async_trait]
impl Part for Program {
    fn process(&self) -> &Process {
        &self.process
    }

    async fn launch(&self) -> Result<()> {
        self.process.launch().map(|_| ())
    }

    async fn ready(&self) -> Result<()> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let probe = || async {
            let answer = client.get(&self.ready_url).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        };
        self.current()?.ready(Duration::from_secs(60), probe).await
    }

    async fn stop(&self) {
        self.process.stop(Signal::SIGTERM, self.grace).await;
    }
}
