//! Every event type has a golden file and an emitter, and every topic has a consumer.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use domain::event::{EventType, Topic};

use super::{files, no_violations};

/// Topics that no consumer group reads yet, each with the reader that it exists for.
const UNCONSUMED: &[(&str, &str)] = &[("audit-logs", "analytics, outside of Spindle")];

/// Event types that Rust code emits; no SQL statement names them.
const EMITTED_BY_RUST: &[EventType] = &[
    EventType::DeadLetterReplayed,
    EventType::DeadLetterDiscarded,
];

#[test]
fn every_event_type_has_a_golden_file() -> Result<()> {
    let mut violations = Vec::new();
    let golden = files("domain/tests/wire", &[".json"])?;
    for kind in EventType::ALL {
        if !golden
            .iter()
            .any(|(_, text)| text.contains(&format!("\"{}\"", kind.name())))
        {
            violations.push(format!("{}: no golden file", kind.name()));
        }
    }
    for (path, text) in &golden {
        let event: serde_json::Value = serde_json::from_str(text).with_context(|| path.clone())?;
        let kind = event["type"].as_str().and_then(EventType::from_name);
        let name = Path::new(path)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match kind {
            Some(kind) if name.starts_with(kind.name()) => {}
            _ => violations.push(format!(
                "{path}: its event type is unknown, or its file name does not start with it"
            )),
        }
    }
    no_violations(
        "every event type has a golden file named after it",
        &violations,
    )
}

#[test]
fn every_topic_has_a_consumer_group_or_a_reason() -> Result<()> {
    let consumed = consumed_topics()?;
    let mut violations = Vec::new();
    for topic in Topic::ALL {
        let is_consumed = consumed.iter().any(|name| name == topic.name());
        let is_excused = UNCONSUMED.iter().any(|(name, _)| *name == topic.name());
        if is_consumed == is_excused {
            violations.push(format!(
                "{}: consumed {is_consumed}, listed as unconsumed {is_excused}",
                topic.name()
            ));
        }
    }
    no_violations(
        "every topic has a consumer group, or a reason why it has none",
        &violations,
    )
}

#[test]
fn sql_emits_every_event_type_and_no_other() -> Result<()> {
    let mut violations = Vec::new();
    let mut emitted = Vec::new();
    for folder in ["functions", "bridge/src"] {
        for (path, text) in files(folder, &[".sql"])? {
            for name in event_names(&text) {
                match EventType::from_name(name) {
                    Some(kind) => emitted.push(kind),
                    None => violations.push(format!("{path}: {name} is no event type")),
                }
            }
        }
    }
    for kind in EventType::ALL {
        if emitted.contains(kind) == EMITTED_BY_RUST.contains(kind) {
            violations.push(format!(
                "{}: nothing emits it, or both SQL and Rust do",
                kind.name()
            ));
        }
    }
    no_violations("SQL and `EventType` know the same event types", &violations)
}

/// The words in a SQL file that look like event types: quoted words such as `task.created` whose first part is the first
/// part of some event type's name.
fn event_names(sql: &str) -> Vec<&str> {
    let families: Vec<&str> = EventType::ALL
        .iter()
        .filter_map(|kind| Some(kind.name().split_once('.')?.0))
        .collect();
    sql.lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .flat_map(|line| line.split(['\'', '"']))
        .filter(|word| {
            word.split_once('.').is_some_and(|(family, verb)| {
                families.contains(&family)
                    && verb
                        .chars()
                        .all(|letter| letter.is_ascii_lowercase() || letter == '-')
            })
        })
        .collect()
}

/// The topics that the bridge's consumer groups read. They are read from its source, because a dependency on the bridge
/// would make this crate slow to build.
fn consumed_topics() -> Result<Vec<String>> {
    let sources = files("bridge/src", &[".rs"])?;
    let groups = sources
        .iter()
        .find_map(|(_, text)| text.split_once("const GROUPS: &[Group] ="))
        .and_then(|(_, rest)| rest.split_once("];"))
        .context("the bridge declares its consumer groups as `const GROUPS: &[Group] = …`")?
        .0;
    let lists = groups.split("topics: &[").skip(1);
    let topics: Vec<String> = lists
        .filter_map(|rest| rest.split(']').next())
        .flat_map(|list| list.split('"').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    ensure!(
        !topics.is_empty(),
        "the bridge's consumer groups read no topic"
    );
    Ok(topics)
}
