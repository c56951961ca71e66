//! Secrets that the server gives out and stores only a hash of: refresh tokens, and tickets for live connections.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A random secret: 32 bytes in base64url.
pub struct Secret(String);

impl Secret {
    /// Generates a secret.
    pub fn new() -> Self {
        // Two random UUIDs contain 244 random bits.
        let mut bytes = [0; 32];
        for (half, id) in bytes.chunks_mut(16).zip([Uuid::new_v4(), Uuid::new_v4()]) {
            half.copy_from_slice(id.as_bytes());
        }
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)))
    }

    /// The secret itself, for the client.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The hash to store, see [`hash`].
    pub fn hash(&self) -> String {
        hash(&self.0)
    }
}

/// The SHA-256 of a secret in hex, which the database stores. The secret is random, so it needs no slow hash.
pub fn hash(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_unique() {
        let (one, other) = (Secret::new(), Secret::new());
        assert_eq!(one.text().len(), 43);
        assert_ne!(one.text(), other.text());
        assert_eq!(one.hash().len(), 64);
    }
}
