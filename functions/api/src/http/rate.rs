//! Rate limits (the generic cell rate algorithm, GCRA).
//!
//! They are charged inside the SQL statement that does the work, so a refused request changes nothing and costs no
//! further round trip.

use guest::postgres::ParameterValue;
use guest::variables::{self, BadSetting};

use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::request::Request;

/// A rate limit: each has its own quota, setting and name in headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    /// Reads of one user.
    Read,
    /// Writes of one user; each operation of a batch counts.
    Write,
    /// Attempts at one account's password.
    SignIn,
    /// Registrations, logins, refreshes and logouts from one IP address.
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
    Policy::ALL
        .iter()
        .try_for_each(|policy| policy.quota().map(|_| ()))
}

/// The charge for one request: which policy, how much, and whom.
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

    /// Charges the caller's user for a read that costs as much as `cost` plain ones.
    pub fn read(caller: &Caller, cost: u32) -> Result<Self, BadSetting> {
        Self::new(Policy::Read, cost, caller.rate_key())
    }

    /// Charges the caller's user for this many changes.
    pub fn write(caller: &Caller, changes: u32) -> Result<Self, BadSetting> {
        Self::new(Policy::Write, changes, caller.rate_key())
    }

    /// Charges an account, identified by its email or its id, for an attempt at its password.
    pub fn sign_in(account: &str) -> Result<Self, BadSetting> {
        Self::new(Policy::SignIn, 1, account.to_owned())
    }

    /// Charges the request's IP address for a request about a session or a new account.
    pub fn address(request: &Request) -> Result<Self, BadSetting> {
        Self::new(Policy::Address, 1, crate::http::address::of(request)?)
    }

    /// The parameter of the SQL function `take_rate`: key, quota, seconds, cost. A cost above the quota is reduced to
    /// the whole quota, because it could never be paid otherwise.
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

    /// Reads what `take_rate` returned and remembers it for the response's `RateLimit` headers (the IETF draft
    /// draft-ietf-httpapi-ratelimit-headers).
    ///
    /// # Errors
    /// 429 if too little of the quota was left.
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
        // A request that is charged twice reports the state after the second charge.
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
