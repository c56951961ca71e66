//! Admission of requests that hash a password. They are charged to several rate limits and need one of a few hashing slots,
//! because a hash takes much CPU time.

use guest::postgres::{ParameterValue, Row, text};
use guest::variables::{self, BadSetting};

use crate::http::address;
use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::request::Request;

/// The rates that a request is charged before it hashes a password, in the order in which they are charged.
pub struct Admission(Vec<Rate>);

impl Admission {
    /// The admission of an attempt at a password. `account` is the email or the id of its account.
    ///
    /// An account is limited tightly for each address and loosely for all: if wrong tries from anywhere counted alike, a few of
    /// them would keep the owner from signing in.
    pub fn sign_in(request: &Request, account: &str) -> Result<Self, BadSetting> {
        let address = address::of(request)?;
        Ok(Self(vec![
            Rate::address(&address)?,
            Rate::sign_in(account, &address)?,
            Rate::account(account)?,
        ]))
    }

    /// The admission of a registration.
    pub fn register(request: &Request) -> Result<Self, BadSetting> {
        let address = address::of(request)?;
        Ok(Self(vec![
            Rate::address(&address)?,
            Rate::register(&address)?,
        ]))
    }

    /// The parameters of the SQL procedure `begin_sign_in`.
    pub fn parameters(&self) -> Result<[ParameterValue; 3], BadSetting> {
        let rates = self.0.iter().flat_map(Rate::elements).map(Some);
        Ok([
            ParameterValue::ArrayStr(rates.collect()),
            text(variables::get("instance")?),
            ParameterValue::Int32(hashes_at_once()?),
        ])
    }

    /// Reads a row whose first two columns are what `begin_sign_in` returned, and returns the hashing slot. The
    /// statement that runs after the hashing releases the slot.
    ///
    /// # Errors
    /// 429 if a rate limit is exceeded, 503 if no slot is free.
    pub fn check(&self, request: &mut Request, row: &mut Row) -> Result<String, Problem> {
        for (rate, taken) in self.0.iter().zip(row.text(0)?.split(',')) {
            rate.check(request, taken)?;
        }
        row.text_or_null(1)?.ok_or_else(Problem::too_many_hashes)
    }
}

/// Runs the statement that follows the hashing, which also releases the slot. A statement that fails releases nothing, so then
/// another one does; if that fails too, the slot expires.
pub fn finish(
    request: &Request,
    sql: &str,
    parameters: &[ParameterValue],
    slot: &str,
) -> Result<Row, Problem> {
    let answer = request.db()?.query_one(sql, parameters);
    if answer.is_err()
        && let Ok(db) = request.db()
    {
        // The first error is the one to report.
        let _ = db.query(include_str!("free_slot.sql"), &[text(slot)]);
    }
    Ok(answer?)
}

/// The number of passwords that one process may hash at the same time, from the setting of this name.
pub fn hashes_at_once() -> Result<i32, BadSetting> {
    const SETTING: &str = "hashes_at_once";
    variables::get(SETTING)?
        .parse()
        .ok()
        .filter(|slots| (1..=1000).contains(slots))
        .ok_or_else(|| BadSetting::new(SETTING, "must be a number from 1 to 1000"))
}
