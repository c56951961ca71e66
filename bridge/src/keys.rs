//! `bridge keys`: generates and checks the keys that sign access tokens.

use anyhow::anyhow;
use clap::Subcommand;
use domain::keys::{self, Keys, MIN_BYTES};
use rand::TryRngCore;
use rand::rngs::OsRng;

use crate::config::Secret;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a new value for the API's setting token_keys.
    ///
    /// The value begins with a new key, which signs tokens from now on. The present keys follow it, so that tokens they
    /// signed stay valid.
    New {
        /// Present value of the setting: <kid>:<base64url secret>, separated by commas, newest first.
        #[arg(long, env = "TOKEN_KEYS", hide_env_values = true)]
        token_keys: Option<Secret>,
        /// Keep only the newest of the present keys. Tokens that an older key signed become invalid.
        #[arg(long)]
        only_newest: bool,
    },
    /// Check a value of the setting token_keys; fails if the API would refuse it.
    Check {
        /// Value to check: <kid>:<base64url secret>, separated by commas, newest first.
        #[arg(long, env = "TOKEN_KEYS", hide_env_values = true)]
        token_keys: Secret,
    },
}

/// Runs one of the commands.
///
/// # Errors
/// When a given value is not valid, or when the system has no randomness.
pub fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::New {
            token_keys,
            only_newest,
        } => {
            let mut secret = [0; MIN_BYTES];
            OsRng.try_fill_bytes(&mut secret)?;
            let id = chrono::Utc::now().format("%Y%m%dT%H%M%S").to_string();
            let mut entries = vec![keys::entry(&id, &secret)];
            if let Some(present) = token_keys {
                check(present)?;
                let kept = present.expose().split(',').map(|key| key.trim().to_owned());
                entries.extend(kept.take(if *only_newest { 1 } else { usize::MAX }));
            }
            println!("{}", entries.join(","));
            Ok(())
        }
        Command::Check { token_keys } => {
            check(token_keys)?;
            println!("TOKEN_KEYS is valid");
            Ok(())
        }
    }
}

fn check(setting: &Secret) -> anyhow::Result<()> {
    Keys::parse(setting.expose(), String::new())
        .map(drop)
        .map_err(|reason| anyhow!("TOKEN_KEYS: {reason}"))
}
