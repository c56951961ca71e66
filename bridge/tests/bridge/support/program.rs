//! The bridge as a program: what an operator sees of settings that do not work.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// How long a command may take that cannot work.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a command of the bridge, in an environment with these settings alone. Returns whether it succeeded, and what it printed.
pub async fn run(arguments: &[&str], settings: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridge"));
    command
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(LIMIT, command.output())
        .await
        .expect("the command does not end")
        .unwrap();
    let printed = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.success(), printed.concat())
}

/// Runs a command that fails, and checks that what it prints contains `reason`.
pub async fn fails(arguments: &[&str], settings: &[(&str, &str)], reason: &str) {
    let (success, printed) = run(arguments, settings).await;
    assert!(
        !success && printed.contains(reason),
        "{settings:?} should fail with {reason:?}: {printed}"
    );
}
