//! Users with access tokens. The tokens are signed with the system's key, which saves thousands of sign-ins.

use std::sync::Arc;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

pub const ISSUER: &str = "spindle";
/// The lifetime of a token in seconds: longer than a run. The API's own tokens live ten minutes.
const LIFETIME: u64 = 3600;

/// Inserts `count` users. Returns their ids, each with an access token.
pub async fn users(db: &Client, token_keys: &str, count: i64) -> Result<Vec<(Uuid, Arc<str>)>> {
    let rows = db
        .query(include_str!("sql/make_users.sql"), &[&count])
        .await?;
    rows.iter()
        .map(|row| {
            let user: Uuid = row.get(0);
            Ok((user, signed(token_keys, user, "user")?.into()))
        })
        .collect()
}

/// Signs an access token for a user with this role.
pub fn signed(token_keys: &str, user: Uuid, role: &str) -> Result<String> {
    let (kid, secret) = key(token_keys)?;
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(kid);
    let now = jsonwebtoken::get_current_timestamp();
    let claims = json!({
        "iss": ISSUER, "aud": ISSUER, "sub": user, "iat": now, "exp": now + LIFETIME,
        "jti": Uuid::new_v4(), "role": role,
    });
    let encoding = EncodingKey::from_secret(&secret);
    Ok(jsonwebtoken::encode(&header, &claims, &encoding)?)
}

/// The key id and the secret of the signing key, which is the first key in `token_keys`.
pub fn key(token_keys: &str) -> Result<(String, Vec<u8>)> {
    let first = token_keys.split(',').next().unwrap_or_default();
    let (kid, secret) = first
        .split_once(':')
        .context("token_keys is not `<kid>:<base64url>`")?;
    Ok((kid.to_owned(), URL_SAFE_NO_PAD.decode(secret)?))
}
