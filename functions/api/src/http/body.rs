//! Reading JSON bodies: media type, size, syntax.

use domain::json::{Fault, Json, Reader};

use crate::http::problem::Problem;
use crate::http::request::{MAX_BODY, Request};

/// The media types of a JSON body.
const JSON: &[&str] = &["application/json"];
/// The media types of a PATCH body, which is always a merge patch (RFC 7396).
const MERGE_PATCH: &[&str] = &["application/json", "application/merge-patch+json"];

/// Reads a JSON body.
///
/// # Errors
/// 415 for another media type, and those of [`Request::read_body`] and [`parse`].
pub fn json(request: &Request) -> Result<Json, Problem> {
    json_up_to(request, MAX_BODY)
}

/// As [`json`], with another limit.
pub fn json_up_to(request: &Request, limit: usize) -> Result<Json, Problem> {
    check_media_type(request, JSON)?;
    parse(&request.read_body(limit)?)
}

/// As [`json`], for a merge patch.
pub fn merge_patch(request: &Request) -> Result<Json, Problem> {
    check_media_type(request, MERGE_PATCH)?;
    parse(&request.read_body(MAX_BODY)?)
}

/// As [`json`], where the body may be left out.
pub fn optional(request: &Request) -> Result<Option<Json>, Problem> {
    let bytes = request.read_body(MAX_BODY)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    check_media_type(request, JSON)?;
    parse(&bytes).map(Some)
}

/// Checks the body of a request that needs none: it must be empty or an empty object.
///
/// # Errors
/// 422 for members in the object, and those of [`json`].
pub fn none(request: &Request) -> Result<(), Problem> {
    match optional(request)? {
        None => Ok(()),
        Some(body) => Ok(Reader::new("", body)?.finish()?),
    }
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
