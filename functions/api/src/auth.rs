//! Who is asking: the bearer token of a request, checked.

pub mod keys;
pub mod tokens;

pub use domain::account::Role;
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::http::request::Request;

/// A caller whose token holds.
#[derive(Debug)]
pub struct Caller {
    /// Whose things are asked for: the caller's own, unless a service acts for somebody.
    pub user: Uuid,
    pub role: Role,
    /// Who asks.
    id: Uuid,
}

/// Names the user that a service acts for.
const ON_BEHALF_OF: &str = "x-on-behalf-of";

impl Caller {
    /// Checks the request's token; the answer to a missing or bad one is 401 with its reason (RFC 6750).
    pub fn of(request: &Request) -> Result<Self, Problem> {
        let mut caller = Self::bearer(request)?;
        if request.has_header(ON_BEHALF_OF) {
            if caller.role != Role::Service {
                return Err(Problem::forbidden("only services act on behalf of a user"));
            }
            caller.user = request
                .header(ON_BEHALF_OF)
                .and_then(|id| Uuid::parse_str(id).ok())
                .ok_or_else(|| Problem::bad_request("`X-On-Behalf-Of` must be the id of a user"))?;
        }
        Ok(caller)
    }

    /// As `of`, for what an account does with itself, where nobody acts for it.
    pub fn oneself(request: &Request) -> Result<Self, Problem> {
        let caller = Self::bearer(request)?;
        if request.has_header(ON_BEHALF_OF) {
            return Err(Problem::forbidden(
                "accounts are not managed on behalf of a user",
            ));
        }
        Ok(caller)
    }

    /// As `oneself`, for what only admins do. The statement that does it checks the role once more, as it is by then.
    pub fn admin(request: &Request) -> Result<Self, Problem> {
        let caller = Self::oneself(request)?;
        match caller.role {
            Role::Admin => Ok(caller),
            Role::User | Role::Auditor | Role::Service => Err(Problem::not_an_admin()),
        }
    }

    fn bearer(request: &Request) -> Result<Self, Problem> {
        let keys = keys::load()?;
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
            id: claims.sub,
        })
    }

    /// Whose account is charged: a service's own for each user that it acts for, so that neither holds up the other.
    pub fn account(&self) -> String {
        if self.user == self.id {
            self.id.to_string()
        } else {
            format!("{}/{}", self.id, self.user)
        }
    }

    /// The answer where the user is no more: the caller's own token holds no longer, or a service asked for nobody.
    pub fn gone(&self) -> Problem {
        if self.user == self.id {
            Problem::account_gone()
        } else {
            Problem::not_found()
        }
    }

    /// The `actor` of this caller's events, as JSON.
    pub fn actor(&self) -> String {
        let kind = match self.role {
            Role::Service => "service",
            Role::User | Role::Auditor | Role::Admin => "user",
        };
        format!(r#"{{"type":"{kind}","id":"{}"}}"#, self.id)
    }
}
