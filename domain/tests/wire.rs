//! Each event type has a golden file, because published events change by adding members only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failing test panics"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use domain::event::{Event, EventType, Topic};
use serde_json::Value;

fn golden(kind: EventType) -> Value {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/wire/{}.v1.json", kind.name()));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn every_type_has_a_golden_file_with_the_envelope() {
    for &kind in EventType::ALL {
        let golden = golden(kind);
        let event: Event = serde_json::from_value(golden.clone())
            .unwrap_or_else(|error| panic!("{}: {error}", kind.name()));
        assert_eq!(event.kind, kind.name());
        assert_eq!(event.specversion, "1.0");
        let printed = serde_json::to_value(event).unwrap();
        for (name, value) in golden.as_object().unwrap() {
            assert_eq!(
                printed.get(name),
                Some(value),
                "{}: {name} is not in the envelope",
                kind.name()
            );
        }
    }
}

#[test]
fn data_has_the_members_of_its_type() {
    for &kind in EventType::ALL {
        let golden = golden(kind);
        let expected: &[&str] = match (kind, kind.topic()) {
            (EventType::SeriesEnded, _) => &["actor", "series"],
            (EventType::SyncMerged, _) => &[
                "actor",
                "base_version",
                "conflicts",
                "op_id",
                "restored",
                "task_id",
                "version",
            ],
            (EventType::UserChanged, _) => &[
                "account",
                "actor",
                "fetch",
                "notifications",
                "reminders",
                "series",
            ],
            (_, Topic::TaskEvents | Topic::TaskUpdates) => &["actor", "previous", "task"],
            (_, Topic::AccountEvents) => &["actor", "details", "user"],
            (EventType::ReminderDue, _) => &["actor", "fire_at", "late", "reminder"],
            (EventType::ReminderSent, _) => &["actor", "channel", "fire_at", "reminder"],
            (EventType::ReminderFailed, _) => &["actor", "channel", "error", "fire_at", "reminder"],
            (_, Topic::Reminders) => &["actor", "reminder"],
            (_, Topic::AuditLogs) => continue,
        };
        assert_eq!(
            keys(&golden["data"]),
            expected.iter().copied().collect(),
            "{}",
            kind.name()
        );
        assert_eq!(
            keys(&golden["data"]["actor"]),
            BTreeSet::from(["id", "type"])
        );
    }
}

#[test]
fn previous_values_belong_to_fields_of_the_task() {
    for &kind in EventType::ALL {
        let golden = golden(kind);
        let Some(previous) = golden["data"].get("previous") else {
            continue;
        };
        assert!(
            keys(previous).is_subset(&keys(&golden["data"]["task"])),
            "{}",
            kind.name()
        );
    }
}

#[test]
fn every_file_belongs_to_a_type() {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let kind = name.strip_suffix(".v1.json").and_then(EventType::from_name);
        assert!(kind.is_some(), "{name}");
    }
}
