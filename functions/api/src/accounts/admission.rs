//! What a request must have before it hashes a password: rates that are not spent, and one of few places.

use guest::postgres::{ParameterValue, Row, text};
use guest::variables::{self, BadSetting};

use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::request::Request;

pub struct Admission {
    address: Rate,
    account: Rate,
}

impl Admission {
    /// For a try on the account that the email or the id names.
    pub fn of(request: &Request, account: &str) -> Result<Self, BadSetting> {
        Ok(Self {
            address: Rate::address(request)?,
            account: Rate::sign_in(account)?,
        })
    }

    /// The arguments of the SQL function `admit_sign_in`.
    pub fn parameters(&self) -> Result<[ParameterValue; 4], BadSetting> {
        Ok([
            self.address.parameter(),
            self.account.parameter(),
            text(variables::get("instance")?),
            ParameterValue::Int32(most()?),
        ])
    }

    /// The place, from a row whose first columns are what `admit_sign_in` returned; whoever has it hashes, and gives it back
    /// with the statement that follows.
    pub fn check(&self, request: &mut Request, row: &mut Row) -> Result<String, Problem> {
        self.address.check(request, &row.text(0)?)?;
        self.account.check(request, &row.text(1)?)?;
        row.text_or_null(2)?.ok_or_else(Problem::too_many_hashes)
    }
}

/// How many passwords one process hashes at once.
pub fn most() -> Result<i32, BadSetting> {
    const SETTING: &str = "hashes_at_once";
    variables::get(SETTING)?
        .parse()
        .ok()
        .filter(|most| (1..=1000).contains(most))
        .ok_or_else(|| BadSetting::new(SETTING, "must be a number from 1 to 1000"))
}
