//! The `Idempotency-Key` header, and the fingerprint of the request that it belongs to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guest::postgres::{ParameterValue, text};
use sha2::{Digest, Sha256};

use crate::http::problem::Problem;
use crate::http::request::Request;

/// The parameters of a request without a key.
pub const NO_KEY: [ParameterValue; 2] = [ParameterValue::DbNull, ParameterValue::DbNull];

/// The key and the request's fingerprint as SQL parameters; [`NO_KEY`] if the request has no key.
///
/// # Errors
/// 400 if the header is repeated, is not UTF-8, or does not have 1 to 255 characters.
pub fn parameters(request: &Request, body: &[u8]) -> Result<[ParameterValue; 2], Problem> {
    const NAME: &str = "idempotency-key";
    if !request.has_header(NAME) {
        return Ok(NO_KEY);
    }
    let key = request
        .header(NAME)
        .filter(|key| (1..=255).contains(&key.chars().count()) && !key.contains('\0'))
        .ok_or_else(|| {
            Problem::bad_request("`Idempotency-Key` must be sent once and have 1 to 255 characters")
        })?;
    Ok([text(key), text(fingerprint(request.path(), body))])
}

/// Identifies a request by its path and body.
fn fingerprint(path: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(path.as_bytes());
    // A path contains no NUL, so path and body cannot run into each other.
    hash.update([0]);
    hash.update(body);
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn a_fingerprint_depends_on_path_and_body() {
        assert_eq!(fingerprint("/a", b"b"), fingerprint("/a", b"b"));
        assert_ne!(fingerprint("/a", b"b"), fingerprint("/ab", b""));
        assert_ne!(fingerprint("/a", b"b"), fingerprint("/a", b"c"));
    }
}
