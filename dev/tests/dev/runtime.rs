//! The runtime of the functions: the spin CLI is found, and nothing of it is left when it is killed. A script stands in for the CLI.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stage::components::{self, Profile};
use stage::scratch::Scratch;
use stage::status::Status;
use stage::system::workspace;

use crate::support::{
    Running, address, dev, error_of, eventually, processes_in, processes_with, started_by,
};

const LIMIT: Duration = Duration::from_secs(60);

/// A system that runs on the stand-in.
struct OnSpin {
    up: Running,
    status: Status,
    listen: String,
    arguments: PathBuf,
    manifest: String,
}

impl OnSpin {
    /// Starts it with these plugins. `manifest` is the one that it is expected to run.
    fn start(dir: &Path, plugins: &str, manifest: &str) -> Self {
        let (listen, bridge, live) = (address(), address(), address());
        let arguments = dir.join("arguments");
        let stand_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dev");
        let path = std::env::var("PATH").unwrap();
        let mut addresses = vec!["up", "--listen", &listen, "--bridge-listen", &bridge];
        addresses.extend(["--live-listen", &live]);
        let mut command = dev(dir, &addresses);
        command
            .env("PATH", format!("{}:{path}", stand_in.display()))
            .env("SPINDLE_RUNTIME", "spin")
            .env("ARGUMENTS", &arguments)
            .env("PLUGINS", plugins)
            .env(
                "EMBEDDED_HOST",
                components::program(&workspace(), Profile::Gate, "host"),
            );
        let (up, status) = started_by(command, dir);
        Self {
            up,
            status,
            listen,
            arguments,
            manifest: manifest.to_owned(),
        }
    }

    /// The stand-in.
    fn parent(&self) -> Vec<i32> {
        processes_with(&format!(
            "up --from {} --log-dir  --listen {}",
            self.manifest, self.listen
        ))
    }

    /// Its child.
    fn child(&self) -> Vec<i32> {
        processes_with(&format!(
            "--manifest {} --listen {}",
            self.manifest, self.listen
        ))
    }

    fn kill_parent(&self) {
        for id in self.parent() {
            kill(Pid::from_raw(id), Signal::SIGKILL).unwrap();
        }
    }
}

#[test]
fn the_spin_cli_is_started_again_after_kill_9_and_nothing_of_it_is_left_at_the_end() {
    let dir = Scratch::new("spin").unwrap();
    let plugins = "trigger-cron 0.4.1 [installed]\ntrigger-sqs 0.9.0 [installed]";
    let mut system = OnSpin::start(dir.path(), plugins, "spin.toml");
    let arguments = std::fs::read_to_string(&system.arguments).unwrap();
    let listen = &system.listen;
    assert_eq!(
        arguments,
        format!("up\n--from\nspin.toml\n--log-dir\n\n--listen\n{listen}\n")
    );

    let (parent, child) = (system.parent(), system.child());
    assert_eq!((parent.len(), child.len()), (1, 1), "{parent:?} {child:?}");
    system.kill_parent();
    eventually(LIMIT, "another child alone", || {
        let now = system.child();
        now.len() == 1 && now != child && system.parent() != parent
    });
    let ready = format!("{}/readyz", system.status.api.as_deref().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    eventually(LIMIT, "the API is ready again", || {
        let ready = runtime.block_on(reqwest::get(&ready));
        ready.is_ok_and(|answer| answer.status().is_success())
    });

    system.kill_parent();
    system.up.signal(Signal::SIGTERM);
    assert!(system.up.ended().success());
    assert!(TcpStream::connect(&system.listen).is_err(), "it answers");
    assert_eq!(system.child(), Vec::<i32>::new());
    assert_eq!(processes_in(dir.path()), Vec::<String>::new());
}

#[test]
fn a_spin_cli_without_the_plugin_for_cron_runs_the_application_without_cron_triggers() {
    let dir = Scratch::new("no-cron").unwrap();
    let manifest = dir.path().join("spin.toml");
    let mut system = OnSpin::start(dir.path(), "", &manifest.display().to_string());
    let (parent, child) = (system.parent(), system.child());
    assert_eq!((parent.len(), child.len()), (1, 1), "{parent:?} {child:?}");
    let copy = std::fs::read_to_string(&manifest).unwrap();
    assert!(
        copy.contains("[[trigger.redis]]") && !copy.contains("cron"),
        "{copy}"
    );
    system.up.signal(Signal::SIGTERM);
    let printed = system.up.printed();
    assert!(
        printed.contains("spin plugins install trigger-cron"),
        "{printed}"
    );
}

#[test]
fn a_runtime_that_cannot_be_used_is_named() {
    let dir = Scratch::new("no-spin").unwrap();
    let mut test = Command::new(env!("CARGO_BIN_EXE_dev"));
    test.args(["test", "nothing"]);
    let up = dev(dir.path(), &["up"]);
    for mut command in [test, up] {
        command
            .env("SPINDLE_RUNTIME", "spin")
            .env("PATH", dir.path())
            .stdin(Stdio::null());
        let error = error_of(&mut command);
        assert!(
            error.contains("SPINDLE_RUNTIME") && error.contains("not on PATH"),
            "{error}"
        );
    }
    let mut wrong = Command::new(env!("CARGO_BIN_EXE_dev"));
    wrong
        .args(["test", "nothing"])
        .env("SPINDLE_RUNTIME", "wasmer");
    let error = error_of(&mut wrong);
    assert!(error.contains("SPINDLE_RUNTIME must be"), "{error}");
}
