//! Events: their types, topics and envelope.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A topic of the event log. Events of one user stay in order within a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Changes of tasks, as facts.
    TaskEvents,
    /// Changes of tasks, as notifications to clients.
    TaskUpdates,
    Reminders,
    /// Sign-ins and changes of accounts.
    AccountEvents,
    /// Entries that were added to the audit trail.
    AuditLogs,
}

impl Topic {
    pub const ALL: &[Self] = &[
        Self::TaskEvents,
        Self::TaskUpdates,
        Self::Reminders,
        Self::AccountEvents,
        Self::AuditLogs,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::TaskEvents => "task-events",
            Self::TaskUpdates => "task-updates",
            Self::Reminders => "reminders",
            Self::AccountEvents => "account-events",
            Self::AuditLogs => "audit-logs",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|topic| topic.name() == name)
    }
}

/// Declares the event types: variant, name on the wire, topic.
macro_rules! event_types {
    ($($variant:ident = $name:literal on $topic:ident),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventType { $($variant),+ }

        impl EventType {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            pub fn topic(self) -> Topic {
                match self { $(Self::$variant => Topic::$topic),+ }
            }

            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

event_types! {
    TaskCreated = "task.created" on TaskEvents,
    TaskUpdated = "task.updated" on TaskEvents,
    TaskCompleted = "task.completed" on TaskEvents,
    TaskReopened = "task.reopened" on TaskEvents,
    TaskSkipped = "task.skipped" on TaskEvents,
    TaskDeleted = "task.deleted" on TaskEvents,
    TaskRestored = "task.restored" on TaskEvents,
    SeriesEnded = "series.ended" on TaskEvents,
    SyncMerged = "sync.merged" on TaskEvents,
    TaskChanged = "task.changed" on TaskUpdates,
    UserChanged = "user.changed" on TaskUpdates,
    ReminderScheduled = "reminder.scheduled" on Reminders,
    ReminderCancelled = "reminder.cancelled" on Reminders,
    ReminderDue = "reminder.due" on Reminders,
    ReminderSent = "reminder.sent" on Reminders,
    ReminderFailed = "reminder.failed" on Reminders,
    ReminderSnoozed = "reminder.snoozed" on Reminders,
    UserRegistered = "user.registered" on AccountEvents,
    UserLogin = "user.login" on AccountEvents,
    UserLoginFailed = "user.login-failed" on AccountEvents,
    UserTokenRefreshed = "user.token-refreshed" on AccountEvents,
    UserPasswordChanged = "user.password-changed" on AccountEvents,
    UserUpdated = "user.updated" on AccountEvents,
    UserRoleChanged = "user.role-changed" on AccountEvents,
    UserDeleted = "user.deleted" on AccountEvents,
    UserTokenRevoked = "user.token-revoked" on AccountEvents,
    AuditRecorded = "audit.recorded" on AuditLogs,
    DeadLetterReplayed = "dead-letter.replayed" on AccountEvents,
    DeadLetterDiscarded = "dead-letter.discarded" on AccountEvents,
}

/// An event in its envelope: CloudEvents 1.0 in structured JSON mode, with extension attributes of our own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub specversion: String,
    pub id: Uuid,
    pub source: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub subject: String,
    pub time: String,
    pub datacontenttype: String,
    /// The user whose data changed. Events of one user stay in order.
    pub userid: Uuid,
    /// Number of the write within the user's writes. An event about the account has the number of the latest write. An event that
    /// belongs to no write has none.
    #[serde(default)]
    pub seq: Option<i64>,
    /// Id of the request that caused the event. Absent if several requests did.
    #[serde(default)]
    pub correlationid: Option<String>,
    /// Id of the event that caused this one, if an agent emitted it.
    #[serde(default)]
    pub causationid: Option<String>,
    /// W3C Trace Context of the request, if it had one.
    #[serde(default)]
    pub traceparent: Option<String>,
    pub data: Value,
}
