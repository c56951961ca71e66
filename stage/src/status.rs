//! What a running `cargo dev up` leaves in its directory, for `status`, `psql` and `logs`.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::system::System;

const FILE: &str = "status.json";

/// Where everything is. It holds the owner's database URL, so only the owner may read it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Status {
    pub api: String,
    pub bridge: String,
    pub database: String,
    pub redis: String,
    pub brokers: Option<String>,
    pub logs: BTreeMap<String, PathBuf>,
}

impl Status {
    pub fn of(system: &System) -> Result<Self> {
        Ok(Self {
            api: system.api_url(),
            bridge: system.bridge_url(0)?,
            database: system.database_url(),
            redis: system.redis_url(),
            brokers: system.brokers().map(str::to_owned),
            logs: system.logs().into_iter().collect(),
        })
    }

    pub fn read(dir: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(dir.join(FILE))
            .context("nothing runs here; `cargo dev up` starts it")?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", dir.join(FILE).display()))
    }

    pub fn write(&self, dir: &Path) -> Result<()> {
        Self::remove(dir);
        let file = dir.join(FILE);
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)
            .and_then(|mut file| file.write_all(serde_json::to_string_pretty(self)?.as_bytes()))
            .with_context(|| format!("writing {}", file.display()))
    }

    /// One that is not there needs no removing.
    pub fn remove(dir: &Path) {
        let _ = std::fs::remove_file(dir.join(FILE));
    }
}
