//! Web Push: subscriptions of browsers, and messages to them (RFC 8030, 8291 and 8292).

mod encryption;
mod endpoint;
mod vapid;

pub use encryption::{ClientKeys, MAX_PAYLOAD, MessageSecrets, encrypt};
pub use endpoint::{Endpoint, PushHosts};
use uuid::Uuid;
pub use vapid::{Vapid, vapid_entry};

use crate::delivery::Outgoing;
use crate::json::{Fault, Json, Reader, text};

/// A message that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    #[error("the message has {0} bytes, but push services accept at most {MAX_PAYLOAD}")]
    TooLong(usize),
    /// The random bytes are not a key. The caller draws others.
    #[error("the random bytes are not a private key")]
    NoKey,
    #[error("the message could not be encrypted")]
    Cipher,
}

/// A browser's subscription to push messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub endpoint: Endpoint,
    pub keys: ClientKeys,
}

impl Subscription {
    /// Parses what `PushSubscription.toJSON()` returns in a browser: `{"endpoint","expirationTime","keys":{"p256dh","auth"}}`.
    ///
    /// # Errors
    /// All faults of the body. An endpoint at a host that `hosts` does not list is one.
    pub fn parse(body: Json, hosts: &PushHosts) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new("", body)?;
        let endpoint = reader.required("endpoint", |at, value| {
            let url = text(at, value, 1, 2048)?;
            Endpoint::parse(&url, hosts).map_err(|detail| vec![Fault::new(at, detail)])
        });
        let keys = reader.required("keys", client_keys);
        // Browsers always send it. A subscription that has expired is removed when the push service says so.
        reader.optional("expirationTime", |at, value| match value {
            Json::Null | Json::Number(_) => Ok(()),
            _ => Err(vec![Fault::new(at, "must be null or a number")]),
        });
        reader.finish()?;
        match (endpoint, keys) {
            (Some(endpoint), Some(keys)) => Ok(Self { endpoint, keys }),
            _ => Err(vec![Fault::new("", "needs `endpoint` and `keys`")]),
        }
    }

    /// Reads a stored subscription. It is checked again, because the setting may allow less than when it was stored.
    ///
    /// # Errors
    /// All faults.
    pub fn stored(
        endpoint: &str,
        p256dh: &str,
        auth: &str,
        hosts: &PushHosts,
    ) -> Result<Self, Vec<Fault>> {
        let member = |name: &str, text: &str| (name.to_owned(), Json::Text(text.to_owned()));
        let keys = Json::Object(vec![member("p256dh", p256dh), member("auth", auth)]);
        let body = vec![member("endpoint", endpoint), ("keys".to_owned(), keys)];
        Self::parse(Json::Object(body), hosts)
    }
}

fn client_keys(pointer: &str, value: Json) -> Result<ClientKeys, Vec<Fault>> {
    let mut reader = Reader::new(pointer, value)?;
    let public = reader.required("p256dh", |at, value| {
        ClientKeys::public(&text(at, value, 1, 200)?).map_err(|detail| vec![Fault::new(at, detail)])
    });
    let auth = reader.required("auth", |at, value| {
        ClientKeys::auth(&text(at, value, 1, 100)?).map_err(|detail| vec![Fault::new(at, detail)])
    });
    reader.finish()?;
    match (public, auth) {
        (Some(public), Some(auth)) => Ok(ClientKeys::new(public, auth)),
        _ => Err(vec![Fault::new(pointer, "needs `p256dh` and `auth`")]),
    }
}

/// A message to one subscription.
pub struct PushMessage<'a> {
    /// What the service worker gets, at most [`MAX_PAYLOAD`] bytes.
    pub payload: &'a [u8],
    /// How long the push service keeps the message for a browser that is offline, in seconds.
    pub ttl: u32,
    /// A message replaces an undelivered one with the same topic.
    pub topic: Uuid,
}

/// The request that delivers a message (RFC 8030, section 5). `authorization` is for the endpoint's origin, see
/// [`Vapid::authorization`]; requests of the same hour may share it.
///
/// # Errors
/// See [`encrypt`].
pub fn request(
    to: &Subscription,
    message: &PushMessage,
    secrets: &MessageSecrets,
    authorization: &str,
) -> Result<Outgoing, PushError> {
    let body = encrypt(&to.keys, message.payload, secrets)?;
    Ok(Outgoing {
        url: to.endpoint.url().to_owned(),
        headers: vec![
            ("Authorization", authorization.to_owned()),
            ("Content-Encoding", "aes128gcm".to_owned()),
            ("Content-Type", "application/octet-stream".to_owned()),
            ("TTL", message.ttl.to_string()),
            // A reminder is of no use when the device happens to wake up.
            ("Urgency", "high".to_owned()),
            // 32 characters of base64url are allowed, and a UUID without hyphens has as many.
            ("Topic", message.topic.simple().to_string()),
        ],
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const P256DH: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    const URL: &str = "https://fcm.googleapis.com/fcm/send/abc";

    fn hosts() -> PushHosts {
        PushHosts::parse("fcm.googleapis.com").unwrap()
    }

    fn parse(body: &str) -> Result<Subscription, Vec<Fault>> {
        Subscription::parse(Json::parse(body.as_bytes()).unwrap(), &hosts())
    }

    #[test]
    fn a_subscription_is_what_a_browser_sends() {
        let keys = format!(r#""keys":{{"p256dh":"{P256DH}","auth":"{AUTH}"}}"#);
        let stored = Subscription::stored(URL, P256DH, AUTH, &hosts()).unwrap();
        for expiration in [
            "",
            r#""expirationTime":null,"#,
            r#""expirationTime":1.5e12,"#,
        ] {
            let body = format!(r#"{{"endpoint":"{URL}",{expiration}{keys}}}"#);
            assert_eq!(parse(&body).unwrap(), stored);
        }
        let without = PushHosts::default();
        let faults = Subscription::stored(URL, P256DH, AUTH, &without).unwrap_err();
        assert_eq!(faults[0].pointer, "/endpoint");
        for (body, pointer) in [
            ("[]".to_owned(), ""),
            ("{}".to_owned(), "/endpoint"),
            (format!(r#"{{"endpoint":"{URL}"}}"#), "/keys"),
            (
                format!(r#"{{"endpoint":"http://a.de",{keys}}}"#),
                "/endpoint",
            ),
            (format!(r#"{{"endpoint":7,{keys}}}"#), "/endpoint"),
            (
                format!(r#"{{"endpoint":"{URL}{}",{keys}}}"#, "x".repeat(2048)),
                "/endpoint",
            ),
            (
                format!(r#"{{"endpoint":"{URL}","keys":{{"p256dh":"{P256DH}"}}}}"#),
                "/keys/auth",
            ),
            (
                format!(r#"{{"endpoint":"{URL}","keys":{{"p256dh":"AA","auth":"{AUTH}"}}}}"#),
                "/keys/p256dh",
            ),
            (
                format!(r#"{{"endpoint":"{URL}","keys":{{"p256dh":"{P256DH}","auth":"AA"}}}}"#),
                "/keys/auth",
            ),
            (
                format!(r#"{{"endpoint":"{URL}","expirationTime":"x",{keys}}}"#),
                "/expirationTime",
            ),
            (
                format!(r#"{{"endpoint":"{URL}","user":1,{keys}}}"#),
                "/user",
            ),
        ] {
            assert_eq!(parse(&body).unwrap_err()[0].pointer, pointer, "{body}");
        }
    }

    #[test]
    fn a_request_has_the_headers_of_the_rfcs() {
        let to = Subscription::stored(URL, P256DH, AUTH, &hosts()).unwrap();
        let message = PushMessage {
            payload: b"{}",
            ttl: 3600,
            topic: Uuid::from_u128(0xab),
        };
        let secrets = MessageSecrets {
            key: [9; 32],
            salt: [1; 16],
        };
        let sent = request(&to, &message, &secrets, "vapid t=a, k=b").unwrap();
        assert_eq!(sent.url, URL);
        assert_eq!(sent.body, encrypt(&to.keys, b"{}", &secrets).unwrap());
        let header = |name: &str| {
            let mut found = sent.headers.iter().filter(|(header, _)| *header == name);
            found.next().map(|(_, value)| value.as_str())
        };
        for (name, value) in [
            ("Authorization", "vapid t=a, k=b"),
            ("Content-Encoding", "aes128gcm"),
            ("TTL", "3600"),
            ("Urgency", "high"),
            ("Topic", "000000000000000000000000000000ab"),
        ] {
            assert_eq!(header(name), Some(value), "{name}");
        }
    }
}
