//! The signing keys, from the settings `token_keys`, `service_keys` and `token_issuer`.

pub use domain::keys::Keys;
use guest::variables::{self, BadSetting};

/// Reads the keys of access tokens.
///
/// # Errors
/// Missing or weak keys. Then no request that needs a key is served: with a guessable key anybody could sign tokens.
pub fn load() -> Result<Keys, BadSetting> {
    let issuer = variables::get("token_issuer")?;
    let keys = variables::get("token_keys")?;
    Keys::parse(&keys, issuer).map_err(|reason| BadSetting::new("token_keys", reason))
}

/// Reads the keys of service tokens, with which agents call the API.
///
/// # Errors
/// Missing or weak keys, or one that signs access tokens, too: who knows it could act as an agent and as every user.
pub fn load_service() -> Result<Keys, BadSetting> {
    let access = load()?;
    let keys = variables::get("service_keys")?;
    Keys::parse(&keys, access.issuer.clone())
        .and_then(|keys| keys.apart_from(&access, "token_keys"))
        .map_err(|reason| BadSetting::new("service_keys", reason))
}
