//! The keys of access tokens, as the setting `token_keys` has them: `<kid>:<base64url of 32 bytes or more>`, comma-separated.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// HMAC-SHA-256 is as strong as its key, up to this many bytes (RFC 7518, section 3.2).
pub const MIN_BYTES: usize = 32;

pub struct Key {
    pub id: String,
    pub secret: Vec<u8>,
}

/// The first key signs; all of them are accepted, so that a key can be replaced while its tokens are still about.
pub struct Keys {
    pub signing: Key,
    older: Vec<Key>,
    /// `iss` and `aud` of our tokens.
    pub issuer: String,
}

impl Keys {
    /// Reads the setting; the error says what is wrong with it and shows no key.
    pub fn parse(setting: &str, issuer: String) -> Result<Self, String> {
        let mut keys = Vec::new();
        for (place, entry) in setting.split(',').map(str::trim).enumerate() {
            let place = place + 1;
            let (id, secret) = entry
                .split_once(':')
                .ok_or_else(|| format!("key {place} is not `<kid>:<base64url>`"))?;
            if id.is_empty()
                || !id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            {
                return Err(format!(
                    "key {place} has a kid that is empty or has other than letters, digits, - _ ."
                ));
            }
            if keys.iter().any(|key: &Key| key.id == id) {
                return Err(format!("two keys have the kid `{id}`"));
            }
            let secret = URL_SAFE_NO_PAD
                .decode(secret.trim_end_matches('='))
                .map_err(|_| format!("key `{id}` is not base64url"))?;
            if secret.len() < MIN_BYTES {
                return Err(format!(
                    "key `{id}` has {} bytes; {MIN_BYTES} are the least",
                    secret.len()
                ));
            }
            if secret.iter().all(|byte| Some(byte) == secret.first()) {
                return Err(format!("key `{id}` is one byte repeated"));
            }
            keys.push(Key {
                id: id.to_owned(),
                secret,
            });
        }
        let mut keys = keys.into_iter();
        let signing = keys.next().ok_or("no key")?;
        Ok(Self {
            signing,
            older: keys.collect(),
            issuer,
        })
    }

    pub fn find(&self, id: &str) -> Option<&Key> {
        std::iter::once(&self.signing)
            .chain(&self.older)
            .find(|key| key.id == id)
    }
}

/// One key as the setting has it.
pub fn entry(id: &str, secret: &[u8]) -> String {
    format!("{id}:{}", URL_SAFE_NO_PAD.encode(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(setting: &str) -> Result<Keys, String> {
        Keys::parse(setting, "spindle".to_owned())
    }

    fn key(seed: u8, bytes: u8) -> String {
        URL_SAFE_NO_PAD.encode((0..bytes).map(|n| n ^ seed).collect::<Vec<_>>())
    }

    #[test]
    fn the_first_signs_and_all_are_found() {
        let keys = parse(&format!("b:{}, a:{}", key(1, 32), key(2, 48))).unwrap();
        assert_eq!(keys.signing.id, "b");
        assert_eq!(keys.find("a").unwrap().secret.len(), 48);
        assert!(keys.find("c").is_none());
    }

    #[test]
    fn weak_or_malformed_keys_are_refused() {
        let fine = key(1, 32);
        for bad in [
            String::new(),
            fine.clone(),
            format!(":{fine}"),
            format!("a:{}", key(1, 31)),
            format!("a:{}", URL_SAFE_NO_PAD.encode([7; 32])),
            "a:***".to_owned(),
            format!("a:{fine},a:{}", key(2, 32)),
            format!("a:{fine},"),
        ] {
            assert!(parse(&bad).is_err(), "{bad}");
        }
    }
}
