//! The topics of the event log, and how long each keeps its records.

/// A topic of the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: &'static str,
    /// Days after which a record may be removed: 7 or more for a topic that the group `audit` reads, so that agents that
    /// are away over a long weekend lose nothing.
    pub retention_days: u32,
}

const DEAD_LETTER_RETENTION_DAYS: u32 = 30;

/// Every topic, apart from the dead-letter topics.
pub const TOPICS: &[Topic] = &[
    Topic {
        name: "task-events",
        retention_days: 7,
    },
    Topic {
        name: "task-updates",
        retention_days: 1,
    },
    Topic {
        name: "reminders",
        retention_days: 7,
    },
    Topic {
        name: "account-events",
        retention_days: 7,
    },
    Topic {
        name: "audit-logs",
        retention_days: 90,
    },
];

/// Name of the topic that takes the dead letters of `topic`.
pub fn dead_letters_of(topic: &str) -> String {
    format!("{topic}.dlq")
}

/// Every topic and its dead-letter topic: name and retention in days.
pub fn all() -> Vec<(String, u32)> {
    let live = TOPICS
        .iter()
        .map(|topic| (topic.name.to_owned(), topic.retention_days));
    let dead = TOPICS
        .iter()
        .map(|topic| (dead_letters_of(topic.name), DEAD_LETTER_RETENTION_DAYS));
    live.chain(dead).collect()
}
