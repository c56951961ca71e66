//! The manifest: `spin.toml`, version 2, or an application that was locked. A key that this host does not support is an error that
//! names the key.

mod locked;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    spin_manifest_version: u32,
    pub application: Application,
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    #[serde(default)]
    pub trigger: Triggers,
    #[serde(default)]
    pub component: BTreeMap<String, Component>,
    /// The folder of the manifest. Paths in the manifest are relative to it.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// Serialized, it is what `/.well-known/spin/info` returns.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Application {
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(default, skip_serializing)]
    trigger: ApplicationTriggers,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct ApplicationTriggers {
    redis: Option<ApplicationRedis>,
}

#[derive(Debug, Clone, Deserialize)]
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
    #[expect(dead_code, reason = "documentation")]
    description: Option<String>,
}

/// The application's triggers, by type.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
    #[serde(default)]
    pub redis: Vec<RedisTrigger>,
    #[serde(default)]
    pub cron: Vec<CronTrigger>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    #[expect(dead_code, reason = "documentation")]
    id: Option<String>,
    pub route: Route,
    pub component: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Route {
    Public(String),
    /// Only other components may call it, through service chaining, which this host does not have.
    Private {
        private: bool,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisTrigger {
    #[expect(dead_code, reason = "documentation")]
    id: Option<String>,
    /// A URL, which may contain variables.
    pub address: Option<String>,
    /// The name of a channel, which may contain variables.
    pub channel: String,
    pub component: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CronTrigger {
    #[expect(dead_code, reason = "documentation")]
    id: Option<String>,
    pub cron_expression: String,
    pub component: String,
}

/// One `[component.<name>]`. The host accepts and ignores the keys that only `spin build` or other tools read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The path of the `.wasm` file.
    pub source: String,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[expect(dead_code, reason = "documentation")]
    description: Option<String>,
    #[expect(dead_code, reason = "read by `spin build`")]
    build: Option<toml::Value>,
    #[expect(dead_code, reason = "read by other tools")]
    tool: Option<toml::Value>,
}

impl Manifest {
    /// # Errors
    /// When the file cannot be read, is neither a version 2 manifest nor (`*.lock`) a locked application, or uses a key that this host does not support.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let parsed = match path.extension() {
            Some(extension) if extension == "lock" => locked::to_manifest(&text)
                .and_then(|manifest| Ok(serde_json::from_value(manifest)?)),
            _ => toml::from_str(&text).map_err(anyhow::Error::from),
        };
        let mut manifest: Self =
            parsed.with_context(|| format!("this host cannot run {}", path.display()))?;
        ensure!(
            manifest.spin_manifest_version == 2,
            "{}: `spin_manifest_version` is {}; this host supports version 2 only",
            path.display(),
            manifest.spin_manifest_version
        );
        manifest.folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(manifest)
    }

    /// `[application.trigger.redis]`: the server of Redis triggers without an `address`.
    pub fn default_redis_address(&self) -> Option<&str> {
        let redis = self.application.trigger.redis.as_ref();
        redis.map(|redis| redis.address.as_str())
    }
}

impl Triggers {
    /// The names of the components that at least one trigger invokes.
    pub fn components(&self) -> BTreeSet<&str> {
        let http = self.http.iter().map(|trigger| trigger.component.as_str());
        let redis = self.redis.iter().map(|trigger| trigger.component.as_str());
        let cron = self.cron.iter().map(|trigger| trigger.component.as_str());
        http.chain(redis).chain(cron).collect()
    }
}
