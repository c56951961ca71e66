//! Admission of requests that hash a password. They are charged to several rate limits and need one of a few hashing slots,
//! because a hash takes much CPU time.

use guest::postgres::{ParameterValue, Row, text, text_or_null};
use guest::variables::{self, BadSetting};

use crate::auth::Caller;
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

    /// The admission of a write of a signed-in caller who proves the password of the own account. It is charged as an attempt at the
    /// password, and as a write.
    pub fn proof(request: &Request, caller: &Caller) -> Result<Self, BadSetting> {
        let Self(mut rates) = Self::sign_in(request, &caller.user.to_string())?;
        // It comes first, so that a write that is refused counts as no attempt.
        rates.insert(0, Rate::write(caller, 1)?);
        Ok(Self(rates))
    }

    /// The admission of a registration.
    pub fn register(request: &Request) -> Result<Self, BadSetting> {
        let address = address::of(request)?;
        Ok(Self(vec![
            Rate::address(&address)?,
            Rate::register(&address)?,
        ]))
    }

    /// Runs the statement that admits the request. The parameters of `begin_sign_in` follow the given ones, and the first two columns
    /// are what `begin_sign_in` returned. Returns the hashing slot, which the statement after the hashing releases, and the row.
    ///
    /// # Errors
    /// 429 if a rate limit is exceeded, 503 if no slot is free.
    pub fn begin(
        &self,
        request: &mut Request,
        statement: &str,
        mut parameters: Vec<ParameterValue>,
    ) -> Result<(String, Row), Problem> {
        let rates = self.0.iter().flat_map(Rate::elements).map(Some);
        parameters.extend([
            ParameterValue::ArrayStr(rates.collect()),
            text(variables::get("instance")?),
            ParameterValue::Int32(hashes_at_once()?),
        ]);
        let mut row = request.db()?.query_one(statement, &parameters)?;
        for (rate, taken) in self.0.iter().zip(row.text(0)?.split(',')) {
            rate.check(request, taken)?;
        }
        let slot = row.text_or_null(1)?.ok_or_else(Problem::too_many_hashes)?;
        Ok((slot, row))
    }
}

/// Emits an event about a wrong password and releases the slot. `user` is `None` for an unknown account.
pub fn refuse(request: &Request, user: Option<&str>, slot: &str) -> Result<(), Problem> {
    let context = text(request.trace.event_members());
    let parameters = [text_or_null(user), context, text(slot)];
    finish(request, include_str!("login_failed.sql"), &parameters, slot)?;
    Ok(())
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
