//! Authentication of the agents, which have a credential of their own: service tokens. It opens the operations of agents and
//! nothing else, and no access token opens those.

use domain::keys::Keys;
use guest::service_token::{self, AgentName};

use super::{bearer_token, invalid_token, keys, tokens};
use crate::http::problem::Problem;
use crate::http::request::Request;

/// The agent that sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent(AgentName);

impl Agent {
    /// Checks the service token of a request.
    ///
    /// # Errors
    /// 401 for a missing or invalid token, 403 for a valid access token of any role.
    pub fn of(request: &Request) -> Result<Self, Problem> {
        let (service, access) = (keys::load_service()?, keys::load()?);
        Self::with_token(bearer_token(request)?, &service, &access)
    }

    fn with_token(token: &str, service: &Keys, access: &Keys) -> Result<Self, Problem> {
        match service_token::verify(token, service) {
            Ok(name) => Ok(Self(name)),
            Err(_) if tokens::verify(token, access).is_ok() => {
                Err(Problem::forbidden("only an agent of Spindle may do this"))
            }
            Err(reason) => Err(invalid_token(reason)),
        }
    }

    /// The member `actor` of the events that this agent causes, as JSON.
    pub fn actor(self) -> String {
        format!(r#"{{"type":"agent","id":"{}"}}"#, self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use domain::account::Role;
    use uuid::Uuid;

    use super::*;

    fn keys(seed: u8) -> Keys {
        let secret: Vec<u8> = (0..32).map(|n| n ^ seed).collect();
        Keys::parse(&domain::keys::entry("k", &secret), "spindle".to_owned()).unwrap()
    }

    fn now() -> u64 {
        jsonwebtoken::get_current_timestamp()
    }

    fn service_token(keys: &Keys) -> String {
        service_token::sign(AgentName::Recurring, Uuid::from_u128(8), now(), keys).unwrap()
    }

    fn access_token(role: Role, keys: &Keys) -> String {
        tokens::sign(Uuid::from_u128(7), role, Uuid::from_u128(8), now(), keys).unwrap()
    }

    #[test]
    fn a_service_token_names_the_agent() {
        let (service, access) = (keys(1), keys(2));
        let agent = Agent::with_token(&service_token(&service), &service, &access).unwrap();
        assert_eq!(agent.actor(), r#"{"type":"agent","id":"recurring"}"#);
    }

    #[test]
    fn the_key_of_access_tokens_signs_no_service_token() {
        let (service, access) = (keys(1), keys(2));
        let refused = Agent::with_token(&service_token(&access), &service, &access);
        assert_eq!(refused.unwrap_err().status, 401);
    }

    #[test]
    fn users_of_all_roles_are_forbidden() {
        let (service, access) = (keys(1), keys(2));
        for role in [Role::User, Role::Auditor, Role::Admin, Role::Service] {
            let token = access_token(role, &access);
            let refused = Agent::with_token(&token, &service, &access);
            assert_eq!(refused.unwrap_err().status, 403, "{role:?}");
            // Signed with the key of service tokens, an access token is of no use at all.
            let token = access_token(role, &service);
            let refused = Agent::with_token(&token, &service, &access);
            assert_eq!(refused.unwrap_err().status, 401, "{role:?}");
        }
    }

    #[test]
    fn a_service_token_is_no_access_token_even_with_the_same_key() {
        let keys = keys(1);
        assert!(tokens::verify(&service_token(&keys), &keys).is_err());
    }

    #[test]
    fn what_is_no_token_is_unauthorized() {
        for token in ["", "a.b.c", "nonsense"] {
            let refused = Agent::with_token(token, &keys(1), &keys(2));
            assert_eq!(refused.unwrap_err().status, 401, "{token}");
        }
    }
}
