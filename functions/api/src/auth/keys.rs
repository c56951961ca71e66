//! The signing keys of access tokens, from the settings `token_keys` and `token_issuer`.

pub use domain::keys::Keys;
use guest::variables::{self, BadSetting};

/// Reads the settings.
///
/// # Errors
/// Missing or weak keys. Then no request that needs a key is served: with a guessable key anybody could sign tokens.
pub fn load() -> Result<Keys, BadSetting> {
    let issuer = variables::get("token_issuer")?;
    let keys = variables::get("token_keys")?;
    Keys::parse(&keys, issuer).map_err(|reason| BadSetting::new("token_keys", reason))
}
