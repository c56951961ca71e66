//! Which topics there are, how long each keeps its events, and which groups read it.

/// A topic of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: &'static str,
    pub kept_days: u32,
}

/// Readers of some topics who share one position, and the agent that does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: &'static str,
    pub topics: &'static [&'static str],
}

const DEAD_LETTERS_KEPT_DAYS: u32 = 30;

pub const TOPICS: &[Topic] = &[
    Topic {
        name: "task-events",
        kept_days: 7,
    },
    Topic {
        name: "task-updates",
        kept_days: 1,
    },
    Topic {
        name: "reminders",
        kept_days: 1,
    },
    Topic {
        name: "account-events",
        kept_days: 7,
    },
    Topic {
        name: "audit-logs",
        kept_days: 90,
    },
];

pub const GROUPS: &[Group] = &[Group {
    name: "audit",
    topics: &["task-events", "reminders", "account-events"],
}];

/// Where a topic's dead letters go.
pub fn dead_letters_of(topic: &str) -> String {
    format!("{topic}.dlq")
}

/// Every topic with its dead letters: name and days kept.
pub fn all() -> Vec<(String, u32)> {
    let live = TOPICS
        .iter()
        .map(|topic| (topic.name.to_owned(), topic.kept_days));
    let dead = TOPICS
        .iter()
        .map(|topic| (dead_letters_of(topic.name), DEAD_LETTERS_KEPT_DAYS));
    live.chain(dead).collect()
}
