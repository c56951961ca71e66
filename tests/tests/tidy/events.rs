//! Events, their golden files and their readers.

use std::path::Path;

use anyhow::{Context, Result};
use domain::event::{EventType, Topic};

use super::{files, none};

/// Topics that nobody on the road consumes yet, each with the reader it is for.
const UNHEARD: &[(&str, &str)] = &[
    ("task-updates", "the sync agent"),
    ("audit-logs", "analytics, outside of Spindle"),
];

/// Each type of event has a golden file, each golden file a type, and each topic a group that hears it or a reason.
#[test]
fn each_event_is_golden_and_heard() -> Result<()> {
    let mut wrong = Vec::new();
    let golden = files("domain/tests/wire", &[".json"])?;
    for kind in EventType::ALL {
        if !golden
            .iter()
            .any(|(_, text)| text.contains(&format!("\"{}\"", kind.name())))
        {
            wrong.push(format!("{}: no golden file", kind.name()));
        }
    }
    for (path, text) in &golden {
        let event: serde_json::Value = serde_json::from_str(text).with_context(|| path.clone())?;
        let kind = event["type"].as_str().and_then(EventType::from_name);
        let named = Path::new(path)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match kind {
            Some(kind) if named.starts_with(kind.name()) => {}
            _ => wrong.push(format!("{path}: its type is unknown or not its name")),
        }
    }
    for topic in Topic::ALL {
        let heard = bridge::topics::GROUPS
            .iter()
            .any(|group| group.topics.contains(&topic.name()));
        let excused = UNHEARD.iter().any(|(name, _)| *name == topic.name());
        if heard == excused {
            wrong.push(format!(
                "{}: heard {heard}, excused {excused}",
                topic.name()
            ));
        }
    }
    none("an event has a golden file and a reader", &wrong)
}
