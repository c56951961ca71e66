//! The consumer groups, one for each agent, and how the events of each are delivered. A new agent is a row in [`GROUPS`].

use std::time::Duration;

use domain::event::EventType;

/// A consumer group: bridges that read the same topics, share one committed offset per partition, and send the events
/// to the agent of the same name.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    pub name: &'static str,
    /// Names of the topics that the group reads; none for an agent that only gets ticks.
    pub topics: &'static [&'static str],
    pub types: Types,
    pub start: Start,
    pub frame: FrameLimits,
    /// Frames that a lane may hold. A crash of the agent repeats so many frames, not a backlog.
    pub credit: usize,
    pub buffer: Buffer,
    /// How long a lane may owe an answer without giving any before it is deaf. It is longer than the `statement_timeout` of the
    /// agent: until then, the agent may only be slow.
    pub deaf_after: Duration,
    /// Shortest and longest time for the answer to a frame, once its lane has answered a later message.
    pub patience: (Duration, Duration),
    /// Maximum number of times that an event is redelivered because its agent answered `retry`.
    pub retries: u32,
    /// How often the agent is told to look for work that is due by now.
    pub tick: Option<Duration>,
}

/// The event types that an agent gets. Events of other types are settled without a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Types {
    All,
    Only(&'static [EventType]),
}

impl Types {
    /// True if the agent gets events of the type with this name. A type that is not known is for the agent to judge.
    pub fn want(self, name: &str) -> bool {
        match (self, EventType::from_name(name)) {
            (Self::All, _) | (_, None) => true,
            (Self::Only(types), Some(kind)) => types.contains(&kind),
        }
    }
}

/// Where a group begins to read a partition that it has never read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record that the log still has.
    Earliest,
    /// After the newest record: the agent is only about what happens from now on.
    Now,
}

/// How large a frame may get and how long it may wait to be filled.
#[derive(Clone, Copy, Debug)]
pub struct FrameLimits {
    pub events: usize,
    /// Bytes of the events' JSON. A single larger event travels alone.
    pub bytes: usize,
    /// A frame with fewer than `events` events is sent once its oldest event has waited this long.
    pub wait: Duration,
}

/// How much a bridge keeps in memory for a group. It stops reading the log while the events that it has read and not settled
/// reach one of the limits.
#[derive(Clone, Copy, Debug)]
pub struct Buffer {
    pub events: usize,
    /// Bytes of the events' JSON.
    pub bytes: usize,
}

/// What most agents need. A row of [`GROUPS`] names what is different.
pub const USUAL: Group = Group {
    name: "",
    topics: &[],
    types: Types::All,
    start: Start::Earliest,
    frame: FrameLimits {
        events: 64,
        bytes: 256 * 1024,
        wait: Duration::from_millis(2),
    },
    // One running and one queued.
    credit: 2,
    buffer: Buffer {
        events: 8_192,
        bytes: 32 * 1024 * 1024,
    },
    // The `statement_timeout` of the role of the agents is 10 s (V1), and so is the limit of `recurring` (functions/recurring/src/api.rs).
    deaf_after: Duration::from_secs(12),
    patience: (Duration::from_millis(500), Duration::from_secs(10)),
    retries: 5,
    tick: None,
};

pub const GROUPS: &[Group] = &[
    Group {
        name: "audit",
        topics: &["task-events", "reminders", "account-events"],
        ..USUAL
    },
    // A frame is one request to the API, which takes up to 64 occurrences. The agent answers after at most 10 s.
    Group {
        name: "recurring",
        topics: &["task-events"],
        types: Types::Only(&[EventType::TaskCompleted, EventType::TaskSkipped]),
        tick: Some(Duration::from_secs(300)),
        ..USUAL
    },
    // The statement that changes a task schedules its reminders, so the agent needs ticks alone. It begins no statement after 4 s, and
    // one takes 10 s at most.
    Group {
        name: "reminder",
        topics: &[],
        tick: Some(Duration::from_secs(5)),
        deaf_after: Duration::from_secs(16),
        ..USUAL
    },
    // It starts at the earliest record, although nobody waits for old changes: a change that is written before the group first reads its
    // partition must not be left out, or a client that has connected before would miss it.
    Group {
        name: "sync",
        topics: &["task-updates"],
        ..USUAL
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::TOPICS;

    #[test]
    fn a_frame_of_recurring_fits_into_one_request() {
        let recurring = GROUPS.iter().find(|group| group.name == "recurring");
        assert!(recurring.unwrap().frame.events <= 64);
    }

    #[test]
    fn what_audit_reads_is_kept_for_a_week() {
        let audit = GROUPS.iter().find(|group| group.name == "audit").unwrap();
        for topic in TOPICS
            .iter()
            .filter(|topic| audit.topics.contains(&topic.name))
        {
            assert!(topic.retention_days >= 7, "{topic:?}");
        }
    }

    #[test]
    fn an_agent_gets_the_types_it_wants_and_those_that_nobody_knows() {
        let types = Types::Only(&[EventType::TaskCompleted]);
        assert!(types.want("task.completed"));
        assert!(!types.want("task.created"));
        assert!(types.want("task.invented"));
        assert!(Types::All.want("task.created"));
    }
}
