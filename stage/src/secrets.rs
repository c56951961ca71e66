//! The secrets of a local system: generated once and kept in its directory, readable by their owner only.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};

/// Passwords of the database's roles, and the key that signs access tokens.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secrets {
    pub api_password: String,
    pub agent_password: String,
    pub bridge_password: String,
    /// The value of the variable `token_keys`: `<kid>:<base64url>`.
    pub token_keys: String,
}

impl Secrets {
    /// Reads the secrets of a directory, or generates them if it has none.
    pub fn of(dir: &Path) -> Result<Self> {
        let file = dir.join("secrets.json");
        if let Ok(text) = std::fs::read_to_string(&file) {
            return serde_json::from_str(&text)
                .with_context(|| format!("reading {}; `--fresh` makes new ones", file.display()));
        }
        let secrets = Self {
            api_password: random(18)?,
            agent_password: random(18)?,
            bridge_password: random(18)?,
            token_keys: format!("local-1:{}", random(domain::keys::MIN_BYTES)?),
        };
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)
            .and_then(|mut file| file.write_all(serde_json::to_string_pretty(&secrets)?.as_bytes()))
            .with_context(|| format!("writing {}", file.display()))?;
        Ok(secrets)
    }
}

fn random(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    OsRng
        .try_fill_bytes(&mut buffer)
        .context("the system gives no random bytes")?;
    Ok(URL_SAFE_NO_PAD.encode(buffer))
}
