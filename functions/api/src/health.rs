//! Health: alive says that the function runs; ready says that its settings and its database are fit for use.

use domain::schema::SCHEMA_VERSION;

use crate::accounts;
use crate::auth::keys;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::{address, rate};

pub fn alive(_: &mut Request) -> Result<Reply, Problem> {
    Ok(Reply::json(200, r#"{"status":"ok"}"#.to_owned()))
}

pub fn ready(request: &mut Request) -> Result<Reply, Problem> {
    keys::load()?;
    rate::check_settings()?;
    address::trusted_proxies()?;
    accounts::hashes_at_once()?;
    let answer = request
        .db()?
        .query_one(include_str!("health/ready.sql"), &[]);
    let migrated = match answer {
        // No table of migrations: nothing was migrated at all.
        Err(error) if error.sqlstate() == Some("42P01") => 0,
        other => other?.int(0)?,
    };
    let expected: i64 = SCHEMA_VERSION.parse().unwrap_or(i64::MAX);
    // A newer schema is fine: the next release migrates while this one still runs.
    if migrated < expected {
        let detail = format!(
            "the database is migrated to version {migrated}, {expected} is needed: run `bridge migrate`"
        );
        return Err(Problem::unavailable(detail.clone(), detail));
    }
    Ok(Reply::json(
        200,
        format!(r#"{{"status":"ok","schema":{migrated}}}"#),
    ))
}
