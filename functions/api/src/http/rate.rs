//! Rates: how much a caller may ask, counted by the statement that does the work (the generic cell rate algorithm, GCRA).

use guest::postgres::ParameterValue;
use guest::variables::{self, BadSetting};

use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::request::Request;

/// What is counted apart: its name in headers, and the setting with its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    /// Requests of one user that change nothing.
    Read,
    /// Changes of one user; an operation of a batch counts like a request.
    Write,
    /// Tries of one account's password.
    SignIn,
    /// Requests about sessions and new accounts from one address.
    Address,
}

impl Policy {
    const ALL: [Self; 4] = [Self::Read, Self::Write, Self::SignIn, Self::Address];

    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::SignIn => "sign-in",
            Self::Address => "address",
        }
    }

    fn quota(self) -> Result<Quota, BadSetting> {
        let (name, setting) = match self {
            Self::Read => ("rate_read", variables::get("rate_read")),
            Self::Write => ("rate_write", variables::get("rate_write")),
            Self::SignIn => ("rate_sign_in", variables::get("rate_sign_in")),
            Self::Address => ("rate_address", variables::get("rate_address")),
        };
        let wanted = "must be `<requests>/<seconds>`, such as 600/60: 1 to 1000000 requests in 1 to 86400 seconds";
        Quota::parse(&setting?).ok_or_else(|| BadSetting::new(name, wanted))
    }
}

/// So many requests in so many seconds, all of them at once if one likes.
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
        let sane =
            (1..=1_000_000).contains(&quota.requests) && (1..=86_400).contains(&quota.seconds);
        sane.then_some(quota)
    }
}

/// Checks the settings.
pub fn check_settings() -> Result<(), BadSetting> {
    Policy::ALL
        .iter()
        .try_for_each(|policy| policy.quota().map(|_| ()))
}

/// What a request costs whom.
#[derive(Debug)]
pub struct Rate {
    policy: Policy,
    quota: Quota,
    cost: u32,
    who: String,
}

impl Rate {
    fn new(policy: Policy, cost: u32, who: String) -> Result<Self, BadSetting> {
        Ok(Self {
            policy,
            quota: policy.quota()?,
            cost,
            who,
        })
    }

    /// A read that costs as much as `cost` plain ones.
    pub fn read(caller: &Caller, cost: u32) -> Result<Self, BadSetting> {
        Self::new(Policy::Read, cost, caller.account())
    }

    /// So many changes.
    pub fn write(caller: &Caller, changes: u32) -> Result<Self, BadSetting> {
        Self::new(Policy::Write, changes, caller.account())
    }

    /// A try of the password of an account, named by its email or its id.
    pub fn sign_in(account: &str) -> Result<Self, BadSetting> {
        Self::new(Policy::SignIn, 1, account.to_owned())
    }

    /// A request about sessions or new accounts.
    pub fn address(request: &Request) -> Result<Self, BadSetting> {
        Self::new(Policy::Address, 1, crate::http::address::of(request)?)
    }

    /// The argument of the SQL function `take_rate`: key, quota, seconds, cost. A cost beyond the quota is the whole quota,
    /// or it could never be paid.
    pub fn parameter(&self) -> ParameterValue {
        let Quota { requests, seconds } = self.quota;
        let parts = [
            format!("{}/{}", self.policy.name(), self.who),
            requests.to_string(),
            seconds.to_string(),
            self.cost.clamp(1, requests).to_string(),
        ];
        ParameterValue::ArrayStr(parts.into_iter().map(Some).collect())
    }

    /// Reads what `take_rate` said, for the answer's headers; where nothing was left, the answer is 429.
    pub fn check(&self, request: &mut Request, taken: &str) -> Result<(), Problem> {
        let Quota { requests, seconds } = self.quota;
        let name = self.policy.name();
        let wait = taken
            .strip_prefix("wait ")
            .map(|seconds| seconds.parse().unwrap_or(1).max(1));
        let left = match wait {
            None => taken.to_owned(),
            Some(wait) => format!("0;t={wait}"),
        };
        let policy = format!("\"{name}\";q={requests};w={seconds}");
        // A request that asks twice shows how it stands after the second.
        request.rates.retain(|(earlier, _)| *earlier != policy);
        request.rates.push((policy, format!("\"{name}\";r={left}")));
        match wait {
            None => Ok(()),
            Some(wait) => Err(Problem::rate_limited(name, requests, seconds, wait)),
        }
    }
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
