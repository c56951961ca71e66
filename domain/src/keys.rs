//! Signing keys of tokens. The setting `token_keys` lists those of access tokens, and `service_keys` those of service tokens, as
//! `<kid>:<base64url of 32 bytes or more>`, separated by commas.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Minimum length of a key for HMAC-SHA-256 (RFC 7518, section 3.2).
pub const MIN_BYTES: usize = 32;

/// One signing key.
pub struct Key {
    /// The `kid` in the header of a token (RFC 7515, section 4.1.4).
    pub id: String,
    pub secret: Vec<u8>,
}

/// All keys of the setting. The first one signs and all are accepted, so a key can be replaced while its tokens are still valid.
pub struct Keys {
    pub signing: Key,
    older: Vec<Key>,
    /// Value of the claims `iss` and `aud`.
    pub issuer: String,
}

impl Keys {
    /// Parses the setting.
    ///
    /// # Errors
    /// A message that says what is wrong. It contains no key, so it may be logged.
    pub fn parse(setting: &str, issuer: String) -> Result<Self, String> {
        let mut keys = Vec::new();
        for (index, entry) in setting.split(',').map(str::trim).enumerate() {
            let number = index + 1;
            let (id, secret) = entry
                .split_once(':')
                .ok_or_else(|| format!("key {number} is not `<kid>:<base64url>`"))?;
            if id.is_empty()
                || !id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            {
                return Err(format!(
                    "key {number} has an invalid kid: letters, digits, - _ . are allowed, and at least one"
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
                    "key `{id}` has {} bytes, but needs at least {MIN_BYTES}",
                    secret.len()
                ));
            }
            if secret.iter().all(|byte| Some(byte) == secret.first()) {
                return Err(format!("key `{id}` repeats one byte"));
            }
            keys.push(Key {
                id: id.to_owned(),
                secret,
            });
        }
        let mut keys = keys.into_iter();
        let signing = keys.next().ok_or("there is no key")?;
        Ok(Self {
            signing,
            older: keys.collect(),
            issuer,
        })
    }

    /// All keys, of which each is accepted.
    pub fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.signing).chain(&self.older)
    }

    /// These keys, if none of them is also among `others`, the keys of the setting `setting`.
    ///
    /// # Errors
    /// A message that names the key. It contains no secret, so it may be logged.
    pub fn apart_from(self, others: &Self, setting: &str) -> Result<Self, String> {
        let shared = self
            .all()
            .find(|key| others.all().any(|other| other.secret == key.secret));
        match shared {
            Some(key) => Err(format!("key `{}` is also in {setting}", key.id)),
            None => Ok(self),
        }
    }

    /// The keys that do not sign any more, newest first.
    pub fn older(&self) -> &[Key] {
        &self.older
    }

    /// The key with this `kid`.
    pub fn find(&self, id: &str) -> Option<&Key> {
        self.all().find(|key| key.id == id)
    }
}

/// Formats one key for the setting.
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
    fn the_first_key_signs_and_all_are_accepted() {
        let keys = parse(&format!("b:{}, a:{}", key(1, 32), key(2, 48))).unwrap();
        assert_eq!(keys.signing.id, "b");
        assert_eq!(keys.find("a").unwrap().secret.len(), 48);
        assert!(keys.find("c").is_none());
    }

    #[test]
    fn one_secret_is_in_one_setting_under_whatever_name() {
        let others = parse(&format!("b:{}, a:{}", key(1, 32), key(2, 48))).unwrap();
        let apart = |setting: &str| parse(setting).unwrap().apart_from(&others, "token_keys");
        // The same name for another secret is no mistake.
        assert!(apart(&format!("a:{}", key(3, 32))).is_ok());
        for shared in [
            format!("c:{}", key(2, 48)),
            format!("c:{}, d:{}", key(3, 32), key(1, 32)),
        ] {
            let error = apart(&shared).err().unwrap();
            assert!(error.ends_with("is also in token_keys"), "{error}");
        }
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
