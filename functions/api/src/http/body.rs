//! Reading JSON bodies: media type, size, syntax.

use domain::json::{Fault, Json, Reader};

use crate::http::problem::Problem;
use crate::http::request::{MAX_BODY, Request};

/// The media types of a JSON body.
const JSON: &[&str] = &["application/json"];
/// The media types of a PATCH body, which is always a merge patch (RFC 7396).
const MERGE_PATCH: &[&str] = &["application/json", "application/merge-patch+json"];

/// Reads the bytes of a JSON body, for handlers that also compute the fingerprint of the request.
///
/// # Errors
/// 415 for another media type, and those of [`Request::read_body`].
pub fn bytes(request: &Request) -> Result<Vec<u8>, Problem> {
    bytes_up_to(request, MAX_BODY)
}

/// As [`bytes`], with another limit.
pub fn bytes_up_to(request: &Request, limit: usize) -> Result<Vec<u8>, Problem> {
    check_media_type(request, JSON)?;
    request.read_body(limit)
}

/// Reads a JSON body. Errors: those of [`bytes`] and [`parse`].
pub fn json(request: &Request) -> Result<Json, Problem> {
    parse(&bytes(request)?)
}

/// As [`json`], for a merge patch.
pub fn merge_patch(request: &Request) -> Result<Json, Problem> {
    check_media_type(request, MERGE_PATCH)?;
    parse(&request.read_body(MAX_BODY)?)
}

/// Checks the body of a request that needs none: it must be empty or an empty object.
///
/// # Errors
/// 422 for members in the object, and those of [`json`].
pub fn none(request: &Request) -> Result<(), Problem> {
    let bytes = request.read_body(MAX_BODY)?;
    if bytes.is_empty() {
        return Ok(());
    }
    check_media_type(request, JSON)?;
    Ok(Reader::new("", parse(&bytes)?)?.finish()?)
}

/// Parses JSON.
///
/// # Errors
/// 400 for malformed JSON; 422 for JSON that could be read in two ways, for example with a member that is repeated.
pub fn parse(bytes: &[u8]) -> Result<Json, Problem> {
    Json::parse(bytes).map_err(|error| {
        if error.is_data() {
            Problem::from(Fault::new("", format!("is ambiguous: {error}")))
        } else {
            Problem::malformed_json(error.to_string())
        }
    })
}

fn check_media_type(request: &Request, accepted: &[&str]) -> Result<(), Problem> {
    let value = request.header("content-type").unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if accepted
        .iter()
        .any(|media_type| essence.eq_ignore_ascii_case(media_type))
    {
        Ok(())
    } else {
        Err(Problem::media_type())
    }
}
