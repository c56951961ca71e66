//! A JSON body, read with all the suspicion it deserves.

use domain::json::{Fault, Json, Reader};

use crate::http::problem::Problem;
use crate::http::request::{MAX_BODY, Request};

/// The media types that say "a JSON document".
const JSON: &[&str] = &["application/json"];
/// PATCH bodies are merge patches, under either name.
const MERGE_PATCH: &[&str] = &["application/json", "application/merge-patch+json"];

/// The bytes of a JSON body, for a handler that also needs their fingerprint.
pub fn bytes(request: &Request) -> Result<Vec<u8>, Problem> {
    bytes_up_to(request, MAX_BODY)
}

pub fn bytes_up_to(request: &Request, limit: usize) -> Result<Vec<u8>, Problem> {
    check_media_type(request, JSON)?;
    request.read_body(limit)
}

pub fn json(request: &Request) -> Result<Json, Problem> {
    parse(&bytes(request)?)
}

pub fn merge_patch(request: &Request) -> Result<Json, Problem> {
    check_media_type(request, MERGE_PATCH)?;
    parse(&request.read_body(MAX_BODY)?)
}

/// For a request that says everything with its path: no body, or an empty object.
pub fn none(request: &Request) -> Result<(), Problem> {
    let bytes = request.read_body(MAX_BODY)?;
    if bytes.is_empty() {
        return Ok(());
    }
    check_media_type(request, JSON)?;
    Ok(Reader::new("", parse(&bytes)?)?.finish()?)
}

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
    let given = request.header("content-type").unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if accepted
        .iter()
        .any(|media_type| essence.eq_ignore_ascii_case(media_type))
    {
        Ok(())
    } else {
        Err(Problem::media_type())
    }
}
