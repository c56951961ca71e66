//! `spindle export`: all that is here. It works offline.

use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::print;

pub fn export(app: &App<'_>, format: Format) -> Result<ExitCode, Failure> {
    let engine = app.device.engine();
    let store = engine.store();
    let account = store.account().cloned();
    let kinds: [(&str, &str, Vec<Value>); 5] = [
        ("tasks", "task", values(engine.tasks())?),
        ("series", "series", values(store.series().values())?),
        ("reminders", "reminder", values(engine.reminders())?),
        (
            "notifications",
            "notification",
            values(store.notifications().values())?,
        ),
        ("pending", "operation", values(engine.pending())?),
    ];
    let mut text = String::new();
    match format {
        Format::Json => {
            let mut all = json!({ "account": account });
            for (name, _, items) in kinds {
                if let Some(members) = all.as_object_mut() {
                    members.insert(name.to_owned(), items.into());
                }
            }
            text = format!("{all}\n");
        }
        Format::Ndjson => {
            for (_, kind, items) in kinds {
                for item in items {
                    text.push_str(&format!("{}\n", json!({"kind": kind, "item": item})));
                }
            }
            text.push_str(&format!(
                "{}\n",
                json!({"kind": "account", "item": account})
            ));
        }
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn values(items: impl IntoIterator<Item = impl Serialize>) -> Result<Vec<Value>, Failure> {
    let values = items.into_iter().map(serde_json::to_value);
    values
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::refused(error.to_string()))
}
