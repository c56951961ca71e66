//! `cargo dev up`: the errors of a start that fails, and that no process outlives it.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use stage::scratch::Scratch;
use stage::status::Status;

use crate::support::{Running, address, dev, error_of, eventually, processes_in, started};

const UP: [&str; 3] = ["up", "--runtime", "embedded"];

fn up(dir: &Path, arguments: &[&str]) -> Command {
    dev(dir, &[UP.as_slice(), arguments].concat())
}

fn up_started(dir: &Path) -> (Running, Status) {
    let (listen, bridge, live) = (address(), address(), address());
    let mut addresses = vec!["--listen", &listen, "--bridge-listen", &bridge];
    addresses.extend(["--live-listen", &live]);
    started(dir, &[UP.as_slice(), &addresses].concat())
}

#[test]
fn an_error_names_a_port_that_is_in_use() {
    let dir = Scratch::new("port").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let error = error_of(&mut up(dir.path(), &["--listen", &taken]));
    assert!(
        error.contains(&taken) && error.contains("in use") && error.contains("--listen"),
        "{error}"
    );
}

#[test]
fn an_error_names_an_invalid_setting_without_its_value() {
    let dir = Scratch::new("setting").unwrap();
    for name in ["DATABASE_URL", "REDIS_URL", "KAFKA_BROKERS"] {
        let error = error_of(up(dir.path(), &[]).env(name, "hunter2"));
        assert!(
            error.contains(name) && !error.contains("hunter2"),
            "{error}"
        );
    }
}

#[test]
fn a_restart_keeps_the_database_and_no_child_is_left() {
    let dir = Scratch::new("up").unwrap();
    let (mut first, status) = up_started(dir.path());
    let second = error_of(&mut up(dir.path(), &[]));
    assert!(
        second.contains("another `cargo dev up` or `services` runs"),
        "{second}"
    );
    let database = status.database.clone();
    first.signal(Signal::SIGINT);
    assert!(first.ended().success());
    assert_eq!(processes_in(dir.path()), Vec::<String>::new());

    let (mut again, status) = up_started(dir.path());
    assert_eq!(status.database, database, "the port was not kept");

    // After SIGKILL it cannot clean up, but its children end nevertheless.
    again.signal(Signal::SIGKILL);
    again.ended();
    eventually(Duration::from_secs(60), "the end of every child", || {
        processes_in(dir.path()).is_empty()
    });
}
