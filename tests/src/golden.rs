//! Comparison of events with the golden files in `domain/tests/wire`: same members, and values of the same JSON types.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// JSON pointers of members whose content depends on the write.
const NOT_COMPARED: &[&str] = &["/data/previous"];

/// The newest golden event of a type.
///
/// # Errors
/// No golden file exists for the type.
pub fn newest(kind: &str) -> Result<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/tests/wire");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let is_of_kind = name
            .strip_prefix(kind)
            .is_some_and(|rest| rest.starts_with('.') && rest.ends_with("json"));
        if is_of_kind {
            names.push(name);
        }
    }
    names.sort();
    let newest = names
        .pop()
        .with_context(|| format!("no golden file for {kind}"))?;
    Ok(serde_json::from_str(&std::fs::read_to_string(
        folder.join(newest),
    )?)?)
}

/// Checks that an event has exactly the members of the golden one, with values of the same types. Null matches every type.
///
/// # Errors
/// Names the first difference and its JSON pointer.
pub fn check_shape(golden: &Value, event: &Value) -> Result<()> {
    compare("", golden, event)
}

fn compare(pointer: &str, golden: &Value, event: &Value) -> Result<()> {
    if NOT_COMPARED.contains(&pointer) {
        return Ok(());
    }
    match (golden, event) {
        (Value::Null, _) | (_, Value::Null) => Ok(()),
        // A due date is one of three objects with different members, and so is the start of a recurrence.
        (Value::Object(_), Value::Object(_))
            if pointer.ends_with("/due") || pointer.ends_with("/recurrence/start") =>
        {
            Ok(())
        }
        (Value::Object(golden), Value::Object(event)) => {
            let unknown: Vec<_> = event
                .keys()
                .filter(|name| !golden.contains_key(*name))
                .collect();
            ensure!(unknown.is_empty(), "{pointer}: unknown members {unknown:?}");
            golden
                .iter()
                .try_for_each(|(name, expected)| match event.get(name) {
                    Some(found) => compare(&format!("{pointer}/{name}"), expected, found),
                    None => bail!("{pointer}: no member {name}"),
                })
        }
        (Value::Array(_), Value::Array(_)) | (Value::String(_), Value::String(_)) => Ok(()),
        (Value::Number(_), Value::Number(_)) | (Value::Bool(_), Value::Bool(_)) => Ok(()),
        _ => bail!("{pointer}: {event} has another type than {golden}"),
    }
}
