//! Access tokens, which are valid for ten minutes.

use domain::account::Role;
use guest::jwt::{self, Kind};
use uuid::Uuid;

use super::keys::Keys;

/// How long a token is valid, in seconds.
pub const LIFETIME: u64 = 600;

const KIND: Kind = Kind {
    // RFC 9068, section 2.1.
    name: "at+jwt",
    lifetime: LIFETIME,
    mismatch: "the token is not an access token of this API",
};

pub type Claims = jwt::Claims<Uuid, Role>;

/// Issues a token for a user. `now` is in seconds since 1970.
pub fn sign(
    user: Uuid,
    role: Role,
    jti: Uuid,
    now: u64,
    keys: &Keys,
) -> Result<String, jsonwebtoken::errors::Error> {
    KIND.sign(user, role, jti, now, keys)
}

/// Checks a token and returns its claims.
///
/// # Errors
/// The reason in ASCII without quotes; the client sees it in the problem and in `WWW-Authenticate`.
pub fn verify(token: &str, keys: &Keys) -> Result<Claims, &'static str> {
    KIND.verify(token, keys)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use serde_json::{Value, json};

    use super::*;

    fn keys(setting: &str) -> Keys {
        Keys::parse(setting, "spindle".to_owned()).unwrap()
    }

    fn setting(kid: &str, seed: u8) -> String {
        format!(
            "{kid}:{}",
            B64.encode((0..32).map(|n| n ^ seed).collect::<Vec<u8>>())
        )
    }

    fn now() -> u64 {
        jsonwebtoken::get_current_timestamp()
    }

    fn claims() -> Value {
        json!({ "iss": "spindle", "aud": "spindle", "sub": Uuid::from_u128(7), "exp": now() + 60, "iat": now(),
                "jti": Uuid::from_u128(8), "role": "user" })
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
    fn a_token_stays_valid_after_its_key_was_rotated() {
        let old = keys(&setting("a", 1));
        let token = sign(
            Uuid::from_u128(7),
            Role::Auditor,
            Uuid::from_u128(8),
            now(),
            &old,
        )
        .unwrap();
        let both = keys(&format!("{},{}", setting("b", 2), setting("a", 1)));
        let claims = verify(&token, &both).unwrap();
        assert_eq!(
            (claims.sub, claims.role),
            (Uuid::from_u128(7), Role::Auditor)
        );
        assert!(verify(&token, &keys(&setting("b", 2))).is_err());
        assert!(verify(&token, &keys(&setting("a", 3))).is_err());
    }

    #[test]
    fn all_other_tokens_are_invalid() {
        let keys = keys(&setting("a", 1));
        assert!(verify(&forge(|_, _| {}, &keys), &keys).is_ok());
        let change = |name: &'static str, value: Value| {
            move |_: &mut Header, claims: &mut Value| claims[name] = value
        };
        for token in [
            forge(change("exp", json!(now() - 6)), &keys),
            forge(change("iat", json!(now() + 60)), &keys),
            forge(change("iss", json!("other")), &keys),
            forge(change("aud", json!("other")), &keys),
            forge(change("role", json!("root")), &keys),
            forge(change("sub", json!("x")), &keys),
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
            B64.encode(r#"{"alg":"none","typ":"at+jwt","kid":"a"}"#),
            B64.encode(claims().to_string())
        );
        for token in ["", ".", "a.b.c", "é", &"x".repeat(3000), &none] {
            assert!(verify(token, &keys).is_err(), "{token}");
        }
    }
}
