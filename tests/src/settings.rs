//! A system of one test's own, where the settings are what is tested.

use anyhow::Result;
use stage::scratch::Scratch;
use stage::system::{Log, System, SystemOptions};

use crate::client::Api;

/// A system with these variables of spin.toml, by their names in capitals. It lasts as long as its folder.
///
/// # Errors
/// Where it does not start.
pub async fn started_with(settings: &[(&str, &str)]) -> Result<(System, Api, Scratch)> {
    let folder = Scratch::new("settings")?;
    let mut options = SystemOptions::new(folder.path(), Log::Postgres);
    let variables = settings
        .iter()
        .map(|(name, value)| (format!("SPIN_VARIABLE_{name}"), (*value).to_owned()));
    options.host_env.extend(variables);
    let system = System::start(options).await?;
    let api = Api::new(&system.api_url())?;
    Ok((system, api, folder))
}
