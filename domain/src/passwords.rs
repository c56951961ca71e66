//! Password hashes: argon2id with 19 MiB and two passes, 50 to 80 ms of a core in wasm.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::account::Password;

/// What an unknown account's password is checked against, so that it costs the same. No password is known for it.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c3BpbmRsZS1ub2JvZHk$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn argon2() -> Argon2<'static> {
    // These are the crate's defaults too; named, so that an update cannot move them.
    Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(19 * 1024, 2, 1, None).unwrap_or(Params::DEFAULT),
    )
}

/// The hash to keep, with its salt and parameters in it. The salt must be random: equal ones show equal passwords.
pub fn hash(password: &Password, salt: [u8; 16]) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::encode_b64(&salt)?;
    Ok(argon2()
        .hash_password(password.as_bytes(), &salt)?
        .to_string())
}

/// Whether the password is the account's; `None` is an unknown account, which nobody's password opens.
pub fn verify(password: &Password, kept: Option<&str>) -> bool {
    let Ok(hash) = PasswordHash::new(kept.unwrap_or(NOBODY)) else {
        return false;
    };
    let right = argon2().verify_password(password.as_bytes(), &hash).is_ok();
    right && kept.is_some()
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
    fn a_hash_opens_to_its_password_only() {
        let kept = hash(&password("correct horse"), [7; 16]).unwrap();
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{kept}"
        );
        assert!(verify(&password("correct horse"), Some(&kept)));
        assert!(!verify(&password("another horse"), Some(&kept)));
    }

    #[test]
    fn an_unknown_account_is_hashed_for_all_the_same() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(Params::try_from(&hash).unwrap().m_cost(), 19 * 1024);
        assert!(!verify(&password("correct horse"), None));
    }
}
