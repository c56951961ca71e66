//! Password hashes: argon2id with 19 MiB and two passes. A hash takes a core 50 to 80 ms in WebAssembly.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::account::Password;

/// The hash that is checked where the account does not exist, so that response times do not reveal which accounts exist. Nobody
/// knows a password for it.
const UNKNOWN_ACCOUNT: &str = "$argon2id$v=19$m=19456,t=2,p=1$c3BpbmRsZS1ub2JvZHk$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn argon2() -> Argon2<'static> {
    // Equal to the defaults of the crate, but explicit, so that an update of the crate cannot change them.
    Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(19 * 1024, 2, 1, None).unwrap_or(Params::DEFAULT),
    )
}

/// Hashes a password. The result is a PHC string, which contains the salt and the parameters. The salt must be random: with equal
/// salts, equal passwords have equal hashes.
///
/// # Errors
/// If argon2 fails, for example for lack of memory.
pub fn hash(password: &Password, salt: [u8; 16]) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::encode_b64(&salt)?;
    Ok(argon2()
        .hash_password(password.as_bytes(), &salt)?
        .to_string())
}

/// Whether `password` matches the stored hash. `None` stands for an unknown account: it takes as long as a check, and fails.
pub fn verify(password: &Password, stored: Option<&str>) -> bool {
    let Ok(hash) = PasswordHash::new(stored.unwrap_or(UNKNOWN_ACCOUNT)) else {
        return false;
    };
    let is_hash_of = |text: &[u8]| argon2().verify_password(text, &hash).is_ok();
    // Earlier releases hashed what the client had sent.
    let matches = is_hash_of(password.as_bytes()) || password.typed().is_some_and(is_hash_of);
    matches && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Registration;
    use crate::json::Json;

    fn password(text: &str) -> Password {
        let body = format!(r#"{{"email":"a@b.de","password":"{text}"}}"#);
        Registration::parse(Json::parse(body.as_bytes()).unwrap())
            .unwrap()
            .password
    }

    #[test]
    fn only_the_right_password_matches() {
        let stored = hash(&password("correct horse"), [7; 16]).unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(verify(&password("correct horse"), Some(&stored)));
        assert!(!verify(&password("another horse"), Some(&stored)));
    }

    #[test]
    fn a_password_may_be_typed_in_any_way() {
        let stored = hash(&password("caf\u{e9} au lait"), [7; 16]).unwrap();
        assert!(verify(&password("cafe\u{301}\u{a0}au lait"), Some(&stored)));
        // A hash of an earlier release.
        let salt = SaltString::encode_b64(&[7; 16]).unwrap();
        let typed = "cafe\u{301} au lait";
        let old = argon2()
            .hash_password(typed.as_bytes(), &salt)
            .unwrap()
            .to_string();
        assert!(verify(&password(typed), Some(&old)));
        assert!(!verify(&password("cafe au lait"), Some(&old)));
    }

    #[test]
    fn an_unknown_account_costs_the_same_hash() {
        let hash = PasswordHash::new(UNKNOWN_ACCOUNT).unwrap();
        assert_eq!(Params::try_from(&hash).unwrap().m_cost(), 19 * 1024);
        assert!(!verify(&password("correct horse"), None));
    }
}
