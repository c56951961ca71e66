//! Child processes: each has its own process group and a log file, and ends when this process ends. When it has ended, what is left
//! of its group is killed.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tokio::sync::watch;
use tokio::time::Instant;

type Spawned = std::io::Result<std::process::Child>;
type Job = (Command, mpsc::Sender<Spawned>);

/// One child process.
#[derive(Debug)]
pub struct Child {
    name: String,
    group: Pid,
    log: PathBuf,
    log_from: u64,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Child {
    /// Starts the program and appends its output to `log`.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let file = open_log(log)?;
        let log_from = file.metadata()?.len();
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0);
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = spawn_on_own_thread(command)
            .with_context(|| format!("starting {name} ({program}); is it installed?"))?;
        let group = Pid::from_raw(i32::try_from(child.id())?);
        let (set, exit) = watch::channel(None);
        std::thread::spawn(move || {
            let status = child.wait().unwrap_or(ExitStatus::from_raw(-1));
            end_group(group);
            set.send_replace(Some(status));
        });
        Ok(Self {
            name: name.to_owned(),
            group,
            log: log.to_owned(),
            log_from,
            exit,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn pid(&self) -> i32 {
        self.group.as_raw()
    }

    pub fn status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    pub fn is_running(&self) -> bool {
        self.status().is_none()
    }

    /// Sends a signal to the process group, if the process is still running.
    pub fn signal(&self, signal: Signal) {
        if self.is_running() {
            let _ = signal::killpg(self.group, signal);
        }
    }

    /// Sends a signal to the process group and to the children of the process, which may have groups of their own, as those of
    /// Postgres have.
    pub fn signal_all(&self, signal: Signal) {
        // A process that is killed has no children afterwards, and one that is not stopped yet may start another.
        let mut children = children_of(self.group);
        self.signal(signal);
        children.extend(children_of(self.group));
        children.sort_unstable();
        children.dedup();
        for child in children {
            let _ = signal::kill(child, signal);
        }
    }

    /// Waits until the process has exited and no other process of its group is left.
    pub async fn exited(&self) -> ExitStatus {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or_default(),
            Err(_) => ExitStatus::default(),
        }
    }

    /// Sends SIGKILL and waits until the process has ended.
    pub async fn kill(&self) {
        self.signal(Signal::SIGKILL);
        self.exited().await;
    }

    /// Sends `signal`, and SIGKILL if the process has not ended within `limit`.
    pub async fn stop(&self, signal: Signal, limit: Duration) {
        self.signal(signal);
        if tokio::time::timeout(limit, self.exited()).await.is_err() {
            self.kill().await;
        }
    }

    /// The output of the process since it was started.
    pub fn output(&self) -> String {
        let mut text = Vec::new();
        if let Ok(mut file) = File::open(&self.log) {
            let _ = file.seek(SeekFrom::Start(self.log_from));
            let _ = file.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// An error that names the process and what happened to it, with the last lines of its log.
    pub fn failed(&self, what: &str) -> anyhow::Error {
        let output = self.output();
        let lines: Vec<String> = output.lines().map(shortened).collect();
        let end = lines.get(lines.len().saturating_sub(15)..).unwrap_or(&[]);
        anyhow!(
            "{} {what}; the end of {}:\n    {}",
            self.name,
            self.log.display(),
            end.join("\n    ")
        )
    }

    /// Calls `probe` until it returns true. Returns an error with the end of the log if the process ends first, or after `limit`.
    pub async fn ready<F>(&self, limit: Duration, mut probe: impl FnMut() -> F) -> Result<()>
    where
        F: Future<Output = bool>,
    {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.status() {
                return Err(self.failed(&format!("ended before it was ready ({status})")));
            }
            if matches!(
                tokio::time::timeout(Duration::from_secs(2), probe()).await,
                Ok(true)
            ) {
                return Ok(());
            }
            if Instant::now() >= until {
                let seconds = limit.as_secs();
                return Err(self.failed(&format!("was not ready within {seconds} s")));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// A program that can be restarted with the same command and the same log.
pub struct Process {
    name: String,
    log: PathBuf,
    command: Box<dyn Fn() -> Command + Send + Sync>,
    child: Mutex<Option<Arc<Child>>>,
}

impl Process {
    pub fn new(
        name: impl Into<String>,
        log: impl Into<PathBuf>,
        command: impl Fn() -> Command + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            log: log.into(),
            command: Box::new(command),
            child: Mutex::new(None),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Starts the program. The previous process must have ended.
    pub fn launch(&self) -> Result<Arc<Child>> {
        let mut slot = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_some_and(|child| child.is_running()) {
            bail!("{} is already running", self.name);
        }
        let child = Arc::new(Child::spawn(&self.name, (self.command)(), &self.log)?);
        *slot = Some(child.clone());
        Ok(child)
    }

    /// The process of the last launch.
    pub fn child(&self) -> Option<Arc<Child>> {
        self.child
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Sends SIGKILL and waits until the process has ended.
    pub async fn kill(&self) {
        if let Some(child) = self.child() {
            child.kill().await;
        }
    }

    /// Sends `signal`, and SIGKILL if the process has not ended within `limit`.
    pub async fn stop(&self, signal: Signal, limit: Duration) {
        if let Some(child) = self.child() {
            child.stop(signal, limit).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = self.child() {
            child.signal(Signal::SIGKILL);
        }
    }
}

/// Kills what is left of the group of a process that has ended. The triggers of the spin CLI are such processes: they outlive it when
/// it is killed, and keep their port, so that it cannot be started again.
fn end_group(group: Pid) {
    const LIMIT: Duration = Duration::from_secs(5);
    if signal::killpg(group, Signal::SIGKILL).is_err() {
        // There is no such group any more, as usual.
        return;
    }
    let until = Instant::now() + LIMIT;
    // An error means that the last process has ended.
    while signal::killpg(group, None).is_ok() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The child processes of a process; empty on systems without /proc.
fn children_of(process: Pid) -> Vec<Pid> {
    std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .map(Pid::from_raw)
        .collect()
}

/// The beginning of a long line, such as one with a stack trace.
fn shortened(line: &str) -> String {
    const LENGTH: usize = 500;
    match line.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
        None => line.to_owned(),
    }
}

fn open_log(log: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("opening {}", log.display()))
}

/// With PR_SET_PDEATHSIG, Linux ends a child when the *thread* that started it ends, and a test's thread ends with the test. So
/// one thread, which lives as long as the process, starts all children.
fn spawn_on_own_thread(mut command: Command) -> Spawned {
    static SPAWNER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
    end_with_parent(&mut command);
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, queue) = mpsc::channel::<Job>();
        std::thread::spawn(move || {
            for (mut command, answer) in queue {
                let _ = answer.send(command.spawn());
            }
        });
        jobs
    });
    let (answer, spawned) = mpsc::channel();
    let ended = || std::io::Error::other("the thread that starts child processes has ended");
    spawner.send((command, answer)).map_err(|_| ended())?;
    spawned.recv().map_err(|_| ended())?
}

#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "only the child itself can request this signal; the closure makes one async-signal-safe call"
)]
fn end_with_parent(command: &mut Command) {
    unsafe {
        command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Some(Signal::SIGKILL))?));
    }
}

/// Other systems have no such signal, so children outlive a crash of this process. Ctrl-C and SIGTERM still end them.
#[cfg(not(target_os = "linux"))]
fn end_with_parent(_: &mut Command) {}
