//! The tokens of a session: an access token, and a refresh token of which the server stores only a hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::account::{Password, Role};
use domain::passwords;
use guest::postgres::{ParameterValue, Row};
use guest::variables::BadSetting;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::auth::keys::Keys;
use crate::auth::tokens;
use crate::http::address;
use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// A refresh token: 32 random bytes in base64url.
pub struct RefreshToken(String);

impl RefreshToken {
    /// Generates a token.
    pub fn new() -> Self {
        // Two random UUIDs contain 244 random bits.
        let mut bytes = [0; 32];
        for (half, id) in bytes.chunks_mut(16).zip([Uuid::new_v4(), Uuid::new_v4()]) {
            half.copy_from_slice(id.as_bytes());
        }
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)))
    }

    /// The hash to store, see [`hash`].
    pub fn hash(&self) -> String {
        hash(&self.0)
    }
}

/// The rates of a request that presents a refresh token. One of them is charged, see the SQL procedure `admit_session`.
pub struct SessionRates {
    address: Rate,
    owner: Rate,
}

impl SessionRates {
    pub fn of(request: &Request) -> Result<Self, BadSetting> {
        Ok(Self {
            address: Rate::address(&address::of(request)?)?,
            owner: Rate::session()?,
        })
    }

    /// Runs a statement whose last two parameters are those of `admit_session`, and whose last two columns are its `known` and
    /// `rate`. Returns the other columns.
    ///
    /// # Errors
    /// 429 if the rate limit is exceeded, 503 or 500 if the database fails.
    pub fn run(
        &self,
        request: &mut Request,
        sql: &str,
        mut parameters: Vec<ParameterValue>,
    ) -> Result<Row, Problem> {
        parameters.extend([self.address.parameter(), self.owner.parameter()]);
        let mut row = request.db()?.query_one(sql, &parameters)?;
        let taken = row.last()?;
        let charged = if row.last_bool()? {
            &self.owner
        } else {
            &self.address
        };
        charged.check(request, &taken)?;
        Ok(row)
    }
}

/// The SHA-256 of a refresh token in hex, which the database stores. The token is random, so it needs no slow hash.
pub fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Hashes a new password. Its salt is a random UUID, which has 122 random bits.
pub fn hash_password(password: &Password) -> Result<String, Problem> {
    passwords::hash(password, Uuid::new_v4().into_bytes())
        .map_err(|error| Problem::internal(error.to_string()))
}

/// The response to a login, a refresh or a change of the password: the tokens of the session.
pub fn answer(
    user: &str,
    role: &str,
    refresh: RefreshToken,
    keys: &Keys,
) -> Result<Reply, Problem> {
    Ok(Reply::json(
        200,
        tokens(user, role, refresh, keys)?.to_string(),
    ))
}

/// The tokens of a session as JSON, with a new access token.
pub fn tokens(
    user: &str,
    role: &str,
    refresh: RefreshToken,
    keys: &Keys,
) -> Result<Value, Problem> {
    let unreadable = || Problem::internal("a user's id or role in the database is malformed");
    let user = Uuid::parse_str(user).map_err(|_| unreadable())?;
    let role = Role::from_name(role).ok_or_else(unreadable)?;
    let now = jsonwebtoken::get_current_timestamp();
    let access = tokens::sign(user, role, Uuid::new_v4(), now, keys)
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok(json!({
        "access_token": access,
        "refresh_token": refresh.0,
        "token_type": "Bearer",
        "expires_in": tokens::LIFETIME,
    }))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refresh_tokens_are_long_and_unique() {
        let (one, other) = (RefreshToken::new(), RefreshToken::new());
        assert_eq!(one.0.len(), 43);
        assert_ne!(one.0, other.0);
        assert_eq!(one.hash().len(), 64);
    }
}
