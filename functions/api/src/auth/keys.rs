//! The keys of access tokens, from the settings.

pub use domain::keys::Keys;
use guest::variables::{self, BadSetting};

/// Reads the settings. Without sound keys nothing is served: a guessable key would open every account.
pub fn load() -> Result<Keys, BadSetting> {
    let issuer = variables::get("token_issuer")?;
    let keys = variables::get("token_keys")?;
    Keys::parse(&keys, issuer).map_err(|reason| BadSetting::new("token_keys", reason))
}
