//! The secrets of a local system: generated once and kept in its directory, readable by their owner only.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};

/// Passwords of the database's roles, and the keys that sign tokens.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secrets {
    pub api_password: String,
    pub agent_password: String,
    pub bridge_password: String,
    /// The value of the variable `token_keys`: `<kid>:<base64url>`.
    pub token_keys: String,
    /// The value of the variable `service_keys`. A folder that an earlier version wrote does not have this and the next ones.
    #[serde(default)]
    pub service_keys: String,
    /// The value of the variable `unsubscribe_keys`.
    #[serde(default)]
    pub unsubscribe_keys: String,
    /// The value of the variable `vapid_key`.
    #[serde(default)]
    pub vapid_key: String,
}

impl Secrets {
    /// Reads the secrets of a directory, and generates those that it does not have.
    pub fn of(dir: &Path) -> Result<Self> {
        let file = dir.join("secrets.json");
        let mut secrets = match std::fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text)
                .with_context(|| format!("reading {}; `--fresh` makes new ones", file.display()))?,
            Err(_) => Self {
                api_password: random(18)?,
                agent_password: random(18)?,
                bridge_password: random(18)?,
                token_keys: key()?,
                service_keys: String::new(),
                unsubscribe_keys: String::new(),
                vapid_key: String::new(),
            },
        };
        if secrets.vapid_key.is_empty() {
            if secrets.service_keys.is_empty() {
                secrets.service_keys = key()?;
            }
            secrets.unsubscribe_keys = key()?;
            // All but a few of four billion random values are keys.
            secrets.vapid_key = random(32)?;
            secrets.write(&file)?;
        }
        Ok(secrets)
    }

    fn write(&self, file: &Path) -> Result<()> {
        let new = file.with_extension("new");
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut open| open.write_all(serde_json::to_string_pretty(self)?.as_bytes()))
            .and_then(|()| std::fs::rename(&new, file))
            .with_context(|| format!("writing {}", file.display()))
    }
}

/// A setting with one signing key.
fn key() -> Result<String> {
    Ok(format!("local-1:{}", random(domain::keys::MIN_BYTES)?))
}

fn random(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    OsRng
        .try_fill_bytes(&mut buffer)
        .context("the system gives no random bytes")?;
    Ok(URL_SAFE_NO_PAD.encode(buffer))
}
