//! Tokens: JWTs (RFC 7519) that are signed with HMAC-SHA-256 and checked as RFC 8725 recommends.

use domain::keys::Keys;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The tolerated clock skew, in seconds.
const LEEWAY: u64 = 5;
/// The most bytes of a token that is parsed. Issued tokens are much shorter.
const MAX_LENGTH: usize = 2048;

/// The claims of a token. All are required; serde refuses a token without one of them.
#[derive(Debug, Serialize, Deserialize)]
pub struct Claims<Subject, Role> {
    pub iss: String,
    pub aud: String,
    pub sub: Subject,
    pub exp: u64,
    pub iat: u64,
    pub jti: Uuid,
    pub role: Role,
}

/// A kind of token. No kind is accepted in place of another.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The header's `typ` (RFC 8725, section 3.11).
    pub name: &'static str,
    /// How long a token is valid, in seconds.
    pub lifetime: u64,
    /// The reason why a token of another kind is refused.
    pub mismatch: &'static str,
}

impl Kind {
    /// Issues a token. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// The claims cannot be written as JSON.
    pub fn sign<Subject: Serialize, Role: Serialize>(
        self,
        sub: Subject,
        role: Role,
        jti: Uuid,
        now: u64,
        keys: &Keys,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            iss: keys.issuer.clone(),
            aud: keys.issuer.clone(),
            sub,
            exp: now + self.lifetime,
            iat: now,
            jti,
            role,
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(self.name.to_owned());
        header.kid = Some(keys.signing.id.clone());
        let key = EncodingKey::from_secret(&keys.signing.secret);
        jsonwebtoken::encode(&header, &claims, &key)
    }

    /// Checks a token and returns its claims.
    ///
    /// # Errors
    /// The reason in ASCII without quotes; the client sees it in the problem and in `WWW-Authenticate`.
    pub fn verify<Subject: DeserializeOwned, Role: DeserializeOwned>(
        self,
        token: &str,
        keys: &Keys,
    ) -> Result<Claims<Subject, Role>, &'static str> {
        if token.len() > MAX_LENGTH {
            return Err("the token is malformed");
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| "the token is malformed")?;
        if header.alg != Algorithm::HS256
            || header.typ.as_deref() != Some(self.name)
            || header.crit.is_some()
        {
            return Err(self.mismatch);
        }
        let key = header
            .kid
            .and_then(|id| keys.find(&id))
            .ok_or("the token is signed with an unknown key")?;
        let mut rules = Validation::new(Algorithm::HS256);
        rules.leeway = LEEWAY;
        rules.set_issuer(&[&keys.issuer]);
        rules.set_audience(&[&keys.issuer]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let key = DecodingKey::from_secret(&key.secret);
        let data = jsonwebtoken::decode::<Claims<Subject, Role>>(token, &key, &rules).map_err(
            |error| match error.kind() {
                ErrorKind::ExpiredSignature => "the token has expired",
                ErrorKind::InvalidSignature => "the token's signature is wrong",
                ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => {
                    "the token has another issuer or audience"
                }
                _ => "the token is malformed",
            },
        )?;
        if data.claims.iat > jsonwebtoken::get_current_timestamp() + LEEWAY {
            return Err("the token was issued in the future");
        }
        Ok(data.claims)
    }
}
