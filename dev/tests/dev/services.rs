//! `cargo dev services`: it writes all environment variables that spin.toml requires.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use stage::components::{self, Profile};
use stage::scratch::Scratch;
use stage::system::workspace;

use crate::support::{Running, address, eventually, processes_in, started};

/// The variables that a shell sets when it reads the file.
fn environment(file: &std::path::Path) -> BTreeMap<String, String> {
    let mut shell = Command::new("sh");
    shell.env_clear().env("PATH", "/usr/bin:/bin");
    let output = shell
        .args(["-c", ". \"$1\" && env", "sh"])
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter(|line| line.starts_with("SPIN_VARIABLE_"))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The environment variables of the variables in spin.toml for which `condition` is true.
fn declared(condition: impl Fn(&toml::Value) -> bool) -> BTreeSet<String> {
    let text = std::fs::read_to_string(workspace().join("spin.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let variables = manifest.get("variables").unwrap().as_table().unwrap();
    variables
        .iter()
        .filter(|(_, variable)| condition(variable))
        .map(|(name, _)| format!("SPIN_VARIABLE_{}", name.to_uppercase()))
        .collect()
}

#[test]
fn the_environment_has_all_variables_that_the_functions_require() {
    let dir = Scratch::new("services").unwrap();
    let (bridge, live) = (address(), address());
    let arguments = [
        "services",
        "--bridge-listen",
        &bridge,
        "--live-listen",
        &live,
    ];
    let (mut services, status) = started(dir.path(), &arguments);
    let file = dir.path().join("spin.env");
    eventually(Duration::from_secs(60), "the environment file", || {
        file.is_file()
    });
    let environment = environment(&file);

    let names: BTreeSet<String> = environment.keys().cloned().collect();
    let required = declared(|variable| variable.get("required").is_some());
    assert!(
        !required.is_empty() && names.is_superset(&required),
        "{names:?}"
    );
    assert!(names.is_subset(&declared(|_| true)), "{names:?}");

    // The functions run with these variables and no others, and the bridge finds them.
    let listen = address();
    let root = workspace();
    let functions = Command::new(components::program(&root, Profile::Gate, "host"))
        .args(["--listen", &listen])
        .current_dir(&root)
        .env_clear()
        .envs(&environment)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let functions = Running::from(functions);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for url in [format!("http://{listen}"), status.bridge] {
        eventually(Duration::from_secs(60), &format!("{url} is ready"), || {
            let ready = runtime.block_on(reqwest::get(format!("{url}/readyz")));
            ready.is_ok_and(|answer| answer.status().is_success())
        });
    }
    drop(functions);

    services.signal(Signal::SIGINT);
    assert!(services.ended().success());
    assert_eq!(processes_in(dir.path()), Vec::<String>::new());
}
