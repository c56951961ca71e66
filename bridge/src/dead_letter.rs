//! Dead letters: events that an agent could not process. Each is written to the topic `<topic>.dlq`, with headers that
//! say why.

pub mod command;
pub mod store;

use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::time::sleep;
use tracing::warn;

use crate::log::{Entry, Headers, Log, Record};
use crate::policy::{self, Fate};
use crate::topics::dead_letters_of;

/// Header: the topic that the event was read from.
pub const TOPIC: &str = "spindle-topic";
/// Header: the partition of that topic.
pub const PARTITION: &str = "spindle-partition";
/// Header: the event's offset in that partition.
pub const OFFSET: &str = "spindle-offset";
/// Header: the group that could not process the event.
pub const GROUP: &str = "spindle-group";
/// Header: how many frames with the event reached an agent.
pub const ATTEMPTS: &str = "spindle-attempts";
/// Header: why the event was given up.
pub const ERROR: &str = "spindle-error";
/// Header: when the event first failed, in RFC 3339.
pub const FIRST_AT: &str = "spindle-first-at";
/// Header: when the event was given up, in RFC 3339.
pub const LAST_AT: &str = "spindle-last-at";

/// Longer errors are cut off, so that a dead letter stays readable and is not much larger than its event.
const MAX_ERROR_CHARS: usize = 2_000;

/// An event that is given up, and what happened to it.
#[derive(Debug)]
pub struct FailedEvent {
    pub record: Record,
    /// Frames with the event that reached an agent.
    pub attempts: u32,
    /// When the event first failed, if it had failed before.
    pub first_failed: Option<SystemTime>,
    /// Why the event is given up, for the operator.
    pub reason: String,
}

/// Failures in a row to write a dead letter before that is reported. Short outages of the log are not worth a report.
const REPORTED_FAILURES: u32 = 3;

/// Appends an event to the dead-letter topic of the topic it came from. Returns once the log has acknowledged the dead letter.
///
/// It retries for as long as the log fails: the caller must not commit the event's offset before the dead letter is
/// durable, or the event would be lost. `report` is called once the log has failed several times, or in a way that does not
/// pass with time.
pub async fn append(log: Arc<dyn Log>, group: &str, failed: FailedEvent, report: impl FnOnce()) {
    let topic = dead_letters_of(&failed.record.partition.topic);
    let headers = headers(group, &failed);
    let entry = Entry {
        headers,
        ..failed.record.entry
    };
    let mut report = Some(report);
    let mut failures = 0;
    while let Err(failed) = log.append(&topic, &entry).await {
        failures += 1;
        let (after, lasting) = match policy::decide(&policy::classify(&failed, failures)) {
            Fate::Retry { after, .. } => (after, failures >= REPORTED_FAILURES),
            Fate::DeadLetter { .. } | Fate::Halt => {
                (policy::backoff(2_000, failures, 30_000), true)
            }
        };
        warn!(
            error = format!("{failed:#}"),
            topic,
            group,
            ?after,
            "writing a dead letter failed and is retried"
        );
        if lasting && let Some(report) = report.take() {
            report();
        }
        sleep(after).await;
    }
}

fn headers(group: &str, failed: &FailedEvent) -> Headers {
    let now = SystemTime::now();
    let FailedEvent {
        record,
        attempts,
        first_failed,
        reason,
    } = failed;
    let mut headers = Headers::new();
    let mut set = |name: &str, value: String| headers.insert(name.to_owned(), value);
    set(TOPIC, record.partition.topic.to_string());
    set(PARTITION, record.partition.number.to_string());
    set(OFFSET, record.offset.to_string());
    set(GROUP, group.to_owned());
    set(ATTEMPTS, attempts.to_string());
    set(ERROR, reason.chars().take(MAX_ERROR_CHARS).collect());
    set(FIRST_AT, rfc3339(first_failed.unwrap_or(now)));
    set(LAST_AT, rfc3339(now));
    headers
}

/// A time in RFC 3339, in UTC with microseconds, as events carry it.
pub fn rfc3339(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Micros, true)
}
