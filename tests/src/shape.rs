//! The shape of an event: its members and their types, compared with the golden files of `domain/tests/wire`.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Members whose content differs from event to event.
const FREE: &[&str] = &["/data/previous"];

/// The newest golden example of an event type.
///
/// # Errors
/// Where there is none.
pub fn golden(kind: &str) -> Result<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/tests/wire");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let is_it = name
            .strip_prefix(kind)
            .is_some_and(|rest| rest.starts_with('.') && rest.ends_with("json"));
        if is_it {
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

/// Whether an event has exactly the golden one's members with values of the same types; null stands for any.
///
/// # Errors
/// Names the first difference.
pub fn fits(golden: &Value, event: &Value) -> Result<()> {
    at("", golden, event)
}

fn at(pointer: &str, golden: &Value, event: &Value) -> Result<()> {
    if FREE.contains(&pointer) {
        return Ok(());
    }
    match (golden, event) {
        (Value::Null, _) | (_, Value::Null) => Ok(()),
        // A due has three forms; each is an object.
        (Value::Object(_), Value::Object(_)) if pointer.ends_with("/due") => Ok(()),
        (Value::Object(golden), Value::Object(event)) => {
            let surplus: Vec<_> = event
                .keys()
                .filter(|name| !golden.contains_key(*name))
                .collect();
            ensure!(surplus.is_empty(), "{pointer}: unknown members {surplus:?}");
            golden
                .iter()
                .try_for_each(|(name, wanted)| match event.get(name) {
                    Some(found) => at(&format!("{pointer}/{name}"), wanted, found),
                    None => bail!("{pointer}: no member {name}"),
                })
        }
        (Value::Array(_), Value::Array(_)) | (Value::String(_), Value::String(_)) => Ok(()),
        (Value::Number(_), Value::Number(_)) | (Value::Bool(_), Value::Bool(_)) => Ok(()),
        _ => bail!("{pointer}: {event} is of another type than {golden}"),
    }
}
