//! Who is asking: the bearer token of a request, checked.

pub mod keys;
pub mod tokens;

use crate::problem::Problem;
use crate::request::Request;
use keys::Keys;
pub use tokens::Role;
use uuid::Uuid;

/// A caller whose token holds.
#[derive(Debug)]
pub struct Caller {
    pub user: Uuid,
    pub role: Role,
}

impl Caller {
    /// Checks the request's token; the answer to a missing or bad one is 401 with its reason (RFC 6750).
    pub fn of(request: &Request) -> Result<Self, Problem> {
        let keys = Keys::load()?;
        if !request.has_header("authorization") {
            return Err(Problem::unauthorized(
                "send `Authorization: Bearer <access token>`",
                "",
            ));
        }
        let refuse = |reason: &str| {
            Problem::unauthorized(
                reason,
                &format!("error=\"invalid_token\", error_description=\"{reason}\""),
            )
        };
        let token = request
            .header("authorization")
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| refuse("not a bearer token"))?;
        let claims = tokens::verify(token, &keys).map_err(refuse)?;
        Ok(Self {
            user: claims.sub,
            role: claims.role,
        })
    }

    /// The `actor` of this caller's events, as JSON.
    pub fn actor(&self) -> String {
        let kind = match self.role {
            Role::Service => "service",
            Role::User | Role::Auditor | Role::Admin => "user",
        };
        format!(r#"{{"type":"{kind}","id":"{}"}}"#, self.user)
    }
}
