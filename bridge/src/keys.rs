//! `bridge keys`: generates and checks the keys that sign access tokens and service tokens.

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};
use domain::keys::{self, Keys, MIN_BYTES};
use domain::push::vapid_entry;
use rand::TryRngCore;
use rand::rngs::OsRng;

use crate::config::Secret;

/// A setting of the functions that contains keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Setting {
    /// Keys of access tokens, which users have.
    TokenKeys,
    /// Keys of service tokens, with which agents call the API.
    ServiceKeys,
}

/// Present values of the settings: <kid>:<base64url secret>, separated by commas, newest first.
#[derive(Args, Clone, Debug)]
pub struct Values {
    /// Value of token_keys: <kid>:<base64url secret>, separated by commas, newest first.
    #[arg(long, env = "TOKEN_KEYS", hide_env_values = true)]
    token_keys: Option<Secret>,
    /// Value of service_keys, in the same form.
    #[arg(long, env = "SERVICE_KEYS", hide_env_values = true)]
    service_keys: Option<Secret>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a new value for a setting of the functions, token_keys or service_keys.
    ///
    /// The value begins with a new key, which signs tokens from now on. The present keys follow it, so that tokens they
    /// signed stay valid.
    New {
        #[arg(value_enum, default_value_t = Setting::TokenKeys)]
        setting: Setting,
        #[command(flatten)]
        present: Values,
        /// Keep only the newest of the present keys. Tokens that an older key signed become invalid.
        #[arg(long)]
        only_newest: bool,
    },
    /// Print a new value for vapid_key, with which push messages are signed. Browsers that subscribed with another key have to
    /// subscribe again.
    Vapid,
    /// Check values of the settings token_keys and service_keys; fails if the functions would refuse one of them.
    Check {
        #[command(flatten)]
        values: Values,
    },
}

/// Runs one of the commands.
///
/// # Errors
/// When a given value is not valid, or when the system has no randomness.
pub fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::New {
            setting,
            present,
            only_newest,
        } => {
            let mut secret = [0; MIN_BYTES];
            OsRng.try_fill_bytes(&mut secret)?;
            let id = chrono::Utc::now().format("%Y%m%dT%H%M%S").to_string();
            let mut entries = vec![keys::entry(&id, &secret)];
            if let Some(present) = present.of(*setting) {
                setting.parse(present)?;
                let kept = present.expose().split(',').map(|key| key.trim().to_owned());
                entries.extend(kept.take(if *only_newest { 1 } else { usize::MAX }));
            }
            println!("{}", entries.join(","));
            Ok(())
        }
        Command::Vapid => {
            // A few of four billion random values are no key.
            let key = loop {
                let mut secret = [0; 32];
                OsRng.try_fill_bytes(&mut secret)?;
                if let Some(key) = vapid_entry(secret) {
                    break key;
                }
            };
            println!("{key}");
            Ok(())
        }
        Command::Check { values } => values.check(),
    }
}

impl Setting {
    const ALL: [Self; 2] = [Self::TokenKeys, Self::ServiceKeys];

    fn name(self) -> &'static str {
        match self {
            Self::TokenKeys => "TOKEN_KEYS",
            Self::ServiceKeys => "SERVICE_KEYS",
        }
    }

    fn parse(self, value: &Secret) -> anyhow::Result<Keys> {
        Keys::parse(value.expose(), String::new())
            .map_err(|reason| anyhow!("{}: {reason}", self.name()))
    }
}

impl Values {
    fn of(&self, setting: Setting) -> Option<&Secret> {
        match setting {
            Setting::TokenKeys => self.token_keys.as_ref(),
            Setting::ServiceKeys => self.service_keys.as_ref(),
        }
    }

    /// Checks each value that is given, and that none of their keys is in both.
    fn check(&self) -> anyhow::Result<()> {
        let given: Vec<(Setting, Keys)> = Setting::ALL
            .into_iter()
            .filter_map(|setting| Some((setting, self.of(setting)?)))
            .map(|(setting, value)| anyhow::Ok((setting, setting.parse(value)?)))
            .collect::<Result<_, _>>()?;
        let names: Vec<&str> = given.iter().map(|(setting, _)| setting.name()).collect();
        let mut given = given.into_iter().map(|(_, keys)| keys);
        match (given.next(), given.next()) {
            (None, _) => return Err(anyhow!("set TOKEN_KEYS, SERVICE_KEYS or both")),
            (Some(_), None) => {}
            (Some(token), Some(service)) => {
                let apart = service.apart_from(&token, Setting::TokenKeys.name());
                apart.map_err(|reason| anyhow!("{}: {reason}", Setting::ServiceKeys.name()))?;
            }
        }
        for name in names {
            println!("{name} is valid");
        }
        Ok(())
    }
}
