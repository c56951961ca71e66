//! The engine for callers that speak JSON only: one call in, one answer out.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::Answer;
use crate::engine::{Edit, Engine};
use crate::live::Message;
use crate::task::{Item, Task};

/// A call: `"next"`, or `{"edit":{…}}`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Call {
    /// Replaces the engine by the one that was saved.
    Load(Value),
    Save,
    Edit(Edit),
    Undo {
        op_id: Uuid,
        at: String,
    },
    Next,
    Refresh,
    Answer {
        number: u64,
        answer: Answer,
    },
    Hear(Message),
    Unplugged,
    Forget {
        deleted_before: String,
        notified_before: String,
    },
    Task {
        id: Uuid,
    },
    Tasks,
    /// Series, reminders, notifications, account, and the number up to which all changes are here.
    Lists,
    Pending,
}

/// Makes a call. The answer is `{"ok":…}` or `{"error":"…"}`.
pub fn call(engine: &mut Engine, call: &str) -> String {
    match answer(engine, call) {
        Ok(ok) => ok,
        Err(error) => json!({ "error": error.to_string() }).to_string(),
    }
}

/// What the server has besides tasks.
#[derive(Serialize)]
struct Lists<'a> {
    series: Vec<&'a Item>,
    reminders: Vec<Item>,
    notifications: Vec<&'a Item>,
    account: Option<&'a Value>,
    seq: u64,
}

#[derive(Serialize)]
struct Success<T> {
    ok: T,
}

fn ok(value: impl Serialize) -> Result<String, Box<dyn std::error::Error>> {
    Ok(serde_json::to_string(&Success { ok: value })?)
}

fn answer(engine: &mut Engine, call: &str) -> Result<String, Box<dyn std::error::Error>> {
    // By way of a value, so that each type is read in one way only: that is less code to download.
    match serde_json::from_value(serde_json::from_str(call)?)? {
        Call::Load(saved) => {
            *engine = Engine::loaded(saved)?;
            ok(())
        }
        Call::Save => Ok(format!("{{\"ok\":{}}}", engine.save()?)),
        Call::Edit(edit) => ok(engine.edit(edit)?),
        Call::Undo { op_id, at } => ok(engine.undo(op_id, at)?),
        Call::Next => ok(engine.next_request()),
        Call::Refresh => {
            engine.refresh();
            ok(())
        }
        Call::Answer { number, answer } => ok(engine.answer(number, answer)?),
        Call::Hear(message) => ok(engine.hear(message)),
        Call::Unplugged => {
            engine.unplugged();
            ok(())
        }
        Call::Forget {
            deleted_before,
            notified_before,
        } => ok(engine.forget(&deleted_before, &notified_before)),
        Call::Task { id } => ok(engine.task(id)),
        Call::Tasks => ok(engine.tasks().collect::<Vec<Task>>()),
        Call::Lists => {
            let store = engine.store();
            ok(Lists {
                series: store.series().values().collect(),
                reminders: engine.reminders().collect(),
                notifications: store.notifications().values().collect(),
                account: store.account(),
                seq: store.seq,
            })
        }
        Call::Pending => ok(engine.pending()),
    }
}
