//! Access tokens as somebody who wants in would make them (RFC 8725).

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Person;

/// What spin.toml calls the issuer where nobody says otherwise.
const ISSUER: &str = "spindle";

/// Tokens for `person` that must be refused. `keys` is the setting of the functions, so that tokens which are wrong in
/// one claim alone can be signed well.
///
/// # Errors
/// Where the setting or the person's own token cannot be read.
pub fn forged(person: &Person, keys: &str) -> Result<Vec<(&'static str, String)>> {
    let (kid, secret) = key(keys)?;
    let honest = Parts::of(&person.token)?;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let mut tokens = Vec::new();
    for (name, change) in [
        ("expired", json!({"exp": now - 60, "iat": now - 660})),
        ("of another issuer", json!({"iss": "somebody"})),
        ("for another audience", json!({"aud": "somebody"})),
        ("without exp", json!({"exp": null})),
        ("without sub", json!({"sub": null})),
        ("without aud", json!({"aud": null})),
        ("with a sub that is nobody", json!({"sub": "nobody"})),
        ("with exp as text", json!({"exp": "tomorrow"})),
    ] {
        tokens.push((
            name,
            sign(
                kid,
                "at+jwt",
                Algorithm::HS256,
                &secret,
                &honest.with(&change),
            )?,
        ));
    }
    let claims = honest.claims.clone();
    tokens.push((
        "with a wrong kid",
        sign("nobody", "at+jwt", Algorithm::HS256, &secret, &claims)?,
    ));
    tokens.push((
        "of another type",
        sign(kid, "JWT", Algorithm::HS256, &secret, &claims)?,
    ));
    tokens.push((
        "with another algorithm",
        sign(kid, "at+jwt", Algorithm::HS512, &secret, &claims)?,
    ));
    tokens.push((
        "with another key",
        sign(kid, "at+jwt", Algorithm::HS256, &[7; 32], &claims)?,
    ));
    tokens.push((
        "with an empty key",
        sign(kid, "at+jwt", Algorithm::HS256, &[], &claims)?,
    ));
    for none in ["none", "None", "NONE", "nOnE"] {
        let header = json!({"alg": none, "typ": "at+jwt", "kid": kid});
        tokens.push(("alg none", format!("{}.{}.", text(&header), text(&claims))));
        tokens.push((
            "alg none, signed",
            format!("{}.{}.{}", text(&header), text(&claims), honest.signature),
        ));
    }
    let admin = honest.with(&json!({"role": "admin"}));
    tokens.push((
        "with a role of its own",
        format!("{}.{}.{}", honest.header, text(&admin), honest.signature),
    ));
    tokens.push((
        "without a signature",
        format!("{}.{}.", honest.header, text(&claims)),
    ));
    tokens.push((
        "cut short",
        person.token.chars().take(person.token.len() - 4).collect(),
    ));
    Ok(tokens)
}

/// A token that is well made, for a user of any role, which expires in so many seconds or did before.
///
/// # Errors
/// Where the setting cannot be read.
pub fn signed(keys: &str, user: Uuid, role: &str, seconds: i64) -> Result<String> {
    let (kid, secret) = key(keys)?;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let claims = json!({
        "iss": ISSUER, "aud": ISSUER, "sub": user, "iat": now + seconds.min(0) - 60, "exp": now + seconds,
        "jti": Uuid::new_v4(), "role": role,
    });
    sign(kid, "at+jwt", Algorithm::HS256, &secret, &claims)
}

/// The first of the keys, which signs: its id and its bytes.
fn key(keys: &str) -> Result<(&str, Vec<u8>)> {
    let first = keys.split(',').next().and_then(|key| key.split_once(':'));
    let (kid, secret) = first.context("a token key is kid:secret")?;
    Ok((kid, URL_SAFE_NO_PAD.decode(secret.trim_end_matches('='))?))
}

/// A token taken apart.
struct Parts {
    header: String,
    claims: Value,
    signature: String,
}

impl Parts {
    fn of(token: &str) -> Result<Self> {
        let mut parts = token.split('.');
        let mut next = || {
            parts
                .next()
                .context("a token has three parts")
                .map(str::to_owned)
        };
        let (header, claims, signature) = (next()?, next()?, next()?);
        Ok(Self {
            header,
            claims: serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?,
            signature,
        })
    }

    /// The claims with some changed, and those that are null left out.
    fn with(&self, change: &Value) -> Value {
        let mut claims = self.claims.as_object().cloned().unwrap_or_default();
        for (name, value) in change.as_object().into_iter().flatten() {
            match value {
                Value::Null => drop(claims.remove(name)),
                value => drop(claims.insert(name.clone(), value.clone())),
            }
        }
        Value::Object(claims)
    }
}

fn text(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn sign(
    kid: &str,
    kind: &str,
    algorithm: Algorithm,
    secret: &[u8],
    claims: &Value,
) -> Result<String> {
    let mut header = Header::new(algorithm);
    header.kid = Some(kid.to_owned());
    header.typ = Some(kind.to_owned());
    Ok(encode(&header, claims, &EncodingKey::from_secret(secret))?)
}
