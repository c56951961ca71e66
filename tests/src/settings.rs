//! A system of one test's own, for tests of settings.

use anyhow::Result;
use stage::scratch::Scratch;
use stage::system::{LogKind, Runtime, System, SystemOptions};

use crate::client::Api;

/// Starts a system in which these variables of spin.toml have these values. Names are in upper case. The system's data lies in
/// the returned folder.
///
/// # Errors
/// A part of the system does not start.
pub async fn start_with_settings(settings: &[(&str, &str)]) -> Result<(System, Api, Scratch)> {
    let folder = Scratch::new("settings")?;
    let mut options = SystemOptions::new(folder.path(), LogKind::Postgres);
    options.runtime = Runtime::from_environment()?;
    // These tests kill processes at most, so nothing needs to survive a power failure.
    options.fsync = false;
    let variables = settings
        .iter()
        .map(|(name, value)| (format!("SPIN_VARIABLE_{name}"), (*value).to_owned()));
    options.host_env.extend(variables);
    let system = System::start(options).await?;
    let api = Api::new(&system.api_url())?;
    Ok((system, api, folder))
}
