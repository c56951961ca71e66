//! Users to write as, and access tokens for them, made with the system's own key instead of thousands of sign-ins.

use std::sync::Arc;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

pub const ISSUER: &str = "spindle";
/// Longer than a run; the API gives its own ten minutes.
const LIFETIME: u64 = 3600;

/// Inserts `count` users and returns them with a token each.
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

/// A token for a user of this role.
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

/// Key id and secret of the first of `token_keys`, the one that signs.
pub fn key(token_keys: &str) -> Result<(String, Vec<u8>)> {
    let first = token_keys.split(',').next().unwrap_or_default();
    let (kid, secret) = first
        .split_once(':')
        .context("token_keys is not `<kid>:<base64url>`")?;
    Ok((kid.to_owned(), URL_SAFE_NO_PAD.decode(secret)?))
}
