//! A system of one test's own, for tests of settings and of servers that the test breaks.

use anyhow::Result;
use stage::scratch::Scratch;
use stage::system::{LogKind, Runtime, System, SystemOptions};

use crate::client::Api;

/// The options of a system whose data lies in `folder`.
///
/// # Errors
/// The environment names an unknown runtime.
pub fn options(folder: &Scratch, log: LogKind) -> Result<SystemOptions> {
    let mut options = SystemOptions::new(folder.path(), log);
    options.runtime = Runtime::from_environment()?;
    // Tests kill processes at most, so nothing needs to survive a power failure.
    options.fsync = false;
    Ok(options)
}

/// Starts a system in which these variables of spin.toml have these values. Names are in upper case. The system's data lies in
/// the returned folder.
///
/// # Errors
/// A part of the system does not start.
pub async fn start_with_settings(settings: &[(&str, &str)]) -> Result<(System, Api, Scratch)> {
    start_with(settings, |_| {}).await
}

/// As [`start_with_settings`], with options that `change` has changed. The log is in Postgres, unless it says otherwise.
///
/// # Errors
/// A part of the system does not start.
pub async fn start_with(
    settings: &[(&str, &str)],
    change: impl FnOnce(&mut SystemOptions),
) -> Result<(System, Api, Scratch)> {
    let folder = Scratch::new("settings")?;
    let mut options = options(&folder, LogKind::Postgres)?;
    change(&mut options);
    let variables = settings
        .iter()
        .map(|(name, value)| (format!("SPIN_VARIABLE_{name}"), (*value).to_owned()));
    options.host_env.extend(variables);
    let system = System::start(options).await?;
    let api = Api::new(&system.api_url())?;
    Ok((system, api, folder))
}
