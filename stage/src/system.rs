//! The whole system as one value: services, schema, function host and bridges, each of which can be killed and started again.

mod plan;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
pub use plan::listen_address;
use plan::{Plan, bridge_listens, clean, own_kafka, own_postgres, own_redis, programs};
use url::Url;

use crate::components::{Profile, program};
use crate::given::Given;
use crate::progress;
use crate::secrets::Secrets;
use crate::services::{Kafka, Redis};
use crate::supervise::{Part, Supervised};

/// The native programs that a system runs.
pub const PROGRAMS: [&str; 2] = ["host", "bridge"];
const DATABASE: &str = "spindle";
/// Variables of the surrounding shell that would change what our children do.
const OURS: [&str; 3] = ["DATABASE_URL", "REDIS_URL", "KAFKA_BROKERS"];

/// One machine that tests or measures asks more than any user does.
const UNLIMITED: [(&str, &str); 5] = [
    ("SPIN_VARIABLE_RATE_READ", "1000000/1"),
    ("SPIN_VARIABLE_RATE_WRITE", "1000000/1"),
    ("SPIN_VARIABLE_RATE_SIGN_IN", "1000000/1"),
    ("SPIN_VARIABLE_RATE_ADDRESS", "1000000/1"),
    ("SPIN_VARIABLE_HASHES_AT_ONCE", "64"),
];

/// Where events wait between the outbox and the agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    Postgres,
    Kafka,
}

/// What runs `spin.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runtime {
    /// Our own host, as `dev host`.
    Embedded,
    /// The spin CLI at this path.
    Spin(PathBuf),
}

/// How a system is to be; `SystemOptions::new` is one for a test.
#[derive(Debug, Clone)]
pub struct SystemOptions {
    /// The workspace, where spin.toml and `target/` are.
    pub root: PathBuf,
    /// Data, logs and secrets.
    pub dir: PathBuf,
    pub log: Log,
    /// Servers that somebody else runs.
    pub given: Given,
    pub runtime: Runtime,
    /// Free loopback ports where not said.
    pub listen: Option<SocketAddr>,
    /// For the first bridge; the others get free ports.
    pub bridge_listen: Option<SocketAddr>,
    pub bridges: usize,
    /// Off only where losing the data with the machine does not matter.
    pub fsync: bool,
    /// Whether the programs and components are built already.
    pub built: bool,
    /// How the programs are, or have been, built.
    pub profile: Profile,
    /// Further environment of the bridges and of the host.
    pub bridge_env: Vec<(String, String)>,
    pub host_env: Vec<(String, String)>,
}

impl SystemOptions {
    /// One bridge, the embedded host, own services, free ports, and rates that nobody spends.
    pub fn new(dir: impl Into<PathBuf>, log: Log) -> Self {
        Self {
            root: workspace(),
            dir: dir.into(),
            log,
            given: Given::default(),
            runtime: Runtime::Embedded,
            listen: None,
            bridge_listen: None,
            bridges: 1,
            fsync: true,
            built: std::env::var_os("SPINDLE_ROOT").is_some(),
            profile: Profile::Gate,
            bridge_env: Vec::new(),
            host_env: UNLIMITED
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }
}

/// The workspace this program was built from, or the one `cargo dev test` names.
pub fn workspace() -> PathBuf {
    let built = || {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .map(Path::to_owned)
    };
    std::env::var_os("SPINDLE_ROOT")
        .map(PathBuf::from)
        .or_else(built)
        .unwrap_or_default()
}

/// A running system; everything it started ends with it.
pub struct System {
    // Dropped in this order: who uses a server ends before it.
    bridges: Vec<Supervised>,
    host: Supervised,
    kafka: Option<Supervised>,
    redis: Option<Supervised>,
    postgres: Option<Supervised>,
    plan: Plan,
}

impl System {
    /// Starts everything and waits until host and bridges say they are ready.
    pub async fn start(options: SystemOptions) -> Result<Self> {
        let dir = options.dir.clone();
        std::fs::create_dir_all(dir.join("logs"))
            .with_context(|| format!("creating {}", dir.display()))?;
        let listen = listen_address("the API", options.listen)?;
        let bridge_listens = bridge_listens(&options)?;
        let programs = programs(&options).await?;

        let (postgres, redis, kafka) = tokio::try_join!(
            own_postgres(&options),
            own_redis(&options),
            own_kafka(&options)
        )?;
        let database = match (&options.given.database, &postgres) {
            (Some(url), _) => url.clone(),
            (None, Some(own)) => Url::parse(&own.admin_url(DATABASE))?,
            (None, None) => bail!("there is no Postgres"),
        };
        let redis_address = options
            .given
            .redis
            .clone()
            .or_else(|| redis.as_ref().map(Redis::address));
        let plan = Plan {
            secrets: Secrets::of(&dir)?,
            database,
            redis: redis_address.context("there is no Redis")?,
            kafka: options
                .given
                .kafka
                .clone()
                .or_else(|| kafka.as_ref().map(Kafka::brokers)),
            listen,
            bridge_listens,
            options,
        };
        plan.migrate(&programs.bridge).await?;

        let host = plan.host(&programs)?;
        host.launch().await?;
        let mut bridges = Vec::new();
        for number in 0..plan.bridge_listens.len() {
            let bridge = plan.bridge(&programs, number)?;
            bridge.launch().await?;
            bridges.push(bridge);
        }
        progress::step("waiting for the functions and the bridge");
        // A child that ends before it was ever ready ends the start: a supervisor would only repeat what cannot work.
        host.ready().await?;
        for bridge in &bridges {
            bridge.ready().await?;
        }
        let supervise = |part: Arc<dyn Part>| Supervised::new(part);
        Ok(Self {
            bridges: bridges
                .into_iter()
                .map(|bridge| supervise(Arc::new(bridge)))
                .collect(),
            host: supervise(Arc::new(host)),
            kafka: kafka.map(|part| supervise(Arc::new(part))),
            redis: redis.map(|part| supervise(Arc::new(part))),
            postgres: postgres.map(|part| supervise(Arc::new(part))),
            plan,
        })
    }

    pub fn api_url(&self) -> String {
        format!("http://{}", self.plan.listen)
    }

    pub fn bridge_url(&self, number: usize) -> Result<String> {
        let address = self.plan.bridge_listens.get(number);
        Ok(format!(
            "http://{}",
            address.with_context(|| format!("there is no bridge {number}"))?
        ))
    }

    /// The database, as its owner.
    pub fn database_url(&self) -> String {
        self.plan.database.to_string()
    }

    pub fn redis_url(&self) -> String {
        format!("redis://{}", self.plan.redis)
    }

    /// Kafka's brokers where Kafka carries the log.
    pub fn brokers(&self) -> Option<&str> {
        self.plan.kafka.as_deref()
    }

    /// The signing keys, as the variable `token_keys` holds them.
    pub fn token_keys(&self) -> &str {
        &self.plan.secrets.token_keys
    }

    pub fn host(&self) -> &Supervised {
        &self.host
    }

    pub fn bridges(&self) -> &[Supervised] {
        &self.bridges
    }

    pub fn bridge(&self, number: usize) -> Result<&Supervised> {
        self.bridges
            .get(number)
            .with_context(|| format!("there is no bridge {number}"))
    }

    pub fn postgres(&self) -> Result<&Supervised> {
        self.postgres
            .as_ref()
            .context("somebody else runs this Postgres")
    }

    pub fn redis(&self) -> Result<&Supervised> {
        self.redis.as_ref().context("somebody else runs this Redis")
    }

    pub fn kafka(&self) -> Result<&Supervised> {
        self.kafka
            .as_ref()
            .context("this system has no Kafka of its own")
    }

    /// Everything that runs under us, those first that stop first.
    pub fn parts(&self) -> impl Iterator<Item = &Supervised> {
        let services = [&self.kafka, &self.redis, &self.postgres];
        self.bridges
            .iter()
            .chain([&self.host])
            .chain(services.into_iter().flatten())
    }

    /// Name and file of every log.
    pub fn logs(&self) -> Vec<(String, PathBuf)> {
        self.parts()
            .map(|part| (part.name().to_owned(), part.log().to_owned()))
            .collect()
    }

    /// The environment of a bridge command, e.g. `bridge dead-letters list`, and the program.
    pub fn bridge_command(&self) -> Result<Command> {
        let mut command = clean(&program(
            &self.plan.options.root,
            self.plan.options.profile,
            "bridge",
        ));
        command.envs(self.plan.bridge_env()?);
        Ok(command)
    }

    /// Ends everything in order, each with its time to settle what it is doing.
    pub async fn stop(&self) {
        futures::future::join_all(self.bridges.iter().map(Supervised::terminate)).await;
        for part in self.parts().skip(self.bridges.len()) {
            part.terminate().await;
        }
    }
}
