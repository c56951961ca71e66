//! Merges the parts of the document: members of objects and items of arrays are added, and no value may be defined twice.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// Merges all JSON files below a folder, sorted by path.
///
/// # Errors
/// A file that is not JSON, or that defines a value which another file has defined.
pub fn folder(folder: &Path) -> Result<Value, Box<dyn Error>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let mut whole = Value::Object(Map::new());
    for file in files {
        let name = file.display();
        let part = serde_json::from_slice(&fs::read(&file)?)
            .map_err(|error| format!("{name}: {error}"))?;
        add(&mut whole, part, "").map_err(|place| format!("{name} defines {place} again"))?;
    }
    Ok(whole)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
    }
    Ok(())
}

/// Adds a part to the whole. The error is the JSON pointer of a value that both define.
fn add(whole: &mut Value, part: Value, place: &str) -> Result<(), String> {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, value) in part {
                match whole.get_mut(&name) {
                    Some(existing) => add(existing, value, &format!("{place}/{name}"))?,
                    None => drop(whole.insert(name, value)),
                }
            }
            Ok(())
        }
        (Value::Array(whole), Value::Array(mut part)) => {
            whole.append(&mut part);
            Ok(())
        }
        _ => Err(place.to_owned()),
    }
}
