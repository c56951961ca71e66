//! Tokens in the links that end the notifications of a channel with one click (RFC 8058).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::keys::Key;
use crate::reminder::Channel;

/// What a key signs begins with this, so that a signature for another purpose is no token.
const PURPOSE: &[u8] = b"spindle unsubscribe 1\0";

/// Ends the notifications of one user through one channel. A token does not expire: the link in an old mail must work, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    pub user: Uuid,
    pub channel: Channel,
}

impl Unsubscribe {
    /// The token: `<channel>.<user>.<signature>`, the latter two as base64url.
    #[must_use]
    pub fn token(&self, key: &Key) -> String {
        let signature = self.signed(key).finalize().into_bytes();
        format!(
            "{}.{}.{}",
            self.channel.as_str(),
            URL_SAFE_NO_PAD.encode(self.user.as_bytes()),
            URL_SAFE_NO_PAD.encode(signature)
        )
    }

    /// Reads a token that one of the keys has signed. `None` for any other text. Signatures are compared in constant time.
    #[must_use]
    pub fn read<'a>(token: &str, keys: impl IntoIterator<Item = &'a Key>) -> Option<Self> {
        let mut parts = token.split('.');
        let (channel, user, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let read = Self {
            user: Uuid::from_slice(&URL_SAFE_NO_PAD.decode(user).ok()?).ok()?,
            channel: Channel::from_name(channel)?,
        };
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_signed = keys
            .into_iter()
            .any(|key| read.signed(key).verify_slice(&signature).is_ok());
        is_signed.then_some(read)
    }

    fn signed(&self, key: &Key) -> Hmac<Sha256> {
        // HMAC takes keys of any length.
        let mac = Hmac::new_from_slice(&key.secret);
        mac.unwrap_or_else(|_| Hmac::new(&Default::default()))
            .chain_update(PURPOSE)
            .chain_update(self.user.as_bytes())
            .chain_update(self.channel.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, byte: u8) -> Key {
        Key {
            id: id.to_owned(),
            secret: vec![byte; 32],
        }
    }

    fn email(user: u128) -> Unsubscribe {
        Unsubscribe {
            user: Uuid::from_u128(user),
            channel: Channel::Email,
        }
    }

    #[test]
    fn a_token_is_read_with_the_key_that_signed_it() {
        let (new, old) = (key("new", 1), key("old", 2));
        let token = email(7).token(&old);
        assert!(
            token.starts_with("email.AAAAAAAAAAAAAAAAAAAABw."),
            "{token}"
        );
        assert_eq!(Unsubscribe::read(&token, [&new, &old]), Some(email(7)));
        assert_eq!(Unsubscribe::read(&token, [&new]), None);
        assert_eq!(Unsubscribe::read(&token, []), None);
        // The HMAC-SHA-256 of the purpose, the user and the channel, as Python's hmac computes it.
        assert_eq!(
            email(7).token(&new),
            "email.AAAAAAAAAAAAAAAAAAAABw.AAoKdVWVbdzo-VlJvDIgvAK5Uy2wCA9zhZeW-qXLpck"
        );
    }

    #[test]
    fn any_other_text_is_no_token() {
        let key = key("a", 1);
        let token = email(7).token(&key);
        let parts: Vec<&str> = token.split('.').collect();
        let other = email(8).token(&key);
        let user = other.split('.').nth(1).unwrap();
        for wrong in [
            String::new(),
            "..".to_owned(),
            format!("{token}."),
            format!("{token}.x"),
            format!("{token}A"),
            token[..token.len() - 4].to_owned(),
            format!("push.{}.{}", parts[1], parts[2]),
            format!("sms.{}.{}", parts[1], parts[2]),
            format!("email.{user}.{}", parts[2]),
            format!("email.{}.", parts[1]),
            format!("email.{}.{}", parts[1], "A".repeat(43)),
            format!("email.AAAA.{}", parts[2]),
        ] {
            assert_eq!(Unsubscribe::read(&wrong, [&key]), None, "{wrong}");
        }
    }
}
