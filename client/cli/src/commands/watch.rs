//! `spindle watch`: prints changes as they happen, whoever makes them.

use std::collections::BTreeMap;
use std::process::ExitCode;

use client::task::Task;
use client_native::device::Device;
use client_native::live::{Event, follow};
use serde_json::json;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::app::{App, describe_remark};
use crate::failure::Failure;
use crate::output::{DIM, Output, YELLOW, print, styled};
use crate::times;

/// The fields whose change is told by name.
const FIELDS: [&str; 8] = [
    "title",
    "description",
    "status",
    "priority",
    "tags",
    "due",
    "recurrence",
    "reminders",
];

pub async fn watch(app: &mut App<'_>) -> Result<ExitCode, Failure> {
    let api = app.api()?;
    let (output, zone) = (app.output, app.zone());
    let mut seen: Option<BTreeMap<Uuid, Task>> = None;
    let (mut printed, ended) = (Ok(true), Notify::new());
    let stop = async {
        tokio::select! {
            () = ended.notified() => {}
            // Without a handler for Ctrl-C, the signal ends the program all the same.
            Ok(()) = tokio::signal::ctrl_c() => {}
        }
    };
    let told = |event: Event<'_>| match event {
        Event::Connected => state(output, "connected", "connected; Ctrl-C ends"),
        Event::Interrupted { why, wait } => {
            let text = format!(
                "{why}; trying again in {:.0} s",
                wait.as_secs_f32().max(1.0)
            );
            state(output, "interrupted", &text);
        }
        Event::Changed(device) => {
            let news = device.take_news();
            // What was new since the last command is no news of now.
            let seen = seen.get_or_insert_with(|| {
                let tasks = device.engine().tasks();
                tasks.map(|task| (task.id, task)).collect()
            });
            for id in news {
                printed = changed(device, seen, id, output, &times::show(times::now(), zone));
                if !matches!(printed, Ok(true)) {
                    ended.notify_one();
                    return;
                }
            }
            for remark in device.take_remarks() {
                if let Some(text) = describe_remark(device, &remark) {
                    output.note(styled(YELLOW, text));
                }
            }
        }
    };
    follow(&mut app.device, &api, stop, told).await?;
    printed?;
    Ok(ExitCode::SUCCESS)
}

fn state(output: &Output, name: &str, text: &str) {
    match output.json {
        true => output.note(json!({"event": name, "detail": text})),
        false => output.note(styled(DIM, text)),
    }
}

/// Prints what has become of a task. Returns whether somebody still reads it.
fn changed(
    device: &mut Device,
    seen: &mut BTreeMap<Uuid, Task>,
    id: Uuid,
    output: &Output,
    at: &str,
) -> Result<bool, Failure> {
    let after = device.engine().task(id);
    let before = match after.clone() {
        Some(after) => seen.insert(id, after),
        None => seen.remove(&id),
    };
    let Some(word) = word(before.as_ref(), after.as_ref()) else {
        return Ok(true);
    };
    let Some(task) = after.or(before) else {
        return Ok(true);
    };
    if output.json {
        let line = json!({"event": word.split(' ').next(), "task": task});
        return print(&format!("{line}\n"));
    }
    // Another process may keep the task from getting a number now.
    let number = match device.number(&[id], false) {
        Err(error) if error.passes() => None,
        numbers => numbers?.get(&id).copied(),
    };
    let number = number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let title = task.text("title");
    print(&format!(
        "{}  {}  {word}  {title}\n",
        styled(DIM, at),
        styled(DIM, number)
    ))
}

/// The word for a change; `None` if a person sees none.
fn word(before: Option<&Task>, after: Option<&Task>) -> Option<String> {
    let alive = |task: Option<&Task>| task.is_some_and(Task::is_alive);
    let status = |task: Option<&Task>| task.map(|task| task.text("status").to_owned());
    let word = match (before, alive(before), alive(after)) {
        (None, _, true) => "created",
        (Some(_), false, true) => "restored",
        (_, true, false) => "deleted",
        (_, false, false) => return None,
        (Some(_), true, true) => match (status(before).as_deref(), status(after).as_deref()) {
            (old, Some("completed")) if old != Some("completed") => "completed",
            (Some("completed" | "cancelled"), Some("open")) => "reopened",
            _ => {
                let differs = |name: &&&str| {
                    before.map(|task| task.field(name)) != after.map(|task| task.field(name))
                };
                let names: Vec<&str> = FIELDS.iter().filter(differs).copied().collect();
                return (!names.is_empty()).then(|| format!("changed ({})", names.join(", ")));
            }
        },
    };
    Some(word.to_owned())
}
