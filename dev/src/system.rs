//! The whole system as one value: services, schema, function host and bridges, each of which can be killed and started again.

use crate::child::Process;
use crate::given::Given;
use crate::secrets::Secrets;
use crate::services::{Kafka, Postgres, Redis, postgres};
use crate::supervise::{Part, Program, Supervised};
use crate::{components, ports, progress};
use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

const DATABASE: &str = "spindle";
/// Variables of the surrounding shell that would change what our children do.
const OURS: [&str; 3] = ["DATABASE_URL", "REDIS_URL", "KAFKA_BROKERS"];

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
    /// Further environment of the bridges and of the host.
    pub bridge_env: Vec<(String, String)>,
    pub host_env: Vec<(String, String)>,
}

impl SystemOptions {
    /// One bridge, the embedded host, own services, free ports.
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
            bridge_env: Vec::new(),
            host_env: Vec::new(),
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

/// Every address and secret, settled before the first of our own programs starts.
#[derive(Clone)]
struct Plan {
    options: SystemOptions,
    secrets: Secrets,
    database: Url,
    redis: String,
    kafka: Option<String>,
    listen: SocketAddr,
    bridge_listens: Vec<SocketAddr>,
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
        let mut command = clean(&program(&self.plan.options.root, "bridge"));
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

impl Plan {
    fn role_url(&self, role: &str, password: &str) -> Result<Url> {
        let mut url = self.database.clone();
        let cannot = |()| anyhow::anyhow!("DATABASE_URL cannot carry a user and a password");
        url.set_username(role).map_err(cannot)?;
        url.set_password(Some(password)).map_err(cannot)?;
        if !url.query_pairs().any(|(name, _)| name == "connect_timeout") {
            url.query_pairs_mut().append_pair("connect_timeout", "5");
        }
        Ok(url)
    }

    async fn migrate(&self, bridge: &Path) -> Result<()> {
        progress::step("migrating the database");
        let mut command = clean(bridge);
        command
            .arg("migrate")
            .env("DATABASE_URL", self.database.as_str())
            .env("API_DATABASE_PASSWORD", &self.secrets.api_password)
            .env("AGENT_DATABASE_PASSWORD", &self.secrets.agent_password)
            .env("BRIDGE_DATABASE_PASSWORD", &self.secrets.bridge_password);
        let log = self.options.dir.join("logs/migrate.log");
        let child = crate::child::Child::spawn("bridge migrate", command, &log)?;
        let status = child.exited().await;
        if !status.success() {
            return Err(child.failed(&format!("failed ({status})")));
        }
        Ok(())
    }

    fn bridge_env(&self) -> Result<Vec<(String, String)>> {
        let url = self.role_url("spindle_bridge", &self.secrets.bridge_password)?;
        let mut env = vec![
            ("DATABASE_URL".to_owned(), url.to_string()),
            ("REDIS_URL".to_owned(), format!("redis://{}", self.redis)),
        ];
        env.extend(
            self.kafka
                .iter()
                .map(|brokers| ("KAFKA_BROKERS".to_owned(), brokers.clone())),
        );
        env.extend(self.options.bridge_env.iter().cloned());
        Ok(env)
    }

    fn bridge(&self, programs: &Programs, number: usize) -> Result<Program> {
        let listen = self
            .bridge_listens
            .get(number)
            .context("no address for this bridge")?
            .to_string();
        let base_url = format!("http://{listen}");
        let bridge = programs.bridge.clone();
        let mut env = self.bridge_env()?;
        env.push(("BRIDGE_LISTEN".to_owned(), listen));
        let name = format!("bridge-{number}");
        let log = self.options.dir.join(format!("logs/{name}.log"));
        let process = Process::new(name, log, move || {
            let mut command = clean(&bridge);
            command.arg("run").envs(env.iter().cloned());
            command
        });
        Ok(Program::new(process, &base_url, Duration::from_secs(15)))
    }

    fn host(&self, programs: &Programs) -> Result<Program> {
        let options = self.options.clone();
        let dev = programs.dev.clone();
        let listen = self.listen.to_string();
        let base_url = format!("http://{listen}");
        let env = self.variables()?;
        let log = options.dir.join("logs/functions.log");
        let process = Process::new("functions", log, move || {
            let mut command = match &options.runtime {
                Runtime::Embedded => clean(&dev),
                Runtime::Spin(spin) => clean(spin),
            };
            match &options.runtime {
                Runtime::Embedded => command.args(["host", "--manifest", "spin.toml"]),
                Runtime::Spin(_) => command.args(["up", "--from", "spin.toml"]),
            };
            command
                .args(["--listen", &listen])
                .current_dir(&options.root)
                .envs(env.iter().cloned())
                .envs(options.host_env.iter().cloned());
            command
        });
        Ok(Program::new(process, &base_url, Duration::from_secs(5)))
    }

    /// What spin.toml's variables get here.
    fn variables(&self) -> Result<Vec<(String, String)>> {
        let api = self.role_url("spindle_api", &self.secrets.api_password)?;
        let agent = self.role_url("spindle_agent", &self.secrets.agent_password)?;
        let host = self
            .database
            .host_str()
            .context("DATABASE_URL names no host")?;
        let port = self.database.port().unwrap_or(5432);
        let values = [
            ("postgres_address", format!("{host}:{port}")),
            ("api_database_url", api.to_string()),
            ("agent_database_url", agent.to_string()),
            ("redis_address", self.redis.clone()),
            ("token_keys", self.secrets.token_keys.clone()),
        ];
        Ok(values
            .into_iter()
            .map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value))
            .collect())
    }
}

struct Programs {
    dev: PathBuf,
    bridge: PathBuf,
}

/// Where our programs are; what may be out of date, because cargo alone started a test, is built first.
async fn programs(options: &SystemOptions) -> Result<Programs> {
    let root = options.root.clone();
    if !options.built {
        tokio::task::spawn_blocking({
            let root = root.clone();
            move || {
                components::build_program(&root, "dev")?;
                components::build_program(&root, "bridge")?;
                components::build_manifest(&root.join("spin.toml"))
            }
        })
        .await??;
    }
    Ok(Programs {
        dev: program(&root, "dev"),
        bridge: program(&root, "bridge"),
    })
}

/// Where cargo leaves the workspace's release programs.
pub fn program(root: &Path, name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |dir| root.join(dir));
    target.join("release").join(name)
}

fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in OURS {
        command.env_remove(name);
    }
    command
}

fn bridge_listens(options: &SystemOptions) -> Result<Vec<SocketAddr>> {
    let wanted = |number| options.bridge_listen.filter(|_| number == 0);
    (0..options.bridges)
        .map(|number| listen_address("the bridge", wanted(number)))
        .collect()
}

/// The address, once it is certain that it is free; a free loopback port where none is wanted.
pub fn listen_address(who: &str, wanted: Option<SocketAddr>) -> Result<SocketAddr> {
    let Some(address) = wanted else {
        return Ok(SocketAddr::from(([127, 0, 0, 1], ports::free()?)));
    };
    std::net::TcpListener::bind(address).with_context(|| {
        format!("{who} cannot listen on {address} (another address: --listen, --bridge-listen)")
    })?;
    Ok(address)
}

async fn own_postgres(options: &SystemOptions) -> Result<Option<Postgres>> {
    if options.given.database.is_some() {
        return Ok(None);
    }
    let settings = postgres::Options {
        fsync: options.fsync,
        port: None,
    };
    let server = Postgres::start_with(options.dir.join("postgres"), settings).await?;
    server.create_database(DATABASE).await?;
    progress::step(format!("postgres at {}", server.address()));
    Ok(Some(server))
}

async fn own_redis(options: &SystemOptions) -> Result<Option<Redis>> {
    if options.given.redis.is_some() {
        return Ok(None);
    }
    let server = Redis::start(options.dir.join("redis")).await?;
    progress::step(format!("redis at {}", server.address()));
    Ok(Some(server))
}

async fn own_kafka(options: &SystemOptions) -> Result<Option<Kafka>> {
    if options.log == Log::Postgres || options.given.kafka.is_some() {
        return Ok(None);
    }
    let server = Kafka::start(options.dir.join("kafka")).await?;
    progress::step(format!("kafka at {}", server.brokers()));
    Ok(Some(server))
}
