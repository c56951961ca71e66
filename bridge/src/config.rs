//! Every setting of the bridge, read once from flags and the environment.

use std::fmt;
use std::str::FromStr;

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
