//! `spindle list` and `spindle show`.

use std::cmp::Reverse;
use std::fmt::Write;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use client::task::Task;
use domain::task::{Priority, Status};
use domain::words::Words;
use domain::zone::Tz;
use serde_json::Value;

use crate::app::{App, Numbered};
use crate::arguments::List;
use crate::failure::Failure;
use crate::output::{BOLD, CYAN, DIM, RED, YELLOW, styled};
use crate::times;

pub async fn list(app: &mut App<'_>, list: &List) -> Result<ExitCode, Failure> {
    let filter = Filter::of(list, app.zone())?;
    app.freshen().await?;
    app.remark();
    let zone = app.zone();
    let mut tasks: Vec<Task> = app
        .device
        .engine()
        .tasks()
        .filter(|task| filter.lets(task))
        .collect();
    tasks.sort_by_cached_key(|task| order(task, zone));
    let found = tasks.len();
    tasks.truncate(list.limit.unwrap_or(found));
    let hidden = found - tasks.len();
    let tasks = app.numbered(tasks, true)?;
    app.output.result(&tasks, || match tasks.is_empty() {
        true => "no tasks".to_owned(),
        false => table(&tasks, zone),
    })?;
    if hidden > 0 && !app.output.json {
        app.output.note(styled(DIM, format!("{hidden} more")));
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn show(app: &mut App<'_>, written: &str) -> Result<ExitCode, Failure> {
    app.freshen().await?;
    app.remark();
    let task = app.task(written)?;
    let zone = app.zone();
    for task in app.numbered(vec![task], false)? {
        app.output.result(&task, || details(&task, zone))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Which tasks are listed.
struct Filter {
    tags: Vec<String>,
    /// Any, if it is empty.
    status: Vec<String>,
    priority: Vec<String>,
    before: Option<DateTime<Utc>>,
    after: Option<DateTime<Utc>>,
    words: Vec<String>,
    deleted: bool,
    zone: Tz,
}

impl Filter {
    fn of(list: &List, zone: Tz) -> Result<Self, Failure> {
        let allowed = |flag: &str, written: &[String], names: &[&str]| {
            let wrong = written
                .iter()
                .find(|value| !names.contains(&value.as_str()));
            match wrong {
                Some(wrong) => Err(Failure::usage(format!(
                    "{flag} must be one of {}, not {wrong:?}",
                    names.join(", ")
                ))),
                None => Ok(written.to_vec()),
            }
        };
        let mut status = allowed("--status", &list.status, Status::NAMES)?;
        if status.is_empty() && !list.all && !list.deleted {
            status = ["open", "in_progress"].map(str::to_owned).into();
        }
        let before = list
            .due_before
            .as_ref()
            .map(|at| times::instant("--due-before", at, zone))
            .transpose()?;
        let after = list
            .due_after
            .as_ref()
            .map(|at| times::instant("--due-after", at, zone))
            .transpose()?;
        let overdue = list.overdue.then(times::now);
        Ok(Self {
            tags: list.tag.iter().map(|tag| folded(tag)).collect(),
            status,
            priority: allowed("--priority", &list.priority, Priority::NAMES)?,
            before: before.into_iter().chain(overdue).min(),
            after,
            words: Words::of(list.search.as_deref().unwrap_or_default())
                .iter()
                .map(str::to_owned)
                .collect(),
            deleted: list.deleted,
            zone,
        })
    }

    fn lets(&self, task: &Task) -> bool {
        let is_one = |names: &[String], name: &str| {
            names.is_empty() || names.iter().any(|known| known == task.text(name))
        };
        if task.is_alive() == self.deleted
            || !is_one(&self.status, "status")
            || !is_one(&self.priority, "priority")
        {
            return false;
        }
        let tags: Vec<String> = task.tags().iter().map(|tag| folded(tag)).collect();
        if !self.tags.iter().all(|tag| tags.contains(tag)) {
            return false;
        }
        if self.before.is_some() || self.after.is_some() {
            let Some(due) = times::due_at(task, self.zone) else {
                return false;
            };
            if self.before.is_some_and(|before| due >= before)
                || self.after.is_some_and(|after| due < after)
            {
                return false;
            }
        }
        if self.words.is_empty() {
            return true;
        }
        let all = format!(
            "{} {} {}",
            task.text("title"),
            task.tags().join(" "),
            task.text("description")
        );
        let all = folded(&all);
        self.words.iter().all(|word| all.contains(word.as_str()))
    }
}

/// A text as search compares it: without case and accents.
fn folded(text: &str) -> String {
    Words::of(text).text().to_owned()
}

/// By due date, then the most urgent, then the oldest.
fn order(task: &Task, zone: Tz) -> (bool, Option<DateTime<Utc>>, Reverse<usize>, String) {
    let due = times::due_at(task, zone);
    let created = task.text("created_at").to_owned();
    (due.is_none(), due, Reverse(urgency(task)), created)
}

fn urgency(task: &Task) -> usize {
    let priority = task.text("priority");
    let place = Priority::NAMES.iter().position(|known| *known == priority);
    place.unwrap_or_default()
}

fn table(tasks: &[Numbered], zone: Tz) -> String {
    let due: Vec<String> = tasks
        .iter()
        .map(|task| times::show_due(&task.task, zone))
        .collect();
    let wide = |texts: &[String]| texts.iter().map(String::len).max().unwrap_or_default();
    let numbers: Vec<String> = tasks.iter().map(|task| task.number.to_string()).collect();
    let (number_width, due_width) = (wide(&numbers), wide(&due));
    let now = times::now();
    let mut text = String::new();
    for ((task, number), due) in tasks.iter().zip(&numbers).zip(&due) {
        let late =
            task.task.is_open() && times::due_at(&task.task, zone).is_some_and(|at| at < now);
        let due = format!("{due:due_width$}");
        let due = if late { styled(RED, due) } else { due };
        let number = styled(DIM, format!("{number:>number_width$}"));
        let _ = writeln!(text, "{number}  {due}  {}", summary(task));
    }
    text
}

/// Title, tags, and what is not as usual. It stands last in its line, because texts of other scripts have other widths.
fn summary(task: &Numbered) -> String {
    let mut text = match urgency(&task.task) {
        3 => format!("{} ", styled(RED, "!!")),
        2 => format!("{} ", styled(YELLOW, "!")),
        _ => String::new(),
    };
    text.push_str(task.title());
    for tag in task.task.tags() {
        let _ = write!(text, "  {}", styled(CYAN, format_args!("#{tag}")));
    }
    let status = task.task.text("status");
    if status != "open" {
        let _ = write!(
            text,
            "  {}",
            styled(DIM, format_args!("({})", status.replace('_', " ")))
        );
    }
    if !task.task.field("recurrence").is_null() {
        let _ = write!(text, "  {}", styled(DIM, "(repeats)"));
    }
    if task.pending {
        let _ = write!(text, "  {}", styled(DIM, "(not sent)"));
    }
    text
}

fn details(task: &Numbered, zone: Tz) -> String {
    let fields = &task.task;
    let mut lines = vec![styled(BOLD, task.title())];
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("{} {value}", styled(DIM, format!("{name:>11}"))));
        }
    };
    line("number", task.number.to_string());
    line("id", fields.id.to_string());
    line("status", fields.text("status").replace('_', " "));
    line("priority", fields.text("priority").to_owned());
    line("due", times::show_due(fields, zone));
    line("repeats", rule(fields.field("recurrence")));
    let reminders = fields.field("reminders").as_array();
    line(
        "reminders",
        reminders
            .into_iter()
            .flatten()
            .map(|reminder| lead(reminder, zone))
            .collect::<Vec<_>>()
            .join(", "),
    );
    line(
        "tags",
        fields
            .tags()
            .iter()
            .map(|tag| format!("#{tag}"))
            .collect::<Vec<_>>()
            .join(" "),
    );
    for (name, member) in [
        ("created", "created_at"),
        ("changed", "updated_at"),
        ("completed", "completed_at"),
    ] {
        line(name, times::show_written(fields.field(member), zone));
    }
    line(
        "deleted",
        fields
            .deleted_at
            .clone()
            .map(|at| times::show_written(&at.into(), zone))
            .unwrap_or_default(),
    );
    line(
        "waits",
        if task.pending {
            "to be sent".to_owned()
        } else {
            String::new()
        },
    );
    let description = fields.text("description");
    if !description.is_empty() {
        lines.push(format!("\n{description}"));
    }
    lines.join("\n")
}

/// A recurrence for people: in words if the server has put it into words.
fn rule(recurrence: &Value) -> String {
    let text = |name: &str| {
        recurrence
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let short = || {
        let unit = text("unit")?;
        match recurrence.get("every").and_then(Value::as_u64) {
            Some(every) if every > 1 => Some(format!("every {every} {unit}s")),
            _ => Some(format!("every {unit}")),
        }
    };
    text("description")
        .or_else(|| text("rule"))
        .or_else(short)
        .unwrap_or_default()
}

fn lead(reminder: &Value, zone: Tz) -> String {
    match (reminder.get("before"), reminder.get("at")) {
        (Some(Value::String(before)), _) => format!("{before} before"),
        (_, Some(at @ Value::String(_))) => times::show_written(at, zone),
        _ => "when due".to_owned(),
    }
}
