//! Forged access tokens, as an attacker makes them (RFC 8725), and valid ones for any account.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use crate::client::User;

/// The default of the variable `token_issuer` in spin.toml.
const ISSUER: &str = "spindle";

/// Tokens for `user` that the API must reject, each with its fault. `keys` is the value of the variable
/// `token_keys`: with the real key, a token can have a single wrong claim.
///
/// # Errors
/// `keys` or the user's token cannot be parsed.
pub fn forged(user: &User, keys: &str) -> Result<Vec<(&'static str, String)>> {
    let (kid, secret) = key(keys)?;
    let valid = Parts::of(&user.token)?;
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
                &valid.with(&change),
            )?,
        ));
    }
    let claims = valid.claims.clone();
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
        tokens.push((
            "alg none",
            format!("{}.{}.", encoded(&header), encoded(&claims)),
        ));
        tokens.push((
            "alg none, signed",
            format!(
                "{}.{}.{}",
                encoded(&header),
                encoded(&claims),
                valid.signature
            ),
        ));
    }
    let admin = valid.with(&json!({"role": "admin"}));
    tokens.push((
        "with a role of its own",
        format!("{}.{}.{}", valid.header, encoded(&admin), valid.signature),
    ));
    tokens.push((
        "without a signature",
        format!("{}.{}.", valid.header, encoded(&claims)),
    ));
    tokens.push((
        "cut short",
        user.token.chars().take(user.token.len() - 4).collect(),
    ));
    Ok(tokens)
}

/// A correctly signed token for a user with this role. It expires in `seconds`, or expired that long ago if they are negative.
///
/// # Errors
/// `keys` cannot be parsed.
pub fn signed(keys: &str, user: Uuid, role: &str, seconds: i64) -> Result<String> {
    let (kid, secret) = key(keys)?;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let claims = json!({
        "iss": ISSUER, "aud": ISSUER, "sub": user, "iat": now + seconds.min(0) - 60, "exp": now + seconds,
        "jti": Uuid::new_v4(), "role": role,
    });
    sign(kid, "at+jwt", Algorithm::HS256, &secret, &claims)
}

/// A valid service token, with which the agent `recurring` calls the API. `keys` is the value of the variable `service_keys`.
///
/// # Errors
/// `keys` cannot be parsed.
pub fn service(keys: &str) -> Result<String> {
    service_with("service+jwt", keys, |_| {})
}

/// Service tokens that the API must reject, each with its fault. The arguments are the values of both settings with keys.
///
/// # Errors
/// Keys cannot be parsed.
pub fn forged_service(service_keys: &str, token_keys: &str) -> Result<Vec<(&'static str, String)>> {
    let with = |name: &'static str, value: Value| {
        let change = |claims: &mut Value| claims[name] = value;
        service_with("service+jwt", service_keys, change)
    };
    Ok(vec![
        ("expired", with("exp", json!(1_700_000_000))?),
        ("of another issuer", with("iss", json!("somebody"))?),
        ("for another audience", with("aud", json!("somebody"))?),
        (
            "of an agent that does not call",
            with("sub", json!("audit"))?,
        ),
        ("with another role", with("role", json!("admin"))?),
        ("without an id", with("jti", json!(null))?),
        (
            "with the key of access tokens",
            service_with("service+jwt", token_keys, |_| {})?,
        ),
        (
            "of the type of access tokens",
            service_with("at+jwt", service_keys, |_| {})?,
        ),
    ])
}

fn service_with(kind: &str, keys: &str, change: impl FnOnce(&mut Value)) -> Result<String> {
    let (kid, secret) = key(keys)?;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let mut claims = json!({
        "iss": ISSUER, "aud": ISSUER, "sub": "recurring", "iat": now, "exp": now + 60, "jti": Uuid::new_v4(), "role": "service",
    });
    change(&mut claims);
    sign(kid, kind, Algorithm::HS256, &secret, &claims)
}

/// Id and bytes of the signing key, which is the first one.
fn key(keys: &str) -> Result<(&str, Vec<u8>)> {
    let first = keys.split(',').next().and_then(|key| key.split_once(':'));
    let (kid, secret) = first.context("a token key has the form kid:secret")?;
    Ok((kid, URL_SAFE_NO_PAD.decode(secret.trim_end_matches('='))?))
}

/// A signed cursor, as the API makes them for `list` (functions/api/src/http/cursor.rs), with any key and no id.
///
/// # Errors
/// `keys` cannot be parsed.
pub fn cursor(keys: &str, list: &str, key: &str) -> Result<String> {
    let mac = |secret: &[u8]| Hmac::<Sha256>::new_from_slice(secret);
    let derived = mac(&self::key(keys)?.1)?.chain_update("spindle cursor");
    let mut signature = mac(&derived.finalize().into_bytes())?;
    let id = Uuid::nil().to_string();
    for part in [list, key, &id] {
        // A length has 4 bytes in WebAssembly.
        signature.update(&u32::try_from(part.len())?.to_be_bytes());
        signature.update(part.as_bytes());
    }
    let signature = URL_SAFE_NO_PAD.encode(signature.finalize().into_bytes());
    let cursor = json!({"k": key, "i": id, "s": signature});
    Ok(URL_SAFE_NO_PAD.encode(cursor.to_string()))
}

/// The three parts of a token, with its claims decoded.
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

    /// The claims with the members of `change` set; null removes a claim.
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

/// A JSON value as a part of a token.
fn encoded(value: &Value) -> String {
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
