//! Rate limits (the generic cell rate algorithm, GCRA).
//!
//! The SQL statement that does the work charges them first and commits, so a refused request costs no further round trip, and one
//! that fails is charged too. The same statement takes one of the caller's slots: only a few requests of one caller run at once.

use guest::postgres::{Db, DbError, ParameterValue, Row};
use guest::variables::{self, BadSetting};
use spin_sdk::http::Method;

use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// A rate limit: each has its own quota, setting and name in headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    /// Reads of one user.
    Read,
    /// Writes of one user; each operation of a batch counts.
    Write,
    /// Attempts at one account's password from one IP address.
    SignIn,
    /// Attempts at one account's password from anywhere. It is loose: otherwise anybody could keep the owner from signing in.
    Account,
    /// Registrations from one IP address.
    Register,
    /// Registrations, logins, and refreshes and logouts with unknown tokens, from one IP address.
    Address,
}

impl Policy {
    const ALL: [Self; 6] = [
        Self::Read,
        Self::Write,
        Self::SignIn,
        Self::Account,
        Self::Register,
        Self::Address,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::SignIn => "sign-in",
            Self::Account => "account",
            Self::Register => "register",
            Self::Address => "address",
        }
    }

    fn quota(self) -> Result<Quota, BadSetting> {
        let (name, setting) = match self {
            Self::Read => ("rate_read", variables::get("rate_read")),
            Self::Write => ("rate_write", variables::get("rate_write")),
            Self::SignIn => ("rate_sign_in", variables::get("rate_sign_in")),
            Self::Account => ("rate_account", variables::get("rate_account")),
            Self::Register => ("rate_register", variables::get("rate_register")),
            Self::Address => ("rate_address", variables::get("rate_address")),
        };
        let expected = "must be `<requests>/<seconds>`, such as 600/60: 1 to 1000000 requests in 1 to 86400 seconds";
        Quota::parse(&setting?).ok_or_else(|| BadSetting::new(name, expected))
    }
}

/// A number of requests per number of seconds. All of them may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quota {
    requests: u32,
    seconds: u32,
}

impl Quota {
    fn parse(setting: &str) -> Option<Self> {
        let (requests, seconds) = setting.trim().split_once('/')?;
        let quota = Self {
            requests: requests.parse().ok()?,
            seconds: seconds.parse().ok()?,
        };
        let in_range =
            (1..=1_000_000).contains(&quota.requests) && (1..=86_400).contains(&quota.seconds);
        in_range.then_some(quota)
    }
}

/// Checks the settings of all quotas.
pub fn check_settings() -> Result<(), BadSetting> {
    requests_at_once()?;
    Policy::ALL
        .iter()
        .try_for_each(|policy| policy.quota().map(|_| ()))
}

/// The number of requests of one caller that may be at work in Postgres, from the setting of this name.
fn requests_at_once() -> Result<u32, BadSetting> {
    const SETTING: &str = "requests_at_once";
    variables::get(SETTING)?
        .parse()
        .ok()
        .filter(|slots| (1..=1000).contains(slots))
        .ok_or_else(|| BadSetting::new(SETTING, "must be a number from 1 to 1000"))
}

/// What is known about the charge of a request that failed.
#[derive(Debug, Default)]
pub enum Charge {
    /// No statement has charged the request.
    #[default]
    Open,
    /// A statement was to charge this, and failed. It has done so if its cost is 0 here.
    Failed(Rate),
    /// The database cannot be reached.
    Unreachable,
}

/// The charge for one request: which policy, how much, and whom.
#[derive(Clone, Debug)]
pub struct Rate {
    policy: Policy,
    quota: Quota,
    cost: u32,
    who: String,
    /// The number of the caller's slots.
    slots: u32,
    /// The account of the caller, and the one whose data the request is about. Both must exist. Empty if nobody is signed in.
    accounts: [String; 2],
}

impl Rate {
    fn new(policy: Policy, cost: u32, who: String) -> Result<Self, BadSetting> {
        Ok(Self {
            policy,
            quota: policy.quota()?,
            cost,
            who,
            slots: requests_at_once()?,
            accounts: Default::default(),
        })
    }

    fn of_caller(policy: Policy, cost: u32, caller: &Caller) -> Result<Self, BadSetting> {
        Ok(Self {
            accounts: caller.accounts().map(|id| id.to_string()),
            ..Self::new(policy, cost, caller.rate_key())?
        })
    }

    /// Charges the caller's user for a read that costs as much as `cost` plain ones.
    pub fn read(caller: &Caller, cost: u32) -> Result<Self, BadSetting> {
        Self::of_caller(Policy::Read, cost, caller)
    }

    /// Charges the caller's user for this many changes.
    pub fn write(caller: &Caller, changes: u32) -> Result<Self, BadSetting> {
        Self::of_caller(Policy::Write, changes, caller)
    }

    /// Charges the owner of a refresh token, whom the SQL procedure `admit_session` finds.
    pub fn session() -> Result<Self, BadSetting> {
        Self::new(Policy::Read, 1, String::new())
    }

    /// Charges an account, identified by its email or its id, for an attempt at its password from an IP address.
    pub fn sign_in(account: &str, address: &str) -> Result<Self, BadSetting> {
        Self::new(Policy::SignIn, 1, format!("{account} {address}"))
    }

    /// Charges an account for an attempt at its password.
    pub fn account(account: &str) -> Result<Self, BadSetting> {
        Self::new(Policy::Account, 1, account.to_owned())
    }

    /// Charges an IP address for a registration.
    pub fn register(address: &str) -> Result<Self, BadSetting> {
        Self::new(Policy::Register, 1, address.to_owned())
    }

    /// Charges an IP address for a request about a session or a new account.
    pub fn address(address: &str) -> Result<Self, BadSetting> {
        Self::new(Policy::Address, 1, address.to_owned())
    }

    /// The same rate, which charges nothing.
    pub fn free(self) -> Self {
        Self { cost: 0, ..self }
    }

    /// The parameter of the SQL procedure `admit`.
    pub fn parameter(&self) -> ParameterValue {
        ParameterValue::ArrayStr(self.elements().into_iter().map(Some).collect())
    }

    /// The elements of the parameter: key, quota, seconds, cost, slots, caller, and the two accounts that must exist. A cost above
    /// the quota is reduced to the whole quota, because it could never be paid otherwise.
    pub fn elements(&self) -> [String; 8] {
        let Quota { requests, seconds } = self.quota;
        let [caller, owner] = self.accounts.clone();
        [
            format!("{}/{}", self.policy.name(), self.who),
            requests.to_string(),
            seconds.to_string(),
            self.cost.min(requests).to_string(),
            self.slots.to_string(),
            self.who.clone(),
            caller,
            owner,
        ]
    }

    /// Runs a statement whose last parameter is the one of `admit`, and whose last column is the `rate` of `admit`. Returns the
    /// other columns.
    ///
    /// # Errors
    /// Those of [`Self::check`]; 503 or 500 if the database fails.
    pub fn run(
        &self,
        request: &mut Request,
        sql: &str,
        mut parameters: Vec<ParameterValue>,
    ) -> Result<Row, Problem> {
        parameters.push(self.parameter());
        let answer = Db::open().and_then(|db| db.query_one(sql, &parameters));
        let mut row = answer.inspect_err(|error| {
            request.charge = match error {
                DbError::Setting(_) | DbError::Unreachable(_) => Charge::Unreachable,
                // It was not run.
                DbError::Refused { .. } => Charge::Failed(self.clone()),
                DbError::Interrupted(_) | DbError::Failed(_) | DbError::Shape(_) => {
                    Charge::Failed(self.clone().free())
                }
            };
        })?;
        let taken = row.last()?;
        self.check(request, &taken)?;
        Ok(row)
    }

    /// Reads the `rate` of `admit` and remembers it for the response's `RateLimit` headers (the IETF draft
    /// draft-ietf-httpapi-ratelimit-headers).
    ///
    /// # Errors
    /// 429 if too little of the quota was left, or if no slot was free; 401 or 404 if an account is gone.
    pub fn check(&self, request: &mut Request, taken: &str) -> Result<(), Problem> {
        let Quota { requests, seconds } = self.quota;
        let name = self.policy.name();
        let (refusal, taken) = Refusal::split(taken);
        let wait = taken
            .strip_prefix("wait ")
            .map(|seconds| seconds.parse().unwrap_or(1).max(1));
        let left = match wait {
            None => taken.to_owned(),
            Some(wait) => format!("0;t={wait}"),
        };
        let policy = format!("\"{name}\";q={requests};w={seconds}");
        let limit = format!("\"{name}\";r={left}");
        // A request that is charged twice reports the state after the second charge.
        match request
            .rates
            .iter_mut()
            .find(|(earlier, _)| *earlier == policy)
        {
            Some((_, earlier)) => *earlier = limit,
            None => request.rates.push((policy, limit)),
        }
        match (wait, refusal) {
            (Some(wait), _) => Err(Problem::rate_limited(name, requests, seconds, wait)),
            (None, Some(Refusal::Busy)) => Err(Problem::too_many_at_once(self.slots)),
            (None, Some(Refusal::CallerGone)) => Err(Problem::account_gone()),
            (None, Some(Refusal::OwnerGone)) => Err(Problem::not_found()),
            (None, None) => Ok(()),
        }
    }
}

/// Why `admit` has charged a request and not admitted it. Its `rate` begins with the word.
#[derive(Clone, Copy)]
enum Refusal {
    /// No slot of the caller was free.
    Busy,
    /// The account of the caller was deleted.
    CallerGone,
    /// The user for whom a service acts does not exist.
    OwnerGone,
}

impl Refusal {
    const WORDS: [(&str, Self); 3] = [
        ("busy ", Self::Busy),
        ("gone ", Self::CallerGone),
        ("unknown ", Self::OwnerGone),
    ];

    fn split(taken: &str) -> (Option<Self>, &str) {
        Self::WORDS
            .into_iter()
            .find_map(|(word, refusal)| Some((Some(refusal), taken.strip_prefix(word)?)))
            .unwrap_or((None, taken))
    }
}

/// Whether the `rate` of `admit` says that no slot was free.
pub fn is_busy(taken: &str) -> bool {
    matches!(Refusal::split(taken), (Some(Refusal::Busy), _))
}

/// Completes the answer to a request: charges a signed-in caller for a request that failed before a statement has charged it,
/// such as one with an invalid body. So no request is free.
///
/// # Errors
/// The error of the answer, or 429 if the caller has too little of the quota left.
pub fn settle(answer: Result<Reply, Problem>, request: &mut Request) -> Result<Reply, Problem> {
    let problem = match answer {
        Err(problem) if request.rates.is_empty() && request.path().starts_with("/api/") => problem,
        answer => return answer,
    };
    match charge_failed(request) {
        Err(limited) if limited.status == 429 => Err(limited),
        // If the database cannot charge it, the first problem says more.
        Ok(()) | Err(_) => Err(problem),
    }
}

fn charge_failed(request: &mut Request) -> Result<(), Problem> {
    let rate = match std::mem::take(&mut request.charge) {
        Charge::Unreachable => return Ok(()),
        Charge::Failed(rate) => rate,
        Charge::Open => match (Caller::signed_in(request), &request.method) {
            (None, _) => return Ok(()),
            (Some(caller), Method::Get | Method::Head) => Rate::read(&caller, 1)?,
            (Some(caller), _) => Rate::write(&caller, 1)?,
        },
    };
    let statement = include_str!("rate/charge.sql");
    let taken = Db::open()?
        .query_one(statement, &[rate.parameter()])?
        .last()?;
    rate.check(request, &taken)
}

#[cfg(test)]
mod tests {
    use super::Quota;

    #[test]
    fn a_quota_is_requests_and_seconds() {
        let quota = |text| Quota::parse(text).map(|quota| (quota.requests, quota.seconds));
        assert_eq!(quota("600/60"), Some((600, 60)));
        for wrong in [
            "",
            "600",
            "0/60",
            "1/0",
            "-1/60",
            "1000001/1",
            "1/86401",
            "a/b",
            "1/2/3",
        ] {
            assert_eq!(quota(wrong), None, "{wrong}");
        }
    }
}
