//! Admission of requests that hash a password. They are charged to two rate limits and need one of a few hashing slots,
//! because a hash takes much CPU time.

use guest::postgres::{ParameterValue, Row, text};
use guest::variables::{self, BadSetting};

use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::request::Request;

/// The rates that a request is charged before it hashes a password.
pub struct Admission {
    address: Rate,
    account: Rate,
}

impl Admission {
    /// `account` is the email or the id of the account whose password is tried.
    pub fn of(request: &Request, account: &str) -> Result<Self, BadSetting> {
        Ok(Self {
            address: Rate::address(request)?,
            account: Rate::sign_in(account)?,
        })
    }

    /// The parameters of the SQL function `admit_sign_in`.
    pub fn parameters(&self) -> Result<[ParameterValue; 4], BadSetting> {
        Ok([
            self.address.parameter(),
            self.account.parameter(),
            text(variables::get("instance")?),
            ParameterValue::Int32(hashes_at_once()?),
        ])
    }

    /// Reads a row whose first three columns are what `admit_sign_in` returned, and returns the hashing slot. The
    /// statement that runs after the hashing releases the slot.
    ///
    /// # Errors
    /// 429 if a rate limit is exceeded, 503 if no slot is free.
    pub fn check(&self, request: &mut Request, row: &mut Row) -> Result<String, Problem> {
        self.address.check(request, &row.text(0)?)?;
        self.account.check(request, &row.text(1)?)?;
        row.text_or_null(2)?.ok_or_else(Problem::too_many_hashes)
    }
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
