//! The house rules that a machine can check. They read the source tree only and need no running service.
#![cfg(test)]
#![allow(
    clippy::indexing_slicing,
    reason = "indexing a JSON value with an absent member yields null, and a TOML table without a key fails the test"
)]

mod events;
mod imports;
mod manifests;
mod openapi;
mod source;
mod sql;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The root of the workspace.
fn root() -> Result<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().nth(2);
    Ok(root
        .context("this package lies in tests/tidy")?
        .to_path_buf())
}

/// All files below the folder `below` whose names end with one of `endings`: path relative to the root, and text, sorted by path.
/// Hidden folders and `target` are skipped.
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

/// Fails with the rule and every violation of it, unless there is none.
fn no_violations(rule: &str, violations: &[String]) -> Result<()> {
    ensure!(
        violations.is_empty(),
        "{rule}:\n  {}",
        violations.join("\n  ")
    );
    Ok(())
}
