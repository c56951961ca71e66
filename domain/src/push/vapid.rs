//! How a push service recognizes this server: a token that is signed with a key of its own (VAPID, RFC 8292).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;

use super::encryption::decode;

/// How long a token is valid. Push services accept at most a day (RFC 8292, section 2).
const VALID: TimeDelta = TimeDelta::hours(12);

/// The header of a token (RFC 8292, section 2).
const HEADER: &str = r#"{"typ":"JWT","alg":"ES256"}"#;

/// The key of this server, and how the operators of push services reach its operator.
pub struct Vapid {
    key: SigningKey,
    subject: String,
}

impl Vapid {
    /// Parses the settings: the private key on P-256, 32 bytes as base64url, and an address of the operator that begins with
    /// `mailto:` or `https://`.
    ///
    /// # Errors
    /// The name of the wrong setting, and what is wrong with it. Neither contains the key, so they may be logged.
    pub fn parse(key: &str, subject: &str) -> Result<Self, (&'static str, String)> {
        let wrong = |reason: &str| ("vapid_key", reason.to_owned());
        let bytes = decode(key.trim()).map_err(wrong)?;
        // The crate would also take shorter keys.
        let key = <[u8; 32]>::try_from(bytes)
            .ok()
            .and_then(|bytes| SecretKey::from_slice(&bytes).ok())
            .ok_or_else(|| wrong("must have 32 bytes, and be a private key on P-256"))?;
        let subject = subject.trim();
        let is_plain = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"<>\"\\".contains(&byte))
        };
        let is_address = |text: &str| {
            text.split_once('@')
                .is_some_and(|(name, host)| is_plain(name) && is_plain(host))
        };
        let is_valid = match (
            subject.strip_prefix("mailto:"),
            subject.strip_prefix("https://"),
        ) {
            (Some(address), _) => is_address(address),
            (_, Some(url)) => is_plain(url),
            (None, None) => false,
        };
        if !is_valid {
            let reason = "must be like mailto:ops@example.org or https://example.org";
            return Err(("vapid_subject", reason.to_owned()));
        }
        Ok(Self {
            key: key.into(),
            subject: subject.to_owned(),
        })
    }

    /// The public key as base64url: the `applicationServerKey` with which a browser subscribes.
    #[must_use]
    pub fn public_key(&self) -> String {
        let point = self.key.verifying_key().to_encoded_point(false);
        URL_SAFE_NO_PAD.encode(point.as_bytes())
    }

    /// The header `Authorization` of a request to a push service. It is valid for 12 hours, for all subscriptions at `origin`, so it
    /// can be used again.
    #[must_use]
    pub fn authorization(&self, origin: &str, now: DateTime<Utc>) -> String {
        let claims = json!({
            "aud": origin,
            "exp": (now + VALID).timestamp(),
            "sub": self.subject,
        });
        let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        let signed = format!(
            "{}.{}",
            encode(HEADER.as_bytes()),
            encode(claims.to_string().as_bytes())
        );
        // The nonce is derived from the message (RFC 6979), so signing needs no randomness.
        let signature: Signature = self.key.sign(signed.as_bytes());
        let token = format!("{signed}.{}", encode(&signature.to_bytes()));
        format!("vapid t={token}, k={}", self.public_key())
    }
}

/// Formats a private key for the setting. `None` if the bytes are no key, which happens to one random value of four billion.
#[must_use]
pub fn vapid_entry(bytes: [u8; 32]) -> Option<String> {
    SecretKey::from_slice(&bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier;
    use serde_json::Value;

    use super::*;

    /// The private key of the sender in RFC 8291, appendix A, and its public key.
    const KEY: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    const PUBLIC: &str =
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

    /// The header in RFC 8292, section 2.4.
    const EXAMPLE: &str = "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";

    /// Verifies a header as a push service does and returns the header and the claims of the token.
    fn verified(header: &str) -> (String, Value) {
        let (token, key) = header
            .strip_prefix("vapid t=")
            .unwrap()
            .split_once(", k=")
            .unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (head, claims) = signed.split_once('.').unwrap();
        let key = VerifyingKey::from_sec1_bytes(&decode(key).unwrap()).unwrap();
        let signature = Signature::from_slice(&decode(signature).unwrap()).unwrap();
        key.verify(signed.as_bytes(), &signature).unwrap();
        (
            String::from_utf8(decode(head).unwrap()).unwrap(),
            serde_json::from_slice(&decode(claims).unwrap()).unwrap(),
        )
    }

    fn vapid(key: &str, subject: &str) -> Result<Vapid, (&'static str, String)> {
        Vapid::parse(key, subject)
    }

    /// The example and our header differ in the signature and the key alone, and the same check accepts both.
    #[test]
    fn a_header_is_like_the_example_of_the_rfc() {
        let now = DateTime::from_timestamp(1_453_523_768, 0).unwrap() - VALID;
        let vapid = vapid(KEY, "mailto:push@example.com").unwrap();
        let ours = vapid.authorization("https://push.example.net", now);
        assert_eq!(verified(&ours), verified(EXAMPLE));
        let signed = |header: &str| header.rsplit_once('.').unwrap().0.to_owned();
        assert_eq!(signed(&ours), signed(EXAMPLE));
        assert!(ours.ends_with(&format!(", k={PUBLIC}")), "{ours}");
        assert_eq!(vapid.authorization("https://push.example.net", now), ours);
    }

    #[test]
    fn a_token_names_the_push_service_and_ends() {
        let now: DateTime<Utc> = "2026-11-27T02:00:00Z".parse().unwrap();
        let vapid = vapid(&format!(" {KEY}= "), "https://example.org/ops").unwrap();
        let (head, claims) = verified(&vapid.authorization("https://fcm.googleapis.com", now));
        assert_eq!(head, HEADER);
        assert_eq!(
            claims,
            json!({
                "aud": "https://fcm.googleapis.com",
                "exp": now.timestamp() + 12 * 3600,
                "sub": "https://example.org/ops"
            })
        );
    }

    #[test]
    fn wrong_settings_are_refused_without_showing_the_key() {
        let zero = URL_SAFE_NO_PAD.encode([0; 32]);
        for wrong in ["", "***", &KEY[..40], &zero, PUBLIC] {
            let (name, message) = vapid(wrong, "mailto:a@b.de").err().unwrap();
            assert_eq!(name, "vapid_key", "{message}");
            assert!(wrong.is_empty() || !message.contains(wrong), "{message}");
        }
        for wrong in [
            "",
            "a@b.de",
            "mailto:",
            "mailto:a",
            "mailto:<a@b.de>",
            "http://a.de",
            "https://",
        ] {
            let (name, message) = vapid(KEY, wrong).err().unwrap();
            assert_eq!(name, "vapid_subject", "{wrong}: {message}");
            assert!(message.contains("mailto:"), "{wrong}: {message}");
        }
        let entry = vapid_entry([7; 32]).unwrap();
        assert!(vapid(&entry, "mailto:a@b.de").is_ok());
        assert_eq!(vapid_entry([0; 32]), None);
    }
}
