//! The plan of a system, made before its first program starts: addresses, secrets, environments and programs.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use domain::keys::Keys;
use url::Url;

use super::addresses::{postgres_address, redis_address};
use super::links::Links;
use super::manifest;
use super::options::{LogKind, Runtime, SystemOptions};
use crate::child::Process;
use crate::components::{self, program};
use crate::progress;
use crate::secrets::Secrets;
use crate::services::kafka::KafkaOptions;
use crate::services::{Kafka, Postgres, Redis};
use crate::supervise::Program;

/// The database that a system creates on its own Postgres.
pub(super) const DATABASE: &str = "spindle";
/// How a bridge logs in to a restricted Kafka.
const KAFKA_LOGIN: [(&str, &str); 3] = [
    ("KAFKA_SECURITY_PROTOCOL", "sasl_plaintext"),
    ("KAFKA_SASL_USERNAME", "bridge"),
    ("KAFKA_SASL_PASSWORD", "bridge"),
];
/// Environment variables of this process that would change what child processes do.
const NOT_PASSED_ON: [&str; 4] = ["DATABASE_URL", "REDIS_URL", "REDIS_PREFIX", "KAFKA_BROKERS"];

/// All addresses and secrets. They are known before the first of Spindle's own programs starts.
pub(super) struct Plan {
    pub(super) options: SystemOptions,
    pub(super) secrets: Secrets,
    pub(super) database: Url,
    pub(super) redis: Url,
    pub(super) kafka: Option<String>,
    /// Kafka's address for the user `bridge`, if the bridges have to log in.
    pub(super) kafka_login: Option<String>,
    pub(super) links: Links,
    pub(super) host_listens: Vec<SocketAddr>,
    pub(super) bridge_listens: Vec<SocketAddr>,
    /// Where the gateways of the bridges serve live connections.
    pub(super) live_listens: Vec<SocketAddr>,
}

impl Plan {
    /// The URL of a server as the part `from` reaches it: through the proxy between them, if there is one.
    fn reached(&self, from: &str, to: &str, mut url: Url) -> Result<Url> {
        if let Ok(link) = self.links.find(from, to) {
            let address: SocketAddr = link.proxy().address().parse()?;
            url.set_host(Some(&address.ip().to_string()))?;
            let port = url.set_port(Some(address.port()));
            port.map_err(|()| anyhow!("the URL of {to} cannot contain a port"))?;
        }
        Ok(url)
    }

    /// The URL of the database with the role of the API.
    pub(super) fn api_database_url(&self) -> Result<Url> {
        self.role_url("baseline", "spindle_api", &self.secrets.api_password)
    }

    /// The URL with which the part `from` connects to the database.
    fn role_url(&self, from: &str, role: &str, password: &str) -> Result<Url> {
        let mut url = self.reached(from, "postgres", self.database.clone())?;
        let cannot = |()| anyhow!("DATABASE_URL cannot contain a user and a password");
        url.set_username(role).map_err(cannot)?;
        url.set_password(Some(password)).map_err(cannot)?;
        if !url.query_pairs().any(|(name, _)| name == "connect_timeout") {
            url.query_pairs_mut().append_pair("connect_timeout", "5");
        }
        Ok(url)
    }

    /// The prefix of channels in Redis.
    fn redis_prefix(&self) -> &str {
        let prefix = self.options.external.redis_prefix.as_deref();
        prefix.unwrap_or("spindle")
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

    /// The environment of the bridge with this name. A command of the bridge has another name, and so no proxies.
    pub(super) fn bridge_env(&self, name: &str) -> Result<Vec<(String, String)>> {
        let url = self.role_url(name, "spindle_bridge", &self.secrets.bridge_password)?;
        let redis = self.reached(name, "redis", self.redis.clone())?;
        let mut env = vec![
            ("DATABASE_URL".to_owned(), url.to_string()),
            ("REDIS_URL".to_owned(), redis.to_string()),
            ("REDIS_PREFIX".to_owned(), self.redis_prefix().to_owned()),
        ];
        let login = self.kafka_login.as_ref();
        env.extend(login.or(self.kafka.as_ref()).map(|brokers| {
            let brokers = self.links.address(name, "kafka", brokers.clone());
            ("KAFKA_BROKERS".to_owned(), brokers)
        }));
        if login.is_some() {
            env.extend(KAFKA_LOGIN.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        env.extend(self.options.bridge_env.iter().cloned());
        Ok(env)
    }

    pub(super) fn bridge(&self, programs: &Programs, number: usize) -> Result<Program> {
        let listen = self
            .bridge_listens
            .get(number)
            .context("no address for this bridge")?
            .to_string();
        let bridge = programs.bridge.clone();
        let name = bridge_name(number);
        let mut env = self.bridge_env(&name)?;
        env.push(("BRIDGE_LISTEN".to_owned(), listen.clone()));
        let live = self.live_listens.get(number);
        env.extend(live.map(|live| ("LIVE_LISTEN".to_owned(), live.to_string())));
        let log = self.options.dir.join(format!("logs/{name}.log"));
        let process = Process::new(name, log, move || {
            let mut command = clean(&bridge);
            command.arg("run").envs(env.iter().cloned());
            command
        });
        // Without agents a bridge is alive but not ready, and agents that run elsewhere come later.
        let ready = match self.options.runtime {
            Runtime::External => "healthz",
            Runtime::Embedded | Runtime::Spin(_) => "readyz",
        };
        let ready_url = format!("http://{listen}/{ready}");
        Ok(Program::new(process, ready_url, Duration::from_secs(15)))
    }

    /// A program that runs the functions, if this system runs them.
    pub(super) fn host(&self, programs: &Programs, number: usize) -> Result<Option<Program>> {
        let name = host_name(number);
        let (root, dir) = (self.options.root.clone(), &self.options.dir);
        let cron = self.options.cron.as_deref();
        let (program, arguments) = match &self.options.runtime {
            Runtime::Embedded => (
                programs.host.clone(),
                vec![
                    OsString::from("--manifest"),
                    match &self.options.application {
                        Some(application) => application.into(),
                        None => manifest::with_cron(cron, &root, dir)?.into(),
                    },
                ],
            ),
            // Spin would also keep a copy of the functions' output in `.spin/logs`, which nobody reads or removes.
            Runtime::Spin(spin) => {
                let manifest = manifest::for_spin(spin, cron, &root, dir)?.into();
                let [up, from, log_dir, nowhere] =
                    ["up", "--from", "--log-dir", ""].map(OsString::from);
                (spin.clone(), vec![up, from, manifest, log_dir, nowhere])
            }
            Runtime::External => return Ok(None),
        };
        let mut env = self.variables(&name)?;
        env.extend(self.options.host_env.iter().cloned());
        check_keys(&env)?;
        let listen = self.host_listens.get(number);
        let listen = listen.context("no address for this host")?.to_string();
        let ready_url = format!("http://{listen}/readyz");
        let log = self.options.dir.join(format!("logs/{name}.log"));
        let process = Process::new(name, log, move || {
            let mut command = clean(&program);
            command
                .args(&arguments)
                .args(["--listen", &listen])
                .current_dir(&root)
                .envs(env.iter().cloned());
            command
        });
        Ok(Some(Program::new(
            process,
            ready_url,
            Duration::from_secs(5),
        )))
    }

    /// Environment variables that give `spin.toml`'s variables their values, for the host with this name.
    pub(super) fn variables(&self, name: &str) -> Result<Vec<(String, String)>> {
        let api = self.role_url(name, "spindle_api", &self.secrets.api_password)?;
        let agent = self.role_url(name, "spindle_agent", &self.secrets.agent_password)?;
        let redis = self.reached(name, "redis", self.redis.clone())?;
        let mut values = vec![
            ("postgres_address", postgres_address(&api)),
            ("api_database_url", for_functions(api).to_string()),
            ("agent_database_url", for_functions(agent).to_string()),
            ("redis_address", redis_address(&redis)),
            ("redis_url", redis.to_string()),
            ("redis_prefix", self.redis_prefix().to_owned()),
            ("token_keys", self.secrets.token_keys.clone()),
            ("service_keys", self.secrets.service_keys.clone()),
            ("unsubscribe_keys", self.secrets.unsubscribe_keys.clone()),
            ("vapid_key", self.secrets.vapid_key.clone()),
        ];
        // Where somebody else starts the functions, the default is what `spin up` listens on.
        if self.options.runtime != Runtime::External {
            let mut number = 0..self.host_listens.len();
            let number = number.find(|number| host_name(*number) == name);
            let listen = number.and_then(|number| self.host_listens.get(number));
            let listen = listen.with_context(|| format!("{name} has no address"))?;
            let address = self.links.address(name, "functions", listen.to_string());
            values.push(("api_url", format!("http://{address}")));
            values.push(("public_url", format!("http://{address}")));
        }
        // One process alone keeps the default of spin.toml.
        if self.options.hosts > 1 {
            values.push(("instance", name.to_owned()));
        }
        Ok(values
            .into_iter()
            .map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value))
            .collect())
    }
}

pub(super) fn bridge_name(number: usize) -> String {
    format!("bridge-{number}")
}

pub(super) fn host_name(number: usize) -> String {
    match number {
        0 => "functions".to_owned(),
        _ => format!("functions-{number}"),
    }
}

/// A database URL as Spin takes it. Spin knows no file of certificates: unless `sslmode` is `disable`, it accepts what the system
/// trusts and nothing else, as `verify-full` does.
fn for_functions(mut url: Url) -> Url {
    let parameters: Vec<&str> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|parameter| match parameter.split_once('=') {
            Some(("sslrootcert" | "sslcert" | "sslkey", _)) => None,
            Some(("sslmode", "verify-ca" | "verify-full")) => Some("sslmode=require"),
            _ => Some(parameter),
        })
        .collect();
    let parameters = parameters.join("&");
    url.set_query(Some(parameters.as_str()).filter(|text| !text.is_empty()));
    url
}

/// Rejects weak keys before anything starts: a guessed key gives access to every account. The functions could only answer each
/// request with 503.
fn check_keys(env: &[(String, String)]) -> Result<()> {
    let parse = |name: &str| {
        let set = env.iter().rfind(|(set, _)| set == name);
        let (_, keys) = set.with_context(|| format!("{name} is not set"))?;
        Keys::parse(keys, String::new()).map_err(|reason| anyhow!("{name}: {reason}"))
    };
    const SERVICE: &str = "SPIN_VARIABLE_SERVICE_KEYS";
    let token = parse("SPIN_VARIABLE_TOKEN_KEYS")?;
    let apart = parse(SERVICE)?.apart_from(&token, "token_keys");
    apart
        .map(drop)
        .map_err(|reason| anyhow!("{SERVICE}: {reason}"))
}

pub(super) struct Programs {
    host: PathBuf,
    pub(super) bridge: PathBuf,
}

/// The programs to run. They are built first if the test was started by `cargo test`, because they could be out of date.
pub(super) async fn programs(options: &SystemOptions) -> Result<Programs> {
    let (root, profile) = (options.root.clone(), options.profile);
    let programs = options.runtime.programs();
    if !options.built {
        let root = root.clone();
        tokio::task::spawn_blocking(move || {
            components::build_programs(&root, profile, programs)?;
            components::build_wasm(&root, &components::packages(&root)?)
        })
        .await??;
    }
    Ok(Programs {
        host: program(&root, profile, "host"),
        bridge: options.bridge_program(),
    })
}

/// A command without the environment variables that would change what the program does.
pub(super) fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in NOT_PASSED_ON {
        command.env_remove(name);
    }
    command
}

pub(super) async fn own_postgres(options: &SystemOptions) -> Result<Option<Postgres>> {
    if options.external.database.is_some() {
        return Ok(None);
    }
    let env = options.postgres_env.clone();
    let dir = options.dir.join("postgres");
    let server = Postgres::start_with(dir, options.fsync, env).await?;
    server.create_database(DATABASE).await?;
    progress::step(format!("postgres at {}", server.address()));
    Ok(Some(server))
}

pub(super) async fn own_redis(options: &SystemOptions) -> Result<Option<Redis>> {
    if options.external.redis.is_some() {
        return Ok(None);
    }
    let server = Redis::start(options.dir.join("redis")).await?;
    progress::step(format!("redis at {}", server.address()));
    Ok(Some(server))
}

/// Starts Kafka. It advertises these ports, at which the proxies will listen. Tests that break connections break rights, too, so the
/// bridges then log in.
pub(super) async fn own_kafka(
    options: &SystemOptions,
    advertised: Vec<u16>,
) -> Result<Option<Kafka>> {
    if options.log == LogKind::Postgres || options.external.kafka.is_some() {
        return Ok(None);
    }
    let kafka = KafkaOptions {
        advertised,
        restricted: options.links,
        ..KafkaOptions::default()
    };
    let server = Kafka::start_with(options.dir.join("kafka"), &kafka).await?;
    if options.links {
        server.grant_everything().await?;
    }
    progress::step(format!("kafka at {}", server.brokers()));
    Ok(Some(server))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn functions_get_no_parameters_that_spin_does_not_know() {
        for (url, expected) in [
            (
                "postgres://a:b@db/x?sslmode=verify-full&connect_timeout=5&sslrootcert=%2Fca.pem",
                "postgres://a:b@db/x?sslmode=require&connect_timeout=5",
            ),
            (
                "postgres://a:b@db/x?options=-c%20a%3Db",
                "postgres://a:b@db/x?options=-c%20a%3Db",
            ),
            ("postgres://a:b@db/x?sslkey=k", "postgres://a:b@db/x"),
        ] {
            assert_eq!(for_functions(Url::parse(url).unwrap()).as_str(), expected);
        }
    }
}
