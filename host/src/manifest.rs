//! `spin.toml` (manifest version 2) as the host reads it: what it knows is typed, what it lacks is refused by name.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    spin_manifest_version: u32,
    pub application: Application,
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    #[serde(default)]
    trigger: BTreeMap<String, Vec<toml::Value>>,
    #[serde(default)]
    pub component: BTreeMap<String, Component>,
    /// The folder of the manifest: paths in it are relative to this.
    #[serde(skip)]
    pub folder: PathBuf,
}

#[derive(Debug, Deserialize)]
pub struct Application {
    pub name: String,
    #[serde(default)]
    trigger: ApplicationTriggers,
}

#[derive(Debug, Default, Deserialize)]
struct ApplicationTriggers {
    redis: Option<ApplicationRedis>,
}

#[derive(Debug, Deserialize)]
struct ApplicationRedis {
    address: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    pub default: Option<String>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    #[expect(dead_code, reason = "the host never prints a value, secret or not")]
    secret: bool,
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
}

/// Fields that only matter to `spin build` or to people are accepted and left alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub source: String,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    #[expect(dead_code, reason = "for `spin build`")]
    build: Option<toml::Value>,
    #[expect(dead_code, reason = "for tools")]
    tool: Option<toml::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    #[expect(dead_code, reason = "a name for people")]
    id: Option<String>,
    pub route: Route,
    pub component: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Route {
    Public(String),
    Private { private: bool },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisTrigger {
    #[expect(dead_code, reason = "a name for people")]
    id: Option<String>,
    pub address: Option<String>,
    pub channel: String,
    pub component: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CronTrigger {
    #[expect(dead_code, reason = "a name for people")]
    id: Option<String>,
    pub cron_expression: String,
    pub component: String,
}

const TRIGGERS: [&str; 3] = ["http", "redis", "cron"];

impl Manifest {
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut manifest: Self = toml::from_str(&text).with_context(|| {
            format!(
                "{} is not a manifest that this host can run",
                path.display()
            )
        })?;
        ensure!(
            manifest.spin_manifest_version == 2,
            "{}: spin_manifest_version is {}, this host reads version 2",
            path.display(),
            manifest.spin_manifest_version
        );
        if let Some(unknown) = manifest
            .trigger
            .keys()
            .find(|kind| !TRIGGERS.contains(&kind.as_str()))
        {
            bail!(
                "this host lacks the trigger type `{unknown}`; it has {}",
                TRIGGERS.join(", ")
            );
        }
        manifest.folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(manifest)
    }

    pub fn http_triggers(&self) -> Result<Vec<HttpTrigger>> {
        self.triggers("http")
    }

    pub fn redis_triggers(&self) -> Result<Vec<RedisTrigger>> {
        self.triggers("redis")
    }

    pub fn cron_triggers(&self) -> Result<Vec<CronTrigger>> {
        self.triggers("cron")
    }

    /// The address of Redis triggers that name none.
    pub fn default_redis_address(&self) -> Option<&str> {
        self.application
            .trigger
            .redis
            .as_ref()
            .map(|redis| redis.address.as_str())
    }

    fn triggers<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>> {
        let triggers = self.trigger.get(kind).into_iter().flatten().cloned();
        triggers
            .map(|trigger| {
                trigger
                    .try_into()
                    .with_context(|| format!("a [[trigger.{kind}]] that this host cannot run"))
            })
            .collect()
    }
}
