//! `cargo dev up`: what it prints when it cannot start, and that no process outlives it.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use stage::scratch::Scratch;
use stage::status::Status;

use crate::support::{Running, address, dev, eventually, processes_in, refusal, started};

const UP: [&str; 3] = ["up", "--runtime", "embedded"];

fn up(dir: &Path, arguments: &[&str]) -> Command {
    dev(dir, &[UP.as_slice(), arguments].concat())
}

fn up_started(dir: &Path) -> (Running, Status) {
    let (listen, bridge) = (address(), address());
    let addresses = ["--listen", &listen, "--bridge-listen", &bridge];
    started(dir, &[UP.as_slice(), &addresses].concat())
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
    let (mut first, told) = up_started(dir.path());
    let second = refusal(&mut up(dir.path(), &[]));
    assert!(
        second.contains("another `cargo dev up` or `services` runs"),
        "{second}"
    );
    let database = told.database.clone();
    first.signal(Signal::SIGINT);
    assert!(first.ended().success());
    assert_eq!(processes_in(dir.path()), Vec::<String>::new());

    let begun = Instant::now();
    let (mut again, told) = up_started(dir.path());
    let took = begun.elapsed();
    assert!(
        took < Duration::from_secs(10),
        "the second start took {took:?}"
    );
    assert_eq!(told.database, database, "the port was not kept");

    // Killed without a chance to clean up, it takes its children with it all the same.
    again.signal(Signal::SIGKILL);
    again.ended();
    eventually(Duration::from_secs(20), "the end of every child", || {
        processes_in(dir.path()).is_empty()
    });
}
