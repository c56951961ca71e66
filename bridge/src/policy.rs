//! What becomes of work that failed: one exhaustive match, so that a new failure must choose its fate.

use std::time::Duration;

use rand::Rng;
use tokio_postgres::error::SqlState;

/// How often an event is delivered again because its agent asks for it.
pub const RETRIES: u32 = 5;
/// How often a frame may die before it is halved.
pub const DEATHS: u32 = 3;
/// How often an event may die, in the end alone, before it is given up.
pub const LONE_DEATHS: u32 = 5;

/// Something that did not work.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure<'a> {
    /// Nobody listens on the lane, its agent is deaf, or Redis cannot be reached: the event was not at fault.
    Away,
    /// No answer in time, and nothing shows that the agent got past the frame: it may only be slow.
    Late { sendings: u32 },
    /// No answer, but the agent answered what was sent after: the frame killed its handler `deaths` times,
    /// the last time in the company of `together - 1` others.
    Died { deaths: u32, together: usize },
    /// The agent asked for another try, for the `times`th time; the last time in the company of `together - 1` others.
    Retry {
        times: u32,
        together: usize,
        error: &'a str,
    },
    /// The agent says that it can never work.
    Rejected { error: &'a str },
    /// The log or Postgres cannot take or give events now.
    Unavailable { times: u32 },
    /// Postgres says that the bridge is not set up: no such table or function, no right, no such user or database.
    Misconfigured,
}

/// What to do about it.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// Again, after a while, in a frame of at most so many events.
    Retry { after: Duration, together: usize },
    /// A person must look at it.
    DeadLetter { reason: String },
    /// Nothing can work until a person has acted: the process ends with the reason.
    Halt,
}

/// The one place where a failure becomes a fate.
pub fn decide(failure: &Failure<'_>) -> Fate {
    let again = |after, together| Fate::Retry { after, together };
    match failure {
        Failure::Away => again(Duration::ZERO, usize::MAX),
        Failure::Late { sendings } => again(backoff(500, *sendings, 5_000), usize::MAX),
        Failure::Died {
            deaths,
            together: 1,
        } if *deaths >= LONE_DEATHS => Fate::DeadLetter {
            reason: format!("the agent died of it {deaths} times without an answer"),
        },
        Failure::Died { deaths, together } if *deaths >= DEATHS && *together > 1 => {
            again(backoff(50, 1, 50), together.div_ceil(2))
        }
        Failure::Died { deaths, .. } => again(backoff(100, *deaths, 2_000), usize::MAX),
        Failure::Retry { times, error, .. } if *times > RETRIES => Fate::DeadLetter {
            reason: format!("failed again after {RETRIES} retries: {error}"),
        },
        // Any of its companions may have been the cause, so alone it may work at once.
        Failure::Retry { together, .. } if *together > 1 => again(Duration::ZERO, 1),
        Failure::Retry { times, .. } => again(backoff(250, *times, 10_000), 1),
        Failure::Rejected { error } => Fate::DeadLetter {
            reason: format!("rejected: {error}"),
        },
        Failure::Unavailable { times } => again(backoff(50, *times, 2_000), usize::MAX),
        Failure::Misconfigured => Fate::Halt,
    }
}

/// Doubles from `first` to `most` milliseconds; the jitter keeps those who failed together from returning together.
pub fn backoff(first: u64, times: u32, most: u64) -> Duration {
    let whole = first
        .saturating_mul(1 << times.saturating_sub(1).min(16))
        .min(most);
    Duration::from_millis(rand::rng().random_range(whole / 2..=whole))
}

/// Sorts an error of Postgres or the log: what passes with time, and what does not.
pub fn classify(error: &anyhow::Error, times: u32) -> Failure<'static> {
    let code = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<tokio_postgres::Error>())
        .and_then(|e| e.code());
    let misconfigured = [
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_FUNCTION,
        SqlState::UNDEFINED_COLUMN,
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::INVALID_CATALOG_NAME,
    ];
    match code {
        Some(code) if misconfigured.contains(code) => Failure::Misconfigured,
        _ => Failure::Unavailable { times },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_killer_is_buried_and_company_is_halved() {
        assert!(matches!(
            decide(&Failure::Died {
                deaths: 5,
                together: 1
            }),
            Fate::DeadLetter { .. }
        ));
        assert!(matches!(
            decide(&Failure::Died {
                deaths: 3,
                together: 64
            }),
            Fate::Retry { together: 32, .. }
        ));
        assert!(matches!(
            decide(&Failure::Died {
                deaths: 4,
                together: 1
            }),
            Fate::Retry { .. }
        ));
    }

    #[test]
    fn a_retry_is_alone_and_at_once_after_company_and_five_times_at_most() {
        let retry = |times, together| {
            decide(&Failure::Retry {
                times,
                together,
                error: "no",
            })
        };
        let at_once = Fate::Retry {
            after: Duration::ZERO,
            together: 1,
        };
        assert_eq!(retry(1, 64), at_once);
        assert!(matches!(retry(5, 1), Fate::Retry { after, together: 1 } if !after.is_zero()));
        assert!(matches!(retry(6, 1), Fate::DeadLetter { .. }));
    }

    #[test]
    fn backoff_stays_within_its_bounds() {
        for times in 0..100 {
            let after = backoff(250, times, 10_000);
            assert!(
                after >= Duration::from_millis(125) && after <= Duration::from_secs(10),
                "{after:?}"
            );
        }
    }
}
