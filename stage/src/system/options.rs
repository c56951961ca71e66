//! The options of a system, and what it can be made of.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::manifest;
use crate::components::{Profile, program};
use crate::external::External;
use crate::services::install;

/// Limits that tests and benchmarks do not reach: they send more requests than any user, and more at once.
const UNLIMITED: [(&str, &str); 8] = [
    ("SPIN_VARIABLE_RATE_READ", "1000000/1"),
    ("SPIN_VARIABLE_RATE_WRITE", "1000000/1"),
    ("SPIN_VARIABLE_RATE_SIGN_IN", "1000000/1"),
    ("SPIN_VARIABLE_RATE_ACCOUNT", "1000000/1"),
    ("SPIN_VARIABLE_RATE_REGISTER", "1000000/1"),
    ("SPIN_VARIABLE_RATE_ADDRESS", "1000000/1"),
    ("SPIN_VARIABLE_REQUESTS_AT_ONCE", "64"),
    ("SPIN_VARIABLE_HASHES_AT_ONCE", "64"),
];

/// Where the event log is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    Postgres,
    Kafka,
}

/// What runs `spin.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runtime {
    /// The embedded host, which is the workspace's program `host`.
    Embedded,
    /// The spin CLI at this path.
    Spin(PathBuf),
    /// A runtime that somebody else starts, with the variables of [`super::System::function_variables`].
    External,
}

impl Runtime {
    /// What `SPINDLE_RUNTIME` names: `spin`, or `embedded`, which is the default.
    ///
    /// # Errors
    /// The variable has another value, or the spin CLI is not installed.
    pub fn from_environment() -> Result<Self> {
        const NAME: &str = "SPINDLE_RUNTIME";
        match std::env::var_os(NAME) {
            None => Ok(Self::Embedded),
            Some(value) if value == "embedded" => Ok(Self::Embedded),
            Some(value) if value == "spin" => Self::spin_cli().context("SPINDLE_RUNTIME=spin"),
            Some(_) => bail!("{NAME} must be `spin` or `embedded`"),
        }
    }

    /// # Errors
    /// The spin CLI is not on PATH.
    pub fn spin_cli() -> Result<Self> {
        let spin = install::find("spin", &[]);
        spin.map(Self::Spin)
            .context("the spin CLI is not on PATH: see https://spinframework.dev/install")
    }

    /// The native programs of the workspace that a system with this runtime needs.
    pub fn programs(&self) -> &'static [&'static str] {
        match self {
            Self::Embedded => &["bridge", "host"],
            Self::Spin(_) | Self::External => &["bridge"],
        }
    }
}

/// The options of a system; `SystemOptions::new` has those for a test.
#[derive(Debug, Clone)]
pub struct SystemOptions {
    /// The workspace's folder, with `spin.toml` and `target/`.
    pub root: PathBuf,
    /// The folder for data, logs and secrets.
    pub dir: PathBuf,
    pub log: LogKind,
    /// Servers that run already.
    pub external: External,
    pub runtime: Runtime,
    /// Where the API listens; by default on a free loopback port.
    pub listen: Option<SocketAddr>,
    /// Where the first bridge listens; the others get free ports.
    pub bridge_listen: Option<SocketAddr>,
    /// Where the gateway of the first bridge serves live connections.
    pub live_listen: Option<SocketAddr>,
    pub bridges: usize,
    /// How many processes run the functions. The API of the first is the system's; all of them run agents.
    pub hosts: usize,
    /// Whether a proxy that can break it carries each connection between two parts.
    pub links: bool,
    /// Whether commits survive a power failure. Off only where losing the data does not matter.
    pub fsync: bool,
    /// Whether the programs and components are built already; if not, the start builds them.
    pub built: bool,
    /// The profile that the native programs are built with.
    pub profile: Profile,
    /// The program of the bridge, and the application, in place of those of the workspace.
    pub bridge: Option<PathBuf>,
    pub application: Option<PathBuf>,
    /// When all cron triggers fire, in place of what spin.toml says: an expression of six fields.
    pub cron: Option<String>,
    /// Additional environment variables of the bridges, of the function hosts and of Postgres.
    pub bridge_env: Vec<(String, String)>,
    pub host_env: Vec<(String, String)>,
    pub postgres_env: Vec<(String, String)>,
}

impl SystemOptions {
    /// One bridge, the embedded host, servers of its own, free ports, and rate limits that no test reaches.
    pub fn new(dir: impl Into<PathBuf>, log: LogKind) -> Self {
        Self {
            root: workspace(),
            dir: dir.into(),
            log,
            external: External::default(),
            runtime: Runtime::Embedded,
            listen: None,
            bridge_listen: None,
            live_listen: None,
            bridges: 1,
            hosts: 1,
            links: false,
            fsync: true,
            built: std::env::var_os("SPINDLE_ROOT").is_some(),
            profile: Profile::Gate,
            bridge: None,
            application: None,
            cron: None,
            bridge_env: Vec::new(),
            postgres_env: Vec::new(),
            host_env: UNLIMITED
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    /// Sets when all cron triggers fire: an expression of six fields. If the spin CLI has no plugin for cron triggers, the embedded host
    /// runs the functions.
    pub fn fire_cron(&mut self, expression: &str) {
        self.cron = Some(expression.to_owned());
        if let Runtime::Spin(spin) = &self.runtime
            && !manifest::has_plugin(spin)
        {
            self.runtime = Runtime::Embedded;
        }
    }

    /// The program of the bridge.
    pub(super) fn bridge_program(&self) -> PathBuf {
        let built = || program(&self.root, self.profile, "bridge");
        self.bridge.clone().unwrap_or_else(built)
    }
}

/// The root of the workspace: `SPINDLE_ROOT`, which `cargo dev test` sets, or else the workspace that this program was built
/// from.
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
