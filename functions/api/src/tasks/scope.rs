//! The query parameter `scope`: which occurrences of a series a request is for.

use domain::scope::Scope;

use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::request::Request;

/// Reads the parameter, the only one of the request.
///
/// # Errors
/// The faults of the query.
pub fn of(request: &Request) -> Result<Option<Scope>, Problem> {
    let mut query = Query::of(request);
    let scope = query.parsed("scope", "this, future or all", Scope::from_name);
    query.finish()?;
    Ok(scope)
}
