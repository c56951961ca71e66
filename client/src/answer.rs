//! Requests, and the answers to them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::sent::Sent;
use crate::task::{Fields, Item, Task, from_members, take};

/// A request that is to be sent next.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    /// Names the request in [`Engine::answer`](crate::engine::Engine::answer).
    pub number: u64,
    pub call: Call,
}

/// Which request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `GET /api/sync` with this cursor.
    Pull { cursor: Option<String> },
    /// `POST /api/sync` with these operations.
    Push { operations: Vec<Sent> },
}

/// What has become of a request.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// 200 to a pull.
    Page(Page),
    /// 304 to a pull.
    Unchanged,
    /// 410 or 422 to a pull: the server does not take the cursor any more.
    Resync,
    /// 200 to a push.
    Results(Results),
    /// 400, 413 or 422 to a push: the problem of the request as a whole, which it will have again. Nothing was done.
    Refused(Value),
    /// Any other answer, or none.
    Failed,
}

/// The body of the answer to `GET /api/sync`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Page {
    /// Tasks and tombstones.
    pub changes: Vec<Task>,
    pub series: Vec<Item>,
    pub reminders: Vec<Item>,
    pub notifications: Vec<Item>,
    /// The settings of the account; `None` if they have not changed.
    pub account: Option<Value>,
    /// The number up to which the client is complete after the last page.
    pub seq: u64,
    pub cursor: String,
    /// Whether another page follows.
    pub more: bool,
}

/// The body of the answer to `POST /api/sync`. Its cursor is of no use to a client that may not have all changes before it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Results {
    pub results: Vec<Outcome>,
}

/// What the server has made of an operation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Outcome {
    pub op_id: Uuid,
    pub result: Verdict,
    /// The task as the operation has left it; `None` if it is deleted.
    pub task: Option<Task>,
    /// Whether an edit has brought the task back that somebody else had deleted.
    pub restored: bool,
    /// What has lost, as the conflict log has it.
    pub conflicts: Vec<Value>,
    /// Of a rejected operation: why.
    pub problem: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nobody else had changed the task since the operation's base.
    Applied,
    /// Others had changed it; both changes hold.
    Merged,
    /// Others had changed the same; the value that has lost is in the conflict log.
    Conflict,
    /// Nothing was done.
    Rejected,
}

from_members!(Page {
    changes,
    series,
    reminders,
    notifications,
    account,
    seq,
    cursor,
    more
});

impl TryFrom<Fields> for Outcome {
    type Error = serde_json::Error;

    fn try_from(mut fields: Fields) -> Result<Self, Self::Error> {
        let fields = &mut fields;
        Ok(Self {
            op_id: take(fields, "op_id")?,
            result: take(fields, "result")?,
            task: take(fields, "task")?,
            restored: take::<Option<bool>>(fields, "restored")?.unwrap_or_default(),
            conflicts: take::<Option<Vec<Value>>>(fields, "conflicts")?.unwrap_or_default(),
            problem: take(fields, "problem")?,
        })
    }
}
