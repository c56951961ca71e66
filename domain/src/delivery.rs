//! Deliveries to the outside: a request to a provider, what its answer means, and when to try again.

use chrono::{DateTime, TimeDelta, Utc};

/// An HTTP request that is ready to be sent. The method is POST. The sender must not follow redirects.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// A response: its status, and its header `Retry-After`.
    Status(u16, Option<&'a str>),
    /// No response in time. The provider may have accepted the request.
    Timeout,
    /// No connection, or one that ended before the response. The provider may have accepted the request.
    Broken,
}

/// Who answered. Providers mean different things with a few statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The HTTP API of a mail provider.
    Mail,
    /// A push service (RFC 8030).
    Push,
}

/// What to do about a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The provider has accepted it.
    Sent,
    /// Try again, and not before this time has passed if the provider asked for it.
    Retry { after: Option<TimeDelta> },
    /// Give up: the same request would fail again.
    Failed,
    /// Give up and remove the subscription: its address does not exist any more (RFC 8030, section 7.3).
    Gone,
}

/// The longest time for which the answer of a provider can postpone a delivery.
const MAX_POSTPONED: TimeDelta = TimeDelta::hours(1);

impl Verdict {
    /// Decides what an answer means. `now` is for a `Retry-After` that is a date.
    #[must_use]
    pub fn of(service: Service, answer: Answer, now: DateTime<Utc>) -> Self {
        let (status, retry_after) = match answer {
            Answer::Status(status, retry_after) => (status, retry_after),
            Answer::Timeout | Answer::Broken => return Self::Retry { after: None },
        };
        let retry = Self::Retry {
            after: retry_after.and_then(|text| postponed(text, now)),
        };
        match (status, service) {
            (200..=299, _) => Self::Sent,
            // A wrong or expired key concerns all mails, and the operator may mend it. A push service means this subscription, which
            // belongs to another key (RFC 8292, section 4.2).
            (401 | 403, Service::Mail) => retry,
            (401 | 403, Service::Push) => Self::Failed,
            (404 | 410, Service::Push) => Self::Gone,
            // A request with this idempotency key is in progress.
            (409, Service::Mail) => retry,
            (408 | 425 | 429, _) => retry,
            (500..=599, _) => retry,
            // A redirect is not followed, because its target is not known to be a provider.
            (300..=399, _) => Self::Failed,
            (400..=499, _) => Self::Failed,
            // Not a final response of HTTP.
            (0..=199 | 600..=u16::MAX, _) => Self::Failed,
        }
    }
}

/// The time in `Retry-After` (RFC 9110, section 10.2.3): seconds or a date. At most an hour. `None` if it is neither, or past.
fn postponed(text: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let text = text.trim();
    let time = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        match text.parse() {
            Ok(seconds) => TimeDelta::try_seconds(seconds).unwrap_or(MAX_POSTPONED),
            Err(_) => MAX_POSTPONED,
        }
    } else {
        DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now
    };
    (time > TimeDelta::zero()).then_some(time.min(MAX_POSTPONED))
}

/// The pauses before the second and later attempts, in seconds: 5 s, 30 s, 2 min, 10 min, 1 h.
const PAUSES: [i32; 5] = [5, 30, 120, 600, 3600];

/// The pause before the next attempt after `failed` attempts, or `None` if there were enough.
///
/// `jitter`, a random number from 0 to 1, makes the pause up to a fifth shorter or longer, so that deliveries that failed together do
/// not come back together. `after` is what the provider asked for.
#[must_use]
pub fn pause(failed: u32, jitter: f64, after: Option<TimeDelta>) -> Option<TimeDelta> {
    let index = usize::try_from(failed.checked_sub(1)?).ok()?;
    let seconds = f64::from(*PAUSES.get(index)?);
    let jitter = if jitter.is_finite() {
        jitter.clamp(0.0, 1.0)
    } else {
        0.5
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the longest pause has a few million milliseconds"
    )]
    let pause = TimeDelta::milliseconds((seconds * 1000.0 * (0.8 + 0.4 * jitter)).round() as i64);
    Some(after.map_or(pause, |after| pause.max(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(service: Service, status: u16) -> Verdict {
        let now = DateTime::UNIX_EPOCH;
        Verdict::of(service, Answer::Status(status, None), now)
    }

    const RETRY: Verdict = Verdict::Retry { after: None };

    #[test]
    fn a_status_means_sent_later_or_never() {
        for service in [Service::Mail, Service::Push] {
            for (status, expected) in [
                (200, Verdict::Sent),
                (201, Verdict::Sent),
                (202, Verdict::Sent),
                (100, Verdict::Failed),
                (302, Verdict::Failed),
                (308, Verdict::Failed),
                (400, Verdict::Failed),
                (413, Verdict::Failed),
                (422, Verdict::Failed),
                (408, RETRY),
                (429, RETRY),
                (500, RETRY),
                (502, RETRY),
                (503, RETRY),
                (599, RETRY),
                (600, Verdict::Failed),
                (0, Verdict::Failed),
            ] {
                assert_eq!(verdict(service, status), expected, "{service:?} {status}");
            }
            for answer in [Answer::Timeout, Answer::Broken] {
                assert_eq!(Verdict::of(service, answer, DateTime::UNIX_EPOCH), RETRY);
            }
        }
        for (status, mail, push) in [
            (401, RETRY, Verdict::Failed),
            (403, RETRY, Verdict::Failed),
            (404, Verdict::Failed, Verdict::Gone),
            (410, Verdict::Failed, Verdict::Gone),
            (409, RETRY, Verdict::Failed),
        ] {
            assert_eq!(verdict(Service::Mail, status), mail, "{status}");
            assert_eq!(verdict(Service::Push, status), push, "{status}");
        }
    }

    #[test]
    fn a_provider_can_ask_for_time() {
        let now: DateTime<Utc> = "2026-11-27T02:00:00Z".parse().unwrap();
        for (header, seconds) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("0", None),
            ("86400", Some(3600)),
            ("99999999999999999999999", Some(3600)),
            ("Fri, 27 Nov 2026 02:05:00 GMT", Some(300)),
            ("Fri, 27 Nov 2026 01:00:00 GMT", None),
            ("Sat, 28 Nov 2026 02:00:00 GMT", Some(3600)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ] {
            for status in [429, 503] {
                let answer = Answer::Status(status, Some(header));
                let after = seconds.map(TimeDelta::seconds);
                assert_eq!(
                    Verdict::of(Service::Push, answer, now),
                    Verdict::Retry { after },
                    "{header}"
                );
            }
        }
        // Only a failure that passes can be postponed.
        let answer = Answer::Status(410, Some("60"));
        assert_eq!(Verdict::of(Service::Push, answer, now), Verdict::Gone);
    }

    #[test]
    fn pauses_grow_and_then_end() {
        let millis = |failed, jitter| pause(failed, jitter, None).map(|it| it.num_milliseconds());
        for (failed, shortest, middle, longest) in [
            (1, 4_000, 5_000, 6_000),
            (2, 24_000, 30_000, 36_000),
            (3, 96_000, 120_000, 144_000),
            (4, 480_000, 600_000, 720_000),
            (5, 2_880_000, 3_600_000, 4_320_000),
        ] {
            assert_eq!(millis(failed, 0.0), Some(shortest));
            assert_eq!(millis(failed, 0.5), Some(middle));
            assert_eq!(millis(failed, 1.0), Some(longest));
            assert_eq!(millis(failed, -7.0), Some(shortest));
            assert_eq!(millis(failed, 7.0), Some(longest));
            assert_eq!(millis(failed, f64::NAN), Some(middle));
        }
        assert_eq!(pause(6, 0.5, Some(TimeDelta::seconds(9))), None);
        assert_eq!(pause(0, 0.5, None), None);
        assert_eq!(pause(u32::MAX, 0.5, None), None);
        let minute = TimeDelta::minutes(1);
        assert_eq!(pause(1, 0.5, Some(minute)), Some(minute));
        assert_eq!(pause(4, 0.5, Some(minute)), Some(TimeDelta::minutes(10)));
    }
}
