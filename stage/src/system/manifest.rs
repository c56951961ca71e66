//! The manifest that a system runs: that of the workspace, or a copy with other cron triggers. The spin CLI needs a plugin for cron
//! triggers, which many do not have.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::progress;

/// The plugin for cron triggers.
const PLUGIN: &str = "trigger-cron";
/// The manifest of the workspace.
const OWN: &str = "spin.toml";

/// The manifest, relative to `root`: that of the workspace, or a copy in `dir` if all cron triggers are to fire at another time.
pub(super) fn with_cron(cron: Option<&str>, root: &Path, dir: &Path) -> Result<PathBuf> {
    match cron {
        None => Ok(PathBuf::from(OWN)),
        Some(expression) => copy(root, dir, |manifest| fire_at(manifest, expression)),
    }
}

/// As [`with_cron`] for this CLI: without cron triggers if it lacks the plugin. The bridge's clock does what cron triggers do.
pub(super) fn for_spin(
    spin: &Path,
    cron: Option<&str>,
    root: &Path,
    dir: &Path,
) -> Result<PathBuf> {
    if has_plugin(spin) {
        return with_cron(cron, root, dir);
    }
    progress::warn(format!(
        "spin has no plugin for cron triggers (`spin plugins install {PLUGIN}`), so the application runs without them, and the clock of \
         the bridge ticks"
    ));
    copy(root, dir, without_cron)
}

/// Writes a changed copy of the manifest, which may lie in any folder.
fn copy(root: &Path, dir: &Path, change: impl FnOnce(&mut Table) -> Result<()>) -> Result<PathBuf> {
    let text = std::fs::read_to_string(root.join(OWN)).context("reading spin.toml")?;
    let copy = dir.join(OWN);
    std::fs::write(&copy, changed(&text, root, change)?)
        .with_context(|| format!("writing {}", copy.display()))?;
    Ok(copy)
}

fn changed(
    manifest: &str,
    root: &Path,
    change: impl FnOnce(&mut Table) -> Result<()>,
) -> Result<String> {
    let mut manifest: Table = manifest.parse().context("reading spin.toml")?;
    change(&mut manifest)?;
    for (_, component) in table(&mut manifest, "component")?.iter_mut() {
        if let Some(Value::String(source)) = component.get_mut("source") {
            *source = root.join(&*source).display().to_string();
        }
    }
    Ok(manifest.to_string())
}

fn table<'m>(manifest: &'m mut Table, name: &str) -> Result<&'m mut Table> {
    let found = manifest.get_mut(name).and_then(Value::as_table_mut);
    found.with_context(|| format!("spin.toml has no [{name}]"))
}

/// Gives all cron triggers this expression.
fn fire_at(manifest: &mut Table, expression: &str) -> Result<()> {
    let triggers = table(manifest, "trigger")?.get_mut("cron");
    let triggers = triggers.and_then(Value::as_array_mut);
    for trigger in triggers.context("spin.toml has no cron triggers")? {
        let trigger = trigger.as_table_mut().context("a trigger is no table")?;
        trigger.insert("cron_expression".to_owned(), expression.into());
    }
    Ok(())
}

/// Removes cron triggers, and the components that no other trigger invokes.
fn without_cron(manifest: &mut Table) -> Result<()> {
    let triggers = table(manifest, "trigger")?;
    triggers.remove("cron");
    let invoked: Vec<Value> = triggers
        .values()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|trigger| trigger.get("component").cloned())
        .collect();
    table(manifest, "component")?.retain(|name, _| {
        invoked
            .iter()
            .any(|invoked| invoked.as_str().is_some_and(|invoked| invoked == name))
    });
    Ok(())
}

pub(super) fn has_plugin(spin: &Path) -> bool {
    let listed = Command::new(spin)
        .args(["plugins", "list", "--installed"])
        .stdin(Stdio::null())
        .output();
    // `<name> <version> [installed]`
    listed.is_ok_and(|listed| {
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        text.lines()
            .any(|line| line.split_whitespace().next() == Some(PLUGIN))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::system::workspace;

    #[test]
    fn only_what_cron_invokes_is_left_out() {
        let text = std::fs::read_to_string(workspace().join("spin.toml")).unwrap();
        let before: Table = text.parse().unwrap();
        let after: Table = changed(&text, Path::new("/there"), without_cron)
            .unwrap()
            .parse()
            .unwrap();
        let keys = |manifest: &Table, name: &str| -> Vec<String> {
            let table = manifest.get(name).unwrap().as_table().unwrap();
            table.keys().cloned().collect()
        };
        assert!(keys(&before, "trigger").contains(&"cron".to_owned()));
        assert_eq!(keys(&after, "trigger"), ["http", "redis"]);
        let mut expected = keys(&before, "component");
        expected.retain(|name| !name.ends_with("-cron"));
        assert_eq!(keys(&after, "component"), expected);
        assert_eq!(
            keys(&after, "variables"),
            keys(&before, "variables"),
            "the variables are the same"
        );
        for (_, component) in after.get("component").unwrap().as_table().unwrap() {
            let source = component.get("source").unwrap().as_str().unwrap();
            assert!(source.starts_with("/there/target/"), "{source}");
        }
    }

    #[test]
    fn all_cron_triggers_fire_at_another_time() {
        let text = std::fs::read_to_string(workspace().join("spin.toml")).unwrap();
        let after = changed(&text, Path::new("/there"), |manifest| {
            fire_at(manifest, "* * * * * *")
        });
        let after: Table = after.unwrap().parse().unwrap();
        let triggers = after["trigger"]["cron"].as_array().unwrap();
        assert!(!triggers.is_empty());
        for trigger in triggers {
            assert_eq!(trigger["cron_expression"].as_str(), Some("* * * * * *"));
        }
    }
}
