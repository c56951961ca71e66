//! Every setting of the bridge, read once from flags and the environment.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

/// A value that is used and never shown: not in logs, not in `--help`, not in errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(value))
    }
}

/// Settings of `bridge migrate`.
#[derive(Args, Clone, Debug)]
pub struct Migrate {
    /// Postgres, as the owner of the database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Secret,
    /// Lets the role of `functions/api` log in.
    #[arg(long, env = "API_DATABASE_PASSWORD", hide_env_values = true)]
    pub api_database_password: Option<Secret>,
    /// Lets the role of the agents log in.
    #[arg(long, env = "AGENT_DATABASE_PASSWORD", hide_env_values = true)]
    pub agent_database_password: Option<Secret>,
    /// Lets the role of the bridge log in.
    #[arg(long, env = "BRIDGE_DATABASE_PASSWORD", hide_env_values = true)]
    pub bridge_database_password: Option<Secret>,
}

/// Where the event log is and what a new topic looks like.
#[derive(Args, Clone, Debug)]
pub struct LogSettings {
    /// Postgres, as the role spindle_bridge. It takes one connection for the relay and a few for each group.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Secret,
    /// Kafka's bootstrap servers; without them the log is in Postgres.
    #[arg(long, env = "KAFKA_BROKERS")]
    pub kafka_brokers: Option<String>,
    /// Put before the names of Kafka's topics and groups, for several installations on one cluster.
    #[arg(long, env = "KAFKA_PREFIX", default_value = "")]
    pub kafka_prefix: String,
    /// Partitions of a topic that the bridge creates.
    #[arg(long, env = "TOPIC_PARTITIONS", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=12))]
    pub topic_partitions: i32,
    /// Kafka's replicas of a topic that the bridge creates.
    #[arg(long, env = "TOPIC_REPLICAS", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=9))]
    pub topic_replicas: i32,
}

/// Settings of `bridge run`.
#[derive(Args, Clone, Debug)]
pub struct Run {
    #[command(flatten)]
    pub log: LogSettings,
    /// Redis, where agents listen.
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Secret,
    /// Where health and metrics are served.
    #[arg(long, env = "BRIDGE_LISTEN", default_value = "127.0.0.1:3001")]
    pub listen: SocketAddr,
    /// Outbox rows that the relay moves at once.
    #[arg(long, env = "RELAY_BATCH", default_value_t = 500, value_parser = clap::value_parser!(i32).range(1..=5000))]
    pub relay_batch: i32,
    #[command(flatten)]
    pub frames: Frames,
    /// Seconds that frames in flight are given to settle when the bridge stops.
    #[arg(long, env = "STOP_SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=300))]
    pub stop_seconds: u64,
}

impl Run {
    pub fn stop_within(&self) -> Duration {
        Duration::from_secs(self.stop_seconds)
    }
}

/// How events are packed for the agents.
#[derive(Args, Clone, Debug)]
pub struct Frames {
    /// Events in a frame.
    #[arg(long, env = "FRAME_EVENTS", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub frame_events: u16,
    /// Bytes of events in a frame; a larger event travels alone.
    #[arg(long, env = "FRAME_BYTES", default_value_t = 256 * 1024, value_parser = clap::value_parser!(u32).range(1024..))]
    pub frame_bytes: u32,
    /// Milliseconds that a frame waits to be filled.
    #[arg(long, env = "FRAME_WAIT_MS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=1000))]
    pub frame_wait_ms: u64,
    /// Events held in memory for each group; reading pauses beyond.
    #[arg(long, env = "BUFFERED_EVENTS", default_value_t = 8192, value_parser = clap::value_parser!(u32).range(64..))]
    pub buffered_events: u32,
}
