//! `GET /healthz` (liveness: the function runs) and `GET /readyz` (readiness: settings and database are usable).

use domain::schema::SCHEMA_VERSION;
use guest::postgres::Db;

use crate::accounts;
use crate::auth::keys;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::{address, rate};

pub fn alive(_: &mut Request) -> Result<Reply, Problem> {
    Ok(Reply::json(200, r#"{"status":"ok"}"#.to_owned()))
}

pub fn ready(_: &mut Request) -> Result<Reply, Problem> {
    keys::load_service()?;
    rate::check_settings()?;
    address::trusted_proxies()?;
    accounts::hashes_at_once()?;
    // The probe must not wait for users' requests.
    let answer = Db::open_apart("readiness")?.query_one(include_str!("health/ready.sql"), &[]);
    let migrated = match answer {
        // 42P01 is undefined_table: no migration has run yet.
        Err(error) if error.sqlstate() == Some("42P01") => 0,
        other => other?.int(0)?,
    };
    let expected: i64 = SCHEMA_VERSION.parse().unwrap_or(i64::MAX);
    // A newer schema is accepted, because the next release migrates while this one still runs.
    if migrated < expected {
        let detail = format!(
            "the database schema has version {migrated}, but version {expected} is required: run `bridge migrate`"
        );
        return Err(Problem::unavailable(detail.clone(), detail));
    }
    Ok(Reply::json(
        200,
        format!(r#"{{"status":"ok","schema":{migrated}}}"#),
    ))
}
