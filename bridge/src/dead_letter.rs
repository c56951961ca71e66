//! Dead letters: events that people must look at, on `<topic>.dlq` with what happened to them.

pub mod command;
pub mod desk;

use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::time::sleep;
use tracing::{error, warn};

use crate::log::{Entry, Headers, Log, Record};
use crate::policy::{self, Fate};
use crate::topics::dead_letters_of;

pub const TOPIC: &str = "spindle-topic";
pub const PARTITION: &str = "spindle-partition";
pub const OFFSET: &str = "spindle-offset";
pub const GROUP: &str = "spindle-group";
pub const ATTEMPTS: &str = "spindle-attempts";
pub const ERROR: &str = "spindle-error";
pub const FIRST_AT: &str = "spindle-first-at";
pub const LAST_AT: &str = "spindle-last-at";

/// An error's text is for people; more of it than this helps nobody.
const ERROR_CHARS: usize = 2_000;

/// An event that becomes a dead letter, and why.
#[derive(Debug)]
pub struct Burial {
    pub record: Record,
    /// Frames with this event that reached an agent.
    pub attempts: u32,
    pub first_failed: Option<SystemTime>,
    pub reason: String,
}

/// Returns once the log has the dead letter, however long that takes: until then the offset must not move on.
pub async fn bury(log: Arc<dyn Log>, group: &str, burial: Burial) -> Record {
    let topic = dead_letters_of(&burial.record.partition.topic);
    let entry = Entry {
        headers: headers(group, &burial),
        ..burial.record.entry.clone()
    };
    let mut failures = 0;
    while let Err(failed) = log.append(&topic, &entry).await {
        failures += 1;
        let after = match policy::decide(&policy::failure_of(&failed, failures)) {
            Fate::Retry { after, .. } => after,
            Fate::DeadLetter { .. } | Fate::Halt => {
                error!(
                    error = format!("{failed:#}"),
                    topic, "a dead letter cannot be written, the group stands still"
                );
                policy::backoff(2_000, failures, 30_000)
            }
        };
        warn!(
            error = format!("{failed:#}"),
            topic, "a dead letter has to wait"
        );
        sleep(after).await;
    }
    burial.record
}

fn headers(group: &str, burial: &Burial) -> Headers {
    let now = SystemTime::now();
    let partition = &burial.record.partition;
    let mut headers = Headers::new();
    let mut set = |name: &str, value: String| headers.insert(name.to_owned(), value);
    set(TOPIC, partition.topic.to_string());
    set(PARTITION, partition.number.to_string());
    set(OFFSET, burial.record.offset.to_string());
    set(GROUP, group.to_owned());
    set(ATTEMPTS, burial.attempts.to_string());
    set(ERROR, burial.reason.chars().take(ERROR_CHARS).collect());
    set(FIRST_AT, rfc3339(burial.first_failed.unwrap_or(now)));
    set(LAST_AT, rfc3339(now));
    headers
}

/// The one way a time is written anywhere: UTC with microseconds.
pub fn rfc3339(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Micros, true)
}
