//! Events: every type there is, the topic it travels on, and the envelope it travels in (delivery.md, section 1).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Where events travel. Kept per user in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// What happened to tasks.
    TaskEvents,
    /// What clients must hear of.
    TaskUpdates,
    Reminders,
    /// What happened to accounts.
    AccountEvents,
    /// What the audit trail has recorded.
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

/// Every event type, its name on the wire and its topic.
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
    TaskDeleted = "task.deleted" on TaskEvents,
    TaskRestored = "task.restored" on TaskEvents,
    TaskChanged = "task.changed" on TaskUpdates,
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

/// The envelope: CloudEvents 1.0 in structured JSON, with our extension attributes.
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
    /// The owner of what changed; events of one user stay in order.
    pub userid: Uuid,
    /// The owner's sequence number of the write. Events about the account itself carry that of the last write before;
    /// what is not about one write has none.
    #[serde(default)]
    pub seq: Option<i64>,
    /// The request that all of this began with, unless there were many.
    #[serde(default)]
    pub correlationid: Option<String>,
    /// The event that caused this one, where an agent acted on one.
    #[serde(default)]
    pub causationid: Option<String>,
    /// W3C trace context, where the request had one.
    #[serde(default)]
    pub traceparent: Option<String>,
    pub data: Value,
}
