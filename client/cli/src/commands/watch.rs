//! `spindle watch`: prints changes as they happen, whoever makes them.

use std::collections::BTreeMap;
use std::process::ExitCode;

use client::task::Task;
use client_native::device::Device;
use client_native::live::{Event, follow};
use serde_json::json;
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
    let mut broken = Ok(());
    let stop = async {
        // Without a handler for Ctrl-C, the signal ends the program all the same.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
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
            let now = || times::show(times::now(), zone);
            match &mut seen {
                // What was new since the last command is no news of now.
                None => {
                    seen = Some(
                        device
                            .engine()
                            .tasks()
                            .map(|task| (task.id, task))
                            .collect(),
                    )
                }
                Some(seen) if !news.is_empty() => {
                    for id in news {
                        let result = changed(device, seen, id, output, &now());
                        broken = std::mem::replace(&mut broken, Ok(())).and(result);
                    }
                }
                Some(_) => {}
            }
            for remark in device.take_remarks() {
                if let Some(text) = describe_remark(device, &remark) {
                    output.note(styled(YELLOW, text));
                }
            }
        }
    };
    follow(&mut app.device, &api, stop, told).await?;
    broken?;
    Ok(ExitCode::SUCCESS)
}

fn state(output: &Output, name: &str, text: &str) {
    match output.json {
        true => output.note(json!({"event": name, "detail": text})),
        false => output.note(styled(DIM, text)),
    }
}

/// Prints what has become of a task.
fn changed(
    device: &mut Device,
    seen: &mut BTreeMap<Uuid, Task>,
    id: Uuid,
    output: &Output,
    at: &str,
) -> Result<(), Failure> {
    let after = device.engine().task(id);
    let before = match after.clone() {
        Some(after) => seen.insert(id, after),
        None => seen.remove(&id),
    };
    let Some(word) = word(before.as_ref(), after.as_ref()) else {
        return Ok(());
    };
    let Some(task) = after.or(before) else {
        return Ok(());
    };
    if output.json {
        let line = json!({"event": word.split(' ').next(), "task": task});
        return print(&format!("{line}\n"));
    }
    let number = device
        .number(&[id], false)?
        .get(&id)
        .copied()
        .unwrap_or_default();
    let title = task.field("title").as_str().unwrap_or_default();
    print(&format!(
        "{}  {}  {word}  {title}\n",
        styled(DIM, at),
        styled(DIM, number)
    ))
}

/// The word for a change; `None` if a person sees none.
fn word(before: Option<&Task>, after: Option<&Task>) -> Option<String> {
    let alive = |task: Option<&Task>| task.is_some_and(Task::is_alive);
    let status = |task: Option<&Task>| {
        task.and_then(|task| task.field("status").as_str())
            .map(str::to_owned)
    };
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
