//! The settings of the bridge. Each is a flag and an environment variable, and is read once at the start.

pub mod kafka;
pub mod live;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use self::kafka::KafkaAccess;
use self::live::LiveSettings;

/// A value that is never printed: neither in log output, nor in `--help`, nor in errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, to be passed on to where it is needed.
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
    /// URL of the Postgres database, as its owner: postgres://user:password@host:port/database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Secret,
    /// New password of the role spindle_api, which the API connects as. Without it the role stays as it is.
    #[arg(long, env = "API_DATABASE_PASSWORD", hide_env_values = true)]
    pub api_database_password: Option<Secret>,
    /// New password of the role spindle_agent, which the agents connect as. Without it the role stays as it is.
    #[arg(long, env = "AGENT_DATABASE_PASSWORD", hide_env_values = true)]
    pub agent_database_password: Option<Secret>,
    /// New password of the role spindle_bridge, which the bridge connects as. Without it the role stays as it is.
    #[arg(long, env = "BRIDGE_DATABASE_PASSWORD", hide_env_values = true)]
    pub bridge_database_password: Option<Secret>,
}

/// Where the event log is, and how new topics are created.
#[derive(Args, Clone, Debug)]
pub struct LogSettings {
    /// URL of the Postgres database, as the role spindle_bridge: postgres://user:password@host:port/database. A running
    /// bridge opens one connection for the relay and a few for each group. The parameters sslmode, sslrootcert, sslcert and
    /// sslkey say how connections are encrypted; sslmode is disable, prefer (the default), require, verify-ca or verify-full.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Secret,
    /// Bootstrap servers of Kafka, as host:port separated by commas. Without them the event log is kept in Postgres.
    #[arg(long, env = "KAFKA_BROKERS")]
    pub kafka_brokers: Option<String>,
    /// Prefix of the names of topics and consumer groups in Kafka. Give each installation on one Kafka cluster its own.
    #[arg(long, env = "KAFKA_PREFIX", default_value = "")]
    pub kafka_prefix: String,
    #[command(flatten)]
    pub kafka_access: KafkaAccess,
    /// Number of partitions of a topic that the bridge creates, 1 to 12. Existing topics keep theirs.
    #[arg(long, env = "TOPIC_PARTITIONS", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=12))]
    pub topic_partitions: i32,
    /// Replication factor of a Kafka topic that the bridge creates, 1 to 9. Existing topics keep theirs. From 3 on, two
    /// brokers must have a record before it counts as written (min.insync.replicas=2).
    #[arg(long, env = "TOPIC_REPLICAS", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=9))]
    pub topic_replicas: i32,
}

/// Where the agents listen.
#[derive(Args, Clone, Debug)]
pub struct RedisSettings {
    /// URL of the Redis that the agents subscribe to: redis://user:password@host:port, or rediss:// for TLS.
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Secret,
    /// Prefix of the Redis channels, the same as the variable redis_prefix of the functions: letters, digits, - and _. Give
    /// each installation on one Redis its own.
    #[arg(long, env = "REDIS_PREFIX", default_value = "spindle", value_parser = redis_prefix)]
    pub redis_prefix: String,
    /// File with the authorities that may have signed the certificate of Redis, in PEM format. Without it they are those that
    /// the system trusts.
    #[arg(long, env = "REDIS_CA_FILE")]
    pub redis_ca_file: Option<PathBuf>,
    /// File with the bridge's certificate for Redis, in PEM format, for a Redis that requires one.
    #[arg(long, env = "REDIS_CERTIFICATE_FILE")]
    pub redis_certificate_file: Option<PathBuf>,
    /// File with the private key of that certificate, in PEM format without a password.
    #[arg(long, env = "REDIS_KEY_FILE")]
    pub redis_key_file: Option<PathBuf>,
}

/// Agents are found by what the names of their channels begin with, so a prefix must not contain the names of another.
fn redis_prefix(value: &str) -> Result<String, &'static str> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    match !value.is_empty() && value.chars().all(allowed) {
        true => Ok(value.to_owned()),
        false => Err("expected letters, digits, - and _"),
    }
}

/// A part of the bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Moves events from the outbox to the event log, and removes expired rows.
    Relay,
    /// Delivers events from the log to the agents.
    Dispatch,
    /// Tells agents to look for work that is due by now.
    Clock,
    /// Serves live connections, if LIVE_LISTEN says where.
    Gateway,
}

impl Part {
    /// Whether it needs the connection to the agents in Redis.
    pub fn talks_to_agents(self) -> bool {
        match self {
            Self::Relay | Self::Gateway => false,
            Self::Dispatch | Self::Clock => true,
        }
    }

    /// Its name in the setting and in `/readyz`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Dispatch => "dispatch",
            Self::Clock => "clock",
            Self::Gateway => "gateway",
        }
    }
}

/// Settings of `bridge run`.
#[derive(Args, Clone, Debug)]
pub struct Run {
    #[command(flatten)]
    pub log: LogSettings,
    #[command(flatten)]
    pub redis: RedisSettings,
    /// What this bridge does, separated by commas. Bridges with different parts may share the work of one installation.
    #[arg(long, env = "BRIDGE_PARTS", value_enum, value_delimiter = ',', default_values_t = [Part::Relay, Part::Dispatch, Part::Clock, Part::Gateway])]
    pub parts: Vec<Part>,
    /// Address and port on which the bridge serves /healthz, /readyz and /metrics.
    #[arg(long, env = "BRIDGE_LISTEN", default_value = "127.0.0.1:3001")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub live: LiveSettings,
    /// Maximum number of outbox rows that the relay moves in one batch, 1 to 5000.
    #[arg(long, env = "RELAY_BATCH", default_value_t = 500, value_parser = clap::value_parser!(i32).range(1..=5000))]
    pub relay_batch: i32,
    /// Seconds that the log may refuse an outbox row, such as one that is too large, before the row goes into quarantine.
    /// Until then the later rows of its user wait. 1 to 86400; see `bridge quarantine`.
    #[arg(long, env = "RELAY_QUARANTINE_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub relay_quarantine_seconds: u64,
    /// Seconds that frames in flight have to settle when the bridge stops, 0 to 300.
    #[arg(long, env = "STOP_SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=300))]
    pub stop_seconds: u64,
}

impl Run {
    /// Whether this bridge has the part.
    pub fn has(&self, part: Part) -> bool {
        self.parts.contains(&part) && (part != Part::Gateway || self.live.live_listen.is_some())
    }

    pub fn quarantine_after(&self) -> Duration {
        Duration::from_secs(self.relay_quarantine_seconds)
    }

    pub fn stop_within(&self) -> Duration {
        Duration::from_secs(self.stop_seconds)
    }
}
