//! Runs the commands as child processes, and finds the processes that they leave behind.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stage::ports;
use stage::status::Status;

/// `cargo dev <arguments>` with its data in this directory, and without external servers.
pub fn dev(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dev"));
    command
        .args(arguments)
        .arg("--dir")
        .arg(dir)
        .env_remove("DATABASE_URL")
        .env_remove("REDIS_URL")
        .env_remove("KAFKA_BROKERS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A free loopback address.
pub fn address() -> String {
    format!("127.0.0.1:{}", ports::free().unwrap())
}

/// Runs a command that must fail. Returns the last line of its standard error.
pub fn error_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines().last().unwrap().to_owned()
}

/// The command lines of processes that work in this directory or name it.
pub fn processes_in(dir: &Path) -> Vec<String> {
    let dir = dir.to_str().unwrap();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(cwd) = std::fs::read_link(entry.path().join("cwd")) else {
            continue;
        };
        let line = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        if cwd.starts_with(dir) || line.contains(dir) {
            found.push(line.replace('\0', " "));
        }
    }
    found
}

/// The ids of the processes whose command line contains this text.
pub fn processes_with(text: &str) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let id = entry.file_name().to_string_lossy().parse();
        if let Ok(id) = id
            && line.contains(text)
        {
            found.push(id);
        }
    }
    found
}

/// Polls `condition` until it is true. Panics with `what` when that takes longer than `limit`.
pub fn eventually(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + limit;
    while !condition() {
        assert!(
            Instant::now() < until,
            "{what} did not happen within {limit:?}"
        );
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// A running command. Dropping it kills it, so a failed test leaves no process behind.
pub struct Running(Child);

impl Running {
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
    }

    /// Waits until the command has ended. Returns its standard error.
    pub fn printed(&mut self) -> String {
        let mut printed = String::new();
        let stderr = self.0.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut printed).unwrap();
        printed
    }

    /// Waits until the command has ended.
    pub fn ended(&mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl From<Child> for Running {
    fn from(child: Child) -> Self {
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that has ended needs no signal.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `cargo dev <arguments>` and waits until it has written its addresses.
pub fn started(dir: &Path, arguments: &[&str]) -> (Running, Status) {
    started_by(dev(dir, arguments), dir)
}

/// Starts a command and waits until it has written its addresses into this directory.
pub fn started_by(mut command: Command, dir: &Path) -> (Running, Status) {
    let mut running = Running(command.spawn().unwrap());
    eventually(Duration::from_secs(600), "the start", || {
        if let Some(exit) = running.0.try_wait().unwrap() {
            panic!("{command:?} ended ({exit}): {}", running.printed());
        }
        Status::read(dir).is_ok()
    });
    (running, Status::read(dir).unwrap())
}
