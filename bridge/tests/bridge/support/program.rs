//! The bridge as a program, as an operator runs it.

use std::process::Stdio;
use std::time::Duration;

use stage::ports;
use stage::services::Redis;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::LogFixture;

/// How long a command may take that cannot work.
const LIMIT: Duration = Duration::from_secs(60);

/// Starts `bridge run` on this log and Redis, with these further settings. It is killed when it is dropped.
pub fn start(log: &LogFixture, redis: &Redis, settings: &[(&str, &str)]) -> Child {
    let listen = format!("127.0.0.1:{}", ports::free().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridge"));
    command
        .arg("run")
        .env("DATABASE_URL", log.settings.database_url.expose())
        .env("KAFKA_PREFIX", &log.settings.kafka_prefix)
        .env("REDIS_URL", redis.url())
        .env("BRIDGE_LISTEN", listen)
        .envs(settings.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    if let Some(brokers) = &log.settings.kafka_brokers {
        command.env("KAFKA_BROKERS", brokers);
    }
    command.spawn().unwrap()
}

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
