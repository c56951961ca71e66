//! `Idempotency-Key`: which request a key belongs to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guest::postgres::{ParameterValue, text};
use sha2::{Digest, Sha256};

use crate::http::problem::Problem;
use crate::http::request::Request;

/// The key and fingerprint of a request as parameters; nulls where it has no key.
pub fn parameters(request: &Request, body: &[u8]) -> Result<[ParameterValue; 2], Problem> {
    const NAME: &str = "idempotency-key";
    if !request.has_header(NAME) {
        return Ok([ParameterValue::DbNull, ParameterValue::DbNull]);
    }
    let key = request
        .header(NAME)
        .filter(|key| (1..=255).contains(&key.chars().count()) && !key.contains('\0'))
        .ok_or_else(|| {
            Problem::bad_request(
                "`Idempotency-Key` must be given once and have 1 to 255 characters",
            )
        })?;
    Ok([text(key), text(fingerprint(request.path(), body))])
}

/// The resource and the body; what differs in either is another request.
fn fingerprint(path: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(path.as_bytes());
    // A path has no NUL, so path and body cannot run into each other.
    hash.update([0]);
    hash.update(body);
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn path_and_body_both_count() {
        assert_eq!(fingerprint("/a", b"b"), fingerprint("/a", b"b"));
        assert_ne!(fingerprint("/a", b"b"), fingerprint("/ab", b""));
        assert_ne!(fingerprint("/a", b"b"), fingerprint("/a", b"c"));
    }
}
