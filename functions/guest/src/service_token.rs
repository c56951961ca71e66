//! Service tokens, with which agents call the API. An agent signs one for each request.

use domain::keys::Keys;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::jwt::{Claims, Kind};

/// A service token is used at once, so it lives only as long as clocks and slow requests need.
const KIND: Kind = Kind {
    name: "service+jwt",
    lifetime: 60,
    mismatch: "the token is not a service token of this API",
};

/// The agents that call the API; the claim `sub`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentName {
    Recurring,
}

impl AgentName {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recurring => "recurring",
        }
    }
}

/// The only role of an agent; the claim `role`.
#[derive(Debug, Serialize, Deserialize)]
enum Role {
    #[serde(rename = "service")]
    Service,
}

/// Issues a token for an agent. `now` is in seconds since 1970; the keys are those of the setting `service_keys`.
///
/// # Errors
/// The claims cannot be written as JSON.
pub fn sign(
    agent: AgentName,
    jti: Uuid,
    now: u64,
    keys: &Keys,
) -> Result<String, jsonwebtoken::errors::Error> {
    KIND.sign(agent, Role::Service, jti, now, keys)
}

/// Checks a token and says which agent it is from.
///
/// # Errors
/// The reason in ASCII without quotes; the client sees it in the problem and in `WWW-Authenticate`.
pub fn verify(token: &str, keys: &Keys) -> Result<AgentName, &'static str> {
    let Claims {
        sub,
        role: Role::Service,
        ..
    } = KIND.verify(token, keys)?;
    Ok(sub)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failing test panics"
)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use serde_json::{Value, json};

    use super::*;

    fn keys(id: &str, seed: u8) -> Keys {
        let secret: Vec<u8> = (0..32).map(|n| n ^ seed).collect();
        Keys::parse(&domain::keys::entry(id, &secret), "spindle".to_owned()).unwrap()
    }

    fn now() -> u64 {
        jsonwebtoken::get_current_timestamp()
    }

    fn claims() -> Value {
        json!({ "iss": "spindle", "aud": "spindle", "sub": "recurring", "exp": now() + 60, "iat": now(),
                "jti": Uuid::from_u128(8), "role": "service" })
    }

    fn forge(change: impl FnOnce(&mut Header, &mut Value), keys: &Keys) -> String {
        let (mut header, mut claims) = (Header::new(Algorithm::HS256), claims());
        header.typ = Some(KIND.name.to_owned());
        header.kid = Some(keys.signing.id.clone());
        change(&mut header, &mut claims);
        let key = EncodingKey::from_secret(&keys.signing.secret);
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    }

    #[test]
    fn a_token_names_its_agent_for_a_minute() {
        let keys = keys("s", 1);
        let token = |now| sign(AgentName::Recurring, Uuid::from_u128(8), now, &keys).unwrap();
        assert_eq!(verify(&token(now()), &keys), Ok(AgentName::Recurring));
        assert_eq!(verify(&token(now() - 58), &keys), Ok(AgentName::Recurring));
        assert_eq!(
            verify(&token(now() - 70), &keys),
            Err("the token has expired")
        );
    }

    #[test]
    fn all_other_tokens_are_invalid() {
        let keys = keys("s", 1);
        assert!(verify(&forge(|_, _| {}, &keys), &keys).is_ok());
        let change = |name: &'static str, value: Value| {
            move |_: &mut Header, claims: &mut Value| claims[name] = value
        };
        for token in [
            forge(change("exp", json!(now() - 6)), &keys),
            forge(change("iat", json!(now() + 60)), &keys),
            forge(change("iss", json!("other")), &keys),
            forge(change("aud", json!("other")), &keys),
            forge(change("role", json!("user")), &keys),
            forge(change("role", json!("admin")), &keys),
            forge(change("sub", json!("audit")), &keys),
            forge(change("sub", json!(Uuid::from_u128(7))), &keys),
            forge(|header, _| header.typ = Some("at+jwt".to_owned()), &keys),
            forge(|header, _| header.typ = Some("JWT".to_owned()), &keys),
            forge(|header, _| header.typ = None, &keys),
            forge(|header, _| header.kid = None, &keys),
            forge(|header, _| header.kid = Some("b".to_owned()), &keys),
            forge(|header, _| header.alg = Algorithm::HS512, &keys),
        ] {
            assert!(verify(&token, &keys).is_err(), "{token}");
        }
        for claim in ["iss", "aud", "sub", "exp", "iat", "jti", "role"] {
            let token = forge(
                |_, claims| {
                    claims.as_object_mut().unwrap().remove(claim);
                },
                &keys,
            );
            assert!(verify(&token, &keys).is_err(), "{claim}");
        }
        let none = format!(
            "{}.{}.",
            B64.encode(r#"{"alg":"none","typ":"service+jwt","kid":"s"}"#),
            B64.encode(claims().to_string())
        );
        for token in ["", ".", "a.b.c", "é", &"x".repeat(3000), &none] {
            assert!(verify(token, &keys).is_err(), "{token}");
        }
    }

    #[test]
    fn another_key_with_the_same_id_signs_nothing() {
        let token = forge(|_, _| {}, &keys("s", 2));
        assert_eq!(
            verify(&token, &keys("s", 1)),
            Err("the token's signature is wrong")
        );
    }
}
