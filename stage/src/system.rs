//! A complete system as one value: servers, schema, function host and bridges. Each part can be killed and restarted.

mod addresses;
mod links;
mod manifest;
mod options;
mod plan;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

pub use addresses::listen_address;
use addresses::{bridge_listens, host_listens, live_listens, postgres_address, redis_address};
use anyhow::{Context, Result, bail};
pub use links::{CLIENTS, Link};
use links::{Links, Servers};
pub use options::{LogKind, Runtime, SystemOptions, workspace};
use plan::{DATABASE, Plan, clean, host_name, own_kafka, own_postgres, own_redis, programs};
use url::Url;

use crate::proxy::Proxy;
use crate::secrets::Secrets;
use crate::services::Kafka;
use crate::supervise::{Part, Supervised};
use crate::{ports, progress};

/// A running system. Dropping it ends everything that it started.
pub struct System {
    // Fields are dropped in this order, so a server ends after the programs that use it.
    bridges: Vec<Supervised>,
    hosts: Vec<Supervised>,
    kafka: Option<Supervised>,
    redis: Option<Supervised>,
    postgres: Option<Supervised>,
    plan: Plan,
}

impl System {
    /// Starts everything and waits until the host and the bridges are ready.
    pub async fn start(options: SystemOptions) -> Result<Self> {
        let dir = options.dir.clone();
        std::fs::create_dir_all(dir.join("logs"))
            .with_context(|| format!("creating {}", dir.display()))?;
        let host_listens = host_listens(&options)?;
        let bridge_listens = bridge_listens(&options)?;
        let live_listens = live_listens(&options)?;
        let programs = programs(&options).await?;

        // Kafka leads its clients to the addresses that it advertises, so those of the proxies must be known before it starts.
        let kafka_ports = (0..options.bridges)
            .filter(|_| options.links)
            .map(|_| ports::free())
            .collect::<Result<Vec<u16>>>()?;
        let (postgres, redis, kafka) = tokio::try_join!(
            own_postgres(&options),
            own_redis(&options),
            own_kafka(&options, kafka_ports.clone())
        )?;
        let database = match (&options.external.database, &postgres) {
            (Some(url), _) => url.clone(),
            (None, Some(own)) => Url::parse(&own.admin_url(DATABASE))?,
            (None, None) => bail!("there is no Postgres"),
        };
        let redis_url = match (&options.external.redis, &redis) {
            (Some(url), _) => url.clone(),
            (None, Some(own)) => Url::parse(&own.url())?,
            (None, None) => bail!("there is no Redis"),
        };
        let mut links = Links::default();
        if options.links {
            let behind = kafka.as_ref().map(Kafka::behind).unwrap_or_default();
            let servers = Servers {
                functions: host_listens.iter().map(SocketAddr::to_string).collect(),
                postgres: postgres_address(&database),
                redis: redis_address(&redis_url),
                kafka: kafka_ports.into_iter().zip(behind).collect(),
            };
            links.connect(&servers, options.bridges).await?;
        }
        let plan = Plan {
            secrets: Secrets::of(&dir)?,
            database,
            redis: redis_url,
            links,
            kafka: options
                .external
                .kafka
                .clone()
                .or_else(|| kafka.as_ref().map(Kafka::brokers)),
            kafka_login: kafka.as_ref().and_then(Kafka::restricted),
            host_listens,
            bridge_listens,
            live_listens,
            options,
        };
        plan.migrate(&programs.bridge).await?;

        let mut hosts = Vec::new();
        for number in 0..plan.host_listens.len() {
            if let Some(host) = plan.host(&programs, number)? {
                host.launch().await?;
                hosts.push(host);
            }
        }
        let mut bridges = Vec::new();
        for number in 0..plan.bridge_listens.len() {
            let bridge = plan.bridge(&programs, number)?;
            bridge.launch().await?;
            bridges.push(bridge);
        }
        progress::step("waiting until all programs are ready");
        // A program that ends before it was ready makes the start fail. A supervisor would only repeat what cannot work.
        for program in hosts.iter().chain(&bridges) {
            program.ready().await?;
        }
        let supervise = |part: Arc<dyn Part>| Supervised::new(part);
        Ok(Self {
            bridges: bridges
                .into_iter()
                .map(|bridge| supervise(Arc::new(bridge)))
                .collect(),
            hosts: hosts
                .into_iter()
                .map(|host| supervise(Arc::new(host)))
                .collect(),
            kafka: kafka.map(|part| supervise(Arc::new(part))),
            redis: redis.map(|part| supervise(Arc::new(part))),
            postgres: postgres.map(|part| supervise(Arc::new(part))),
            plan,
        })
    }

    /// The folder for data, logs and secrets.
    pub fn folder(&self) -> &Path {
        &self.plan.options.dir
    }

    /// The URL of the API, without a proxy.
    pub fn api_url(&self) -> String {
        let address = self.plan.host_listens.first();
        address.map_or_else(String::new, |address| format!("http://{address}"))
    }

    /// The programs that run the functions, each with the address of its API, without a proxy.
    pub fn hosts(&self) -> impl Iterator<Item = (&Supervised, SocketAddr)> {
        self.hosts
            .iter()
            .zip(self.plan.host_listens.iter().copied())
    }

    pub fn bridge_url(&self, number: usize) -> Result<String> {
        let address = self.plan.bridge_listens.get(number);
        Ok(format!(
            "http://{}",
            address.with_context(|| format!("there is no bridge {number}"))?
        ))
    }

    /// `host:port` of a bridge's gateway.
    pub fn live_address(&self, number: usize) -> Result<SocketAddr> {
        let address = self.plan.live_listens.get(number).copied();
        address.with_context(|| format!("there is no bridge {number}"))
    }

    /// The URL of the database, with the role that owns it.
    pub fn database_url(&self) -> String {
        self.plan.database.to_string()
    }

    /// The URL of the database, with the role of the API, whose settings affect plans.
    ///
    /// # Errors
    /// The database's URL cannot contain a user and a password.
    pub fn api_database_url(&self) -> Result<String> {
        Ok(self.plan.api_database_url()?.to_string())
    }

    pub fn redis_url(&self) -> String {
        self.plan.redis.to_string()
    }

    /// `host:port` of Redis.
    pub fn redis_address(&self) -> String {
        redis_address(&self.plan.redis)
    }

    /// Kafka's brokers, if Kafka stores the event log.
    pub fn brokers(&self) -> Option<&str> {
        self.plan.kafka.as_deref()
    }

    /// The signing keys, in the format of the variable `token_keys`.
    pub fn token_keys(&self) -> &str {
        &self.plan.secrets.token_keys
    }

    /// The keys of agents, in the format of the variable `service_keys`.
    pub fn service_keys(&self) -> &str {
        &self.plan.secrets.service_keys
    }

    /// The program that runs the functions; the first if there are several.
    pub fn host(&self) -> Result<&Supervised> {
        self.hosts
            .first()
            .context("the functions of this system run elsewhere")
    }

    /// Environment variables that give `spin.toml`'s variables their values.
    pub fn function_variables(&self) -> Result<Vec<(String, String)>> {
        self.plan.variables(&host_name(0))
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
            .context("this system uses a Postgres that runs elsewhere")
    }

    pub fn redis(&self) -> Result<&Supervised> {
        self.redis
            .as_ref()
            .context("this system uses a Redis that runs elsewhere")
    }

    pub fn kafka(&self) -> Result<&Supervised> {
        self.kafka
            .as_ref()
            .context("this system has no Kafka of its own")
    }

    /// All supervised parts, in the order in which they stop.
    pub fn parts(&self) -> impl Iterator<Item = &Supervised> {
        let services = [&self.kafka, &self.redis, &self.postgres];
        self.bridges
            .iter()
            .chain(&self.hosts)
            .chain(services.into_iter().flatten())
    }

    /// The part with this name.
    pub fn part(&self, name: &str) -> Result<&Supervised> {
        let found = self.parts().find(|part| part.name() == name);
        found.with_context(|| format!("there is no part {name}"))
    }

    /// The proxies between the parts.
    pub fn links(&self) -> &[Link] {
        self.plan.links.all()
    }

    /// The proxy between two parts.
    pub fn link(&self, from: &str, to: &str) -> Result<&Proxy> {
        Ok(self.plan.links.find(from, to)?.proxy())
    }

    /// The name and the log file of each part.
    pub fn logs(&self) -> Vec<(String, PathBuf)> {
        self.parts()
            .map(|part| (part.name().to_owned(), part.log().to_owned()))
            .collect()
    }

    /// Migrates the database with the bridge's program as it is now.
    ///
    /// # Errors
    /// The migration fails.
    pub async fn migrate(&self) -> Result<()> {
        let bridge = self.plan.options.bridge_program();
        self.plan.migrate(&bridge).await
    }

    /// The bridge's program with its environment, for a command such as `bridge dead-letters list`.
    pub fn bridge_command(&self) -> Result<Command> {
        let mut command = clean(&self.plan.options.bridge_program());
        command.envs(self.plan.bridge_env("command")?);
        Ok(command)
    }

    /// Stops all parts in order. Each gets time to finish what it is doing.
    pub async fn stop(&self) {
        futures::future::join_all(self.bridges.iter().map(Supervised::terminate)).await;
        for part in self.parts().skip(self.bridges.len()) {
            part.terminate().await;
        }
    }
}
