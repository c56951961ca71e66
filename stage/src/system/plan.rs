//! What a system is made of before it runs: addresses, secrets, environments and programs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use domain::keys::Keys;
use url::Url;

use super::{DATABASE, Log, OURS, PROGRAMS, Runtime, SystemOptions};
use crate::child::Process;
use crate::components::{self, program};
use crate::secrets::Secrets;
use crate::services::{Kafka, Postgres, Redis, postgres};
use crate::supervise::Program;
use crate::{ports, progress};

/// Every address and secret, settled before the first of our own programs starts.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) options: SystemOptions,
    pub(super) secrets: Secrets,
    pub(super) database: Url,
    pub(super) redis: String,
    pub(super) kafka: Option<String>,
    pub(super) listen: SocketAddr,
    pub(super) bridge_listens: Vec<SocketAddr>,
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

    pub(super) async fn migrate(&self, bridge: &Path) -> Result<()> {
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

    pub(super) fn bridge_env(&self) -> Result<Vec<(String, String)>> {
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

    pub(super) fn bridge(&self, programs: &Programs, number: usize) -> Result<Program> {
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

    pub(super) fn host(&self, programs: &Programs) -> Result<Program> {
        let options = self.options.clone();
        let host = programs.host.clone();
        let listen = self.listen.to_string();
        let base_url = format!("http://{listen}");
        let mut env = self.variables()?;
        env.extend(options.host_env.iter().cloned());
        check_token_keys(&env)?;
        let log = options.dir.join("logs/functions.log");
        let process = Process::new("functions", log, move || {
            let mut command = match &options.runtime {
                Runtime::Embedded => clean(&host),
                Runtime::Spin(spin) => clean(spin),
            };
            match &options.runtime {
                Runtime::Embedded => command.args(["--manifest", "spin.toml"]),
                Runtime::Spin(_) => command.args(["up", "--from", "spin.toml"]),
            };
            command
                .args(["--listen", &listen])
                .current_dir(&options.root)
                .envs(env.iter().cloned());
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

/// A guessable key opens every account, so nothing starts with one; the functions themselves would answer 503.
fn check_token_keys(env: &[(String, String)]) -> Result<()> {
    const NAME: &str = "SPIN_VARIABLE_TOKEN_KEYS";
    let set = env.iter().rfind(|(name, _)| name == NAME);
    let (_, keys) = set.with_context(|| format!("{NAME} is not set"))?;
    Keys::parse(keys, String::new())
        .map(drop)
        .map_err(|reason| anyhow::anyhow!("{NAME}: {reason}"))
}

pub(super) struct Programs {
    host: PathBuf,
    pub(super) bridge: PathBuf,
}

/// The programs to run. A test that cargo alone has started may meet old ones, so they are built first.
pub(super) async fn programs(options: &SystemOptions) -> Result<Programs> {
    let (root, profile) = (options.root.clone(), options.profile);
    if !options.built {
        let root = root.clone();
        tokio::task::spawn_blocking(move || {
            components::build_programs(&root, profile, &PROGRAMS)?;
            components::build_wasm(&root, &components::packages(&root)?)
        })
        .await??;
    }
    Ok(Programs {
        host: program(&root, profile, "host"),
        bridge: program(&root, profile, "bridge"),
    })
}

pub(super) fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in OURS {
        command.env_remove(name);
    }
    command
}

pub(super) fn bridge_listens(options: &SystemOptions) -> Result<Vec<SocketAddr>> {
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

pub(super) async fn own_postgres(options: &SystemOptions) -> Result<Option<Postgres>> {
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

pub(super) async fn own_redis(options: &SystemOptions) -> Result<Option<Redis>> {
    if options.given.redis.is_some() {
        return Ok(None);
    }
    let server = Redis::start(options.dir.join("redis")).await?;
    progress::step(format!("redis at {}", server.address()));
    Ok(Some(server))
}

pub(super) async fn own_kafka(options: &SystemOptions) -> Result<Option<Kafka>> {
    if options.log == Log::Postgres || options.given.kafka.is_some() {
        return Ok(None);
    }
    let server = Kafka::start(options.dir.join("kafka")).await?;
    progress::step(format!("kafka at {}", server.brokers()));
    Ok(Some(server))
}
