//! The house rules that a machine can check (style.md), on the tree as it is.
#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON value lacks reads as null"
)]

mod events;
mod manifests;
mod openapi;
mod source;
mod sql;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here
        .parent()
        .context("tests lies in the workspace")?
        .to_path_buf())
}

/// Files below a folder of the workspace with one of these endings, by path from the root, and their text.
fn files(below: &str, endings: &[&str]) -> Result<Vec<(String, String)>> {
    let root = root()?;
    let mut found = Vec::new();
    let mut folders = vec![root.join(below)];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text =
                    std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                found.push((path.strip_prefix(&root)?.display().to_string(), text));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn none(rule: &str, wrong: &[String]) -> Result<()> {
    ensure!(wrong.is_empty(), "{rule}:\n  {}", wrong.join("\n  "));
    Ok(())
}
