//! `cargo dev up` as a person meets it: what it says when it cannot start, and that nothing stays behind when it stops.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stage::ports;
use stage::scratch::Scratch;

fn up(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dev"));
    command
        .arg("up")
        .args(arguments)
        .args(["--runtime", "embedded", "--dir"])
        .arg(dir)
        .env_remove("DATABASE_URL")
        .env_remove("REDIS_URL")
        .env_remove("KAFKA_BROKERS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn address() -> String {
    format!("127.0.0.1:{}", ports::free().unwrap())
}

/// Everything a failing start says; it must be its last line.
fn refusal(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines().last().unwrap().to_owned()
}

/// Processes whose command line or data lies in this directory.
fn processes_in(dir: &Path) -> Vec<String> {
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

fn eventually(limit: Duration, what: &str, mut happened: impl FnMut() -> bool) {
    let until = Instant::now() + limit;
    while !happened() {
        assert!(
            Instant::now() < until,
            "{what} did not happen within {limit:?}"
        );
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

fn status(dir: &Path) -> Option<stage::status::Status> {
    stage::status::Status::read(dir).ok()
}

fn started(dir: &Path) -> (Child, stage::status::Status) {
    let listen = address();
    let bridge = address();
    let mut child = up(dir, &["--listen", &listen, "--bridge-listen", &bridge])
        .spawn()
        .unwrap();
    eventually(Duration::from_secs(600), "up", || {
        if let Some(exit) = child.try_wait().unwrap() {
            let mut said = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
            panic!("up ended ({exit}): {said}");
        }
        status(dir).is_some()
    });
    let status = status(dir).unwrap();
    (child, status)
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

#[test]
fn a_port_in_use_is_named() {
    let dir = Scratch::new("port").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let said = refusal(&mut up(dir.path(), &["--listen", &taken]));
    assert!(
        said.contains(&taken) && said.contains("in use") && said.contains("--listen"),
        "{said}"
    );
}

#[test]
fn a_bad_setting_is_named_without_its_value() {
    let dir = Scratch::new("setting").unwrap();
    for name in ["DATABASE_URL", "REDIS_URL", "KAFKA_BROKERS"] {
        let said = refusal(up(dir.path(), &[]).env(name, "hunter2"));
        assert!(said.contains(name) && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn it_keeps_its_data_serves_again_at_once_and_leaves_no_child() {
    let dir = Scratch::new("up").unwrap();
    let (mut first, told) = started(dir.path());
    let second = refusal(&mut up(dir.path(), &[]));
    assert!(second.contains("another `cargo dev up` runs"), "{second}");
    let database = told.database.clone();
    signal(&first, Signal::SIGINT);
    assert!(first.wait().unwrap().success());
    assert_eq!(processes_in(dir.path()), Vec::<String>::new());

    let begun = Instant::now();
    let (mut again, told) = started(dir.path());
    let took = begun.elapsed();
    assert!(
        took < Duration::from_secs(10),
        "the second start took {took:?}"
    );
    assert_eq!(told.database, database, "the port was not kept");

    // Killed without a chance to clean up, it takes its children with it all the same.
    signal(&again, Signal::SIGKILL);
    again.wait().unwrap();
    eventually(Duration::from_secs(20), "the end of every child", || {
        processes_in(dir.path()).is_empty()
    });
}
