//! The tokens of a session: an access token, and a refresh token of which the server stores only a hash.

use domain::account::{Password, Role};
use domain::passwords;
use guest::postgres::{ParameterValue, Row};
use guest::variables::BadSetting;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::auth::keys::Keys;
use crate::auth::secret::Secret;
pub use crate::auth::secret::hash;
use crate::auth::tokens;
use crate::http::address;
use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// A refresh token.
pub type RefreshToken = Secret;

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
        "refresh_token": refresh.text(),
        "token_type": "Bearer",
        "expires_in": tokens::LIFETIME,
    }))
}
