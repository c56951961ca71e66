//! Authentication: checks the bearer token of a request (RFC 6750) and tells who the caller is.

pub mod agent;
pub mod keys;
pub mod secret;
pub mod tokens;

pub use agent::Agent;
pub use domain::account::Role;
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::http::request::Request;

/// The caller of a request, whose access token is valid.
#[derive(Debug)]
pub struct Caller {
    /// The user whose data the request is about: the caller, or the user for whom a service acts.
    pub user: Uuid,
    pub role: Role,
    /// When the access token ends, in seconds since 1970.
    pub expires: u64,
    /// The user of the token.
    id: Uuid,
}

/// The header that names the user for whom a service acts.
const ON_BEHALF_OF: &str = "x-on-behalf-of";

impl Caller {
    /// Checks the access token and the header `X-On-Behalf-Of`.
    ///
    /// # Errors
    /// 401 for a missing or invalid token (RFC 6750, section 3); 403 if a caller who is not a service sends
    /// `X-On-Behalf-Of`, 400 if its value is not a UUID.
    pub fn of(request: &Request) -> Result<Self, Problem> {
        let mut caller = Self::bearer(request)?;
        if request.has_header(ON_BEHALF_OF) {
            if caller.role != Role::Service {
                return Err(Problem::forbidden(
                    "only a service may act on behalf of a user",
                ));
            }
            caller.user = request
                .header(ON_BEHALF_OF)
                .and_then(|id| Uuid::parse_str(id).ok())
                .ok_or_else(|| Problem::bad_request("`X-On-Behalf-Of` must be the id of a user"))?;
        }
        Ok(caller)
    }

    /// As [`Caller::of`], for operations on the caller's own account. No service may act for a user here.
    pub fn of_own_account(request: &Request) -> Result<Self, Problem> {
        let caller = Self::bearer(request)?;
        if request.has_header(ON_BEHALF_OF) {
            return Err(Problem::forbidden(
                "a service may not manage an account on behalf of its user",
            ));
        }
        Ok(caller)
    }

    /// As [`Caller::of_own_account`], for operations of admins. The SQL statement checks the role again, because the role in the
    /// token may be outdated.
    pub fn admin(request: &Request) -> Result<Self, Problem> {
        let caller = Self::of_own_account(request)?;
        match caller.role {
            Role::Admin => Ok(caller),
            Role::User | Role::Auditor | Role::Service => Err(Problem::not_an_admin()),
        }
    }

    /// The caller whom a request that failed is charged to, if there is one.
    pub fn signed_in(request: &Request) -> Option<Self> {
        Self::of(request).or_else(|_| Self::bearer(request)).ok()
    }

    /// The owner of an account who has followed a signed link. There is no access token.
    pub fn of_link(user: Uuid) -> Self {
        Self {
            user,
            role: Role::User,
            expires: 0,
            id: user,
        }
    }

    fn bearer(request: &Request) -> Result<Self, Problem> {
        let keys = keys::load()?;
        let claims = tokens::verify(bearer_token(request)?, &keys).map_err(invalid_token)?;
        Ok(Self {
            user: claims.sub,
            role: claims.role,
            expires: claims.exp,
            id: claims.sub,
        })
    }

    /// The key that rate limits charge. A service has a quota of its own for each user it acts for, so it cannot use up the
    /// user's quota, or all of its own for one user.
    pub fn rate_key(&self) -> String {
        if self.user == self.id {
            self.id.to_string()
        } else {
            format!("{}/{}", self.id, self.user)
        }
    }

    /// The account of the caller, and the one whose data the request is about.
    pub fn accounts(&self) -> [Uuid; 2] {
        [self.id, self.user]
    }

    /// The service's own id, if it acts for a user.
    pub fn service(&self) -> Option<Uuid> {
        (self.user != self.id).then_some(self.id)
    }

    /// The problem if the user does not exist: 401 for the caller's own deleted account, 404 for the user of a service.
    pub fn gone(&self) -> Problem {
        if self.user == self.id {
            Problem::account_gone()
        } else {
            Problem::not_found()
        }
    }

    /// The member `actor` of this caller's events, as JSON.
    pub fn actor(&self) -> String {
        let kind = match self.role {
            Role::Service => "service",
            Role::User | Role::Auditor | Role::Admin => "user",
        };
        format!(r#"{{"type":"{kind}","id":"{}"}}"#, self.id)
    }
}

/// The bearer token of a request.
fn bearer_token(request: &Request) -> Result<&str, Problem> {
    if !request.has_header("authorization") {
        return Err(Problem::unauthorized(
            "send `Authorization: Bearer <access token>`",
            "",
        ));
    }
    request
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| invalid_token("the header `Authorization` has no bearer token"))
}

/// The problem of an invalid token. The reason is in ASCII without quotes.
fn invalid_token(reason: &str) -> Problem {
    Problem::unauthorized(
        reason,
        &format!("error=\"invalid_token\", error_description=\"{reason}\""),
    )
}
