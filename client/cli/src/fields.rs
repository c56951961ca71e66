//! The flags that set fields of a task, as the API has them. What the server would refuse is refused here, too, and names the flag.

use client::operation::Change;
use client::task::{Fields, Task};
use domain::json::{Fault, Json};
use domain::task::{NewTask, TaskPatch};
use domain::zone::Tz;
use serde_json::{Value, json};

use crate::arguments::{self, Edit};
use crate::failure::Failure;
use crate::times;

/// The fields of a new task.
pub fn of_new(title: &str, flags: &arguments::Fields, account: Tz) -> Result<Fields, Failure> {
    let mut fields = set(flags, account)?;
    fields.insert("title".to_owned(), json!(title));
    NewTask::parse(strict(&fields)?).map_err(faults)?;
    Ok(fields)
}

/// The changes that an edit makes to a task.
pub fn of_edit(task: &Task, edit: &Edit, account: Tz) -> Result<Vec<Change>, Failure> {
    let flags = &edit.fields;
    let mut fields = set(flags, account)?;
    if let Some(title) = &edit.title {
        fields.insert("title".to_owned(), json!(title));
    }
    for (gone, name, nothing) in [
        (edit.no_due, "due", Value::Null),
        (edit.no_every, "recurrence", Value::Null),
        (edit.no_remind, "reminders", json!([])),
    ] {
        if gone {
            fields.insert(name.to_owned(), nothing);
        }
    }
    if flags.every.is_some() {
        // A recurrence is sent with the due date that it begins with, and checked against it as that of a new task.
        let own = |name: &str| task.field(name).clone();
        fields.entry("due").or_insert_with(|| own("due"));
        let mut whole = fields.clone();
        whole.entry("title").or_insert_with(|| own("title"));
        NewTask::parse(strict(&whole)?).map_err(faults)?;
    }
    TaskPatch::parse(strict(&fields)?).map_err(faults)?;
    let (tags, reminders) = (fields.remove("tags"), fields.remove("reminders"));
    let mut changes = Vec::new();
    if !fields.is_empty() {
        changes.push(Change::Update(fields));
    }
    if tags.is_some() || !edit.untag.is_empty() {
        changes.push(Change::Tags {
            add: flags.tag.clone(),
            remove: edit.untag.clone(),
        });
    }
    if let Some(Value::Array(reminders)) = reminders {
        changes.push(Change::Reminders(reminders));
    }
    if changes.is_empty() {
        let failure = Failure::usage("nothing to change");
        return Err(failure
            .hint("name a field, such as --title or --due; `spindle edit --help` lists them"));
    }
    Ok(changes)
}

/// The fields that the flags set.
fn set(flags: &arguments::Fields, account: Tz) -> Result<Fields, Failure> {
    let mut fields = Fields::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    for (name, value) in [
        ("description", &flags.description),
        ("priority", &flags.priority),
        ("status", &flags.status),
    ] {
        if let Some(value) = value {
            set(name, json!(value));
        }
    }
    let zone = match &flags.timezone {
        Some(name) => times::zone("--timezone", name)?,
        None => account,
    };
    if let Some(due) = &flags.due {
        set("due", times::due("--due", due, zone)?);
    }
    if let Some(every) = &flags.every {
        let mut recurrence = recurrence(every);
        if let (Some(mode), Some(members)) = (&flags.mode, recurrence.as_object_mut()) {
            members.insert("mode".to_owned(), json!(mode));
        }
        set("recurrence", recurrence);
    }
    if !flags.tag.is_empty() {
        set("tags", json!(flags.tag));
    }
    if !flags.remind.is_empty() {
        let reminders = flags.remind.iter().map(|written| reminder(written, zone));
        set(
            "reminders",
            reminders.collect::<Result<Vec<_>, _>>()?.into(),
        );
    }
    Ok(fields)
}

/// `week` and `2 weeks` are the short form of the API; everything else is a rule.
fn recurrence(every: &str) -> Value {
    let (number, unit) = every.trim().split_once(' ').unwrap_or(("1", every.trim()));
    let unit = unit.trim().strip_suffix('s').unwrap_or(unit.trim());
    match number.parse::<u32>() {
        Ok(number) if ["hour", "day", "week", "month", "year"].contains(&unit) => {
            json!({"unit": unit, "every": number})
        }
        _ => json!({ "rule": every }),
    }
}

fn reminder(written: &str, zone: Tz) -> Result<Value, Failure> {
    let written = written.trim();
    if written == "due" {
        return Ok(json!({"on": "due"}));
    }
    if written.starts_with('P') {
        return Ok(json!({ "before": written }));
    }
    if let Some((number, unit)) = times::lead(written) {
        let time = if matches!(unit, 'm' | 'h') { "T" } else { "" };
        let unit = unit.to_ascii_uppercase();
        return Ok(json!({ "before": format!("P{time}{number}{unit}") }));
    }
    match times::instant("--remind", written, zone) {
        Ok(at) if written.contains(['T', ' ']) => Ok(json!({"at": times::rfc3339(at)})),
        _ => Err(Failure::usage(format!(
            "--remind must be a time before the task is due (30m, 2h, 1d, 1w), `due`, or a time (2026-12-01T08:30), not {written:?}"
        ))),
    }
}

fn strict(fields: &Fields) -> Result<Json, Failure> {
    let text = serde_json::to_string(fields).unwrap_or_default();
    Json::parse(text.as_bytes()).map_err(|error| Failure::usage(error.to_string()))
}

/// Says of each fault which flag it is about.
fn faults(faults: Vec<Fault>) -> Failure {
    let mut lines: Vec<String> = faults
        .into_iter()
        .map(|fault| {
            let member = fault.pointer.split('/').nth(1).unwrap_or_default();
            let flag = match member {
                "title" => "the title",
                "tags" => "--tag",
                "recurrence" if fault.pointer.ends_with("/mode") => "--mode",
                "recurrence" => "--every",
                "reminders" => "--remind",
                "due" if fault.pointer.ends_with("/timezone") => "--timezone",
                other => &format!("--{other}"),
            };
            format!("{flag} {}", fault.detail)
        })
        .collect();
    lines.dedup();
    Failure::usage(lines.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_one_of_words_or_of_rfc_5545() {
        assert_eq!(recurrence("week"), json!({"unit": "week", "every": 1}));
        assert_eq!(recurrence("2 weeks"), json!({"unit": "week", "every": 2}));
        assert_eq!(recurrence("FREQ=DAILY"), json!({"rule": "FREQ=DAILY"}));
    }

    #[test]
    fn a_reminder_is_a_lead_or_a_time() {
        let at = |written| reminder(written, Tz::Europe__Berlin).unwrap();
        assert_eq!(at("30m"), json!({"before": "PT30M"}));
        assert_eq!(at("1w"), json!({"before": "P1W"}));
        assert_eq!(at("PT5M"), json!({"before": "PT5M"}));
        assert_eq!(at("due"), json!({"on": "due"}));
        assert_eq!(
            at("2026-12-01T09:00"),
            json!({"at": "2026-12-01T08:00:00Z"})
        );
        for wrong in ["", "soon", "2026-12-01", "é", "5x"] {
            let failure = reminder(wrong, Tz::UTC).unwrap_err();
            assert!(failure.message.starts_with("--remind must be"), "{wrong}");
        }
    }

    #[test]
    fn faults_name_the_flag() {
        let flags = arguments::Fields {
            priority: Some("highest".to_owned()),
            every: Some("week".to_owned()),
            ..Default::default()
        };
        let failure = of_new("x", &flags, Tz::UTC).unwrap_err();
        assert!(
            failure.message.starts_with("--priority must be one of"),
            "{}",
            failure.message
        );
        let flags = arguments::Fields {
            every: Some("week".to_owned()),
            ..Default::default()
        };
        let failure = of_new("x", &flags, Tz::UTC).unwrap_err();
        assert!(
            failure.message.starts_with("--due is required"),
            "{}",
            failure.message
        );
        let failure = of_new(" ", &arguments::Fields::default(), Tz::UTC).unwrap_err();
        assert_eq!(failure.message, "the title must not be blank");
    }
}
