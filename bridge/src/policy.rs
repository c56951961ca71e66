//! Decides what happens to work that failed: retry, dead letter, or stop of the process.
//!
//! The decision is one exhaustive match, so a new kind of failure does not compile until it is decided on.

use std::time::Duration;

use rand::Rng;
use tokio_postgres::error::SqlState;

/// Number of unanswered deliveries after which an event travels in a frame of half the size, to find the event that
/// crashes the agent.
pub const DEATHS: u32 = 3;
/// Number of unanswered deliveries after which an event becomes a dead letter, provided that it was delivered alone the
/// last time.
pub const LONE_DEATHS: u32 = 5;

/// Bounds of the delay that an agent may ask for with `later`.
const MIN_LATER: Duration = Duration::from_millis(50);
const MAX_LATER: Duration = Duration::from_secs(600);

/// A failure to deliver an event, or to work with Postgres or the log.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure<'a> {
    /// The lane has no subscriber, its agent does not respond, or Redis cannot be reached. No event is at fault.
    Away,
    /// The agent answered `unwell`: it cannot work now, and no event is at fault. This happened `times` times in a row on its
    /// lane.
    Unwell { times: u32 },
    /// The agent answered `later` for the event: something else is away, and the agent asks for a new delivery after `after`,
    /// if it is not zero. The event is not at fault.
    Later { after: Duration },
    /// No answer, although the agent answered something that was sent later, so its handler crashed on the frame. This
    /// happened to the event `deaths` times, the last time in a frame of `together` events.
    Died { deaths: u32, together: usize },
    /// The agent answered `retry` for the event. This happened `times` times, the last time in a frame of `together`
    /// events. The event may be redelivered for this reason `limit` times.
    Retry {
        times: u32,
        limit: u32,
        together: usize,
        error: &'a str,
    },
    /// The agent answered `reject`: the event can never be processed.
    Rejected { error: &'a str },
    /// The log or Postgres failed `times` times in a row, in a way that may pass with time.
    Unavailable { times: u32 },
    /// Postgres reports an error that does not pass with time: a missing table, function or database, a missing
    /// privilege, or a refused login.
    Misconfigured,
}

/// What happens to the work that failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// Deliver it again after a delay, in a frame of at most `together` events.
    Retry { after: Duration, together: usize },
    /// Give the event up; an operator must look at it. The reason is for the operator.
    DeadLetter { reason: String },
    /// Stop the process with an error: nothing works until an operator has changed something.
    Halt,
}

/// The one place that decides what happens after a failure.
pub fn decide(failure: &Failure<'_>) -> Fate {
    let again = |after, together| Fate::Retry { after, together };
    match failure {
        Failure::Away => again(Duration::ZERO, usize::MAX),
        Failure::Unwell { times } => again(backoff(150, *times, 2_500), usize::MAX),
        Failure::Later { after } if after.is_zero() => again(backoff(1_000, 1, 1_000), usize::MAX),
        Failure::Later { after } => again((*after).clamp(MIN_LATER, MAX_LATER), usize::MAX),
        Failure::Died {
            deaths,
            together: 1,
        } if *deaths >= LONE_DEATHS => Fate::DeadLetter {
            reason: format!(
                "the agent died {deaths} times while it handled this event, and never answered"
            ),
        },
        Failure::Died { deaths, together } if *deaths >= DEATHS && *together > 1 => {
            again(backoff(50, 1, 50), together.div_ceil(2))
        }
        Failure::Died { deaths, .. } => again(backoff(100, *deaths, 2_000), usize::MAX),
        Failure::Retry {
            times,
            limit,
            error,
            ..
        } if times > limit => Fate::DeadLetter {
            reason: format!("failed again after {limit} retries: {error}"),
        },
        // Another event of the frame may be the cause, so the event is retried alone and without delay.
        Failure::Retry { together, .. } if *together > 1 => again(Duration::ZERO, 1),
        Failure::Retry { times, .. } => again(backoff(250, *times, 10_000), 1),
        Failure::Rejected { error } => Fate::DeadLetter {
            reason: format!("rejected: {error}"),
        },
        Failure::Unavailable { times } => again(backoff(50, *times, 2_000), usize::MAX),
        Failure::Misconfigured => Fate::Halt,
    }
}

/// Exponential backoff after the `times`th failure in a row: `first` milliseconds, doubled with each failure up to
/// `max`.
///
/// The result is between half of that and all of it at random, so that clients that failed together do not retry
/// together.
pub fn backoff(first: u64, times: u32, max: u64) -> Duration {
    let whole = first
        .saturating_mul(1 << times.saturating_sub(1).min(16))
        .min(max);
    Duration::from_millis(rand::rng().random_range(whole / 2..=whole))
}

/// Tells an error of Postgres or the log that may pass with time from one that does not. `times` counts failures in a
/// row.
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
    fn an_event_that_crashes_the_agent_alone_is_given_up_and_a_frame_that_does_is_halved() {
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
    fn a_retry_is_alone_and_without_delay_after_a_shared_frame_and_five_times_at_most() {
        let retry = |times, together| {
            decide(&Failure::Retry {
                times,
                limit: 5,
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
    fn an_agent_that_cannot_work_never_costs_an_event_however_long_that_takes() {
        for times in [1, 10, 100_000] {
            let fate = decide(&Failure::Unwell { times });
            assert!(
                matches!(fate, Fate::Retry { after, together: usize::MAX }
                    if !after.is_zero() && after <= Duration::from_secs(5)),
                "{fate:?}"
            );
        }
    }

    #[test]
    fn later_waits_as_long_as_the_agent_asks_within_bounds() {
        for (asked, waits) in [
            (Duration::from_millis(1), MIN_LATER),
            (Duration::from_secs(7), Duration::from_secs(7)),
            (Duration::from_secs(86_400), MAX_LATER),
        ] {
            let fate = Fate::Retry {
                after: waits,
                together: usize::MAX,
            };
            assert_eq!(decide(&Failure::Later { after: asked }), fate);
        }
        let unsaid = decide(&Failure::Later {
            after: Duration::ZERO,
        });
        assert!(matches!(unsaid, Fate::Retry { after, .. } if !after.is_zero()));
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
