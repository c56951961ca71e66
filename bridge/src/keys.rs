//! `bridge keys`: the keys of access tokens, made and checked before they reach the API.

use anyhow::anyhow;
use clap::Subcommand;
use domain::keys::{self, Keys, MIN_BYTES};
use rand::TryRngCore;
use rand::rngs::OsRng;

use crate::config::Secret;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a value for the setting token_keys: a new key that signs, before the keys that there are.
    New {
        /// The present value, whose keys go on being accepted.
        #[arg(long, env = "TOKEN_KEYS", hide_env_values = true)]
        token_keys: Option<Secret>,
        /// Only the newest of the present keys: what is older no longer signs anything.
        #[arg(long)]
        only_newest: bool,
    },
    /// Refuse a value that the API would not serve with.
    Check {
        #[arg(long, env = "TOKEN_KEYS", hide_env_values = true)]
        token_keys: Secret,
    },
}

/// Runs one of the commands.
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
            println!("fine");
            Ok(())
        }
    }
}

fn check(setting: &Secret) -> anyhow::Result<()> {
    Keys::parse(setting.expose(), String::new())
        .map(drop)
        .map_err(|reason| anyhow!("TOKEN_KEYS: {reason}"))
}
