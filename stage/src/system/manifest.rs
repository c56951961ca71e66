//! The manifest that the spin CLI runs. Cron triggers need a plugin of the CLI, which many do not have.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::progress;

/// The plugin for cron triggers.
const PLUGIN: &str = "trigger-cron";

/// The manifest for this CLI, relative to `root`: that of the workspace, or a copy without cron triggers in `dir` if the CLI lacks the
/// plugin. The bridge's clock does what cron triggers do.
pub(super) fn for_spin(spin: &Path, root: &Path, dir: &Path) -> Result<PathBuf> {
    let own = PathBuf::from("spin.toml");
    if has_plugin(spin) {
        return Ok(own);
    }
    progress::warn(format!(
        "spin has no plugin for cron triggers (`spin plugins install {PLUGIN}`), so the application runs without them, and the clock of \
         the bridge ticks"
    ));
    let text = std::fs::read_to_string(root.join(&own)).context("reading spin.toml")?;
    let copy = dir.join(&own);
    std::fs::write(&copy, without_cron(&text, root)?)
        .with_context(|| format!("writing {}", copy.display()))?;
    Ok(copy)
}

fn has_plugin(spin: &Path) -> bool {
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

/// A manifest without its cron triggers, and without the components that no other trigger invokes. It may lie in any folder.
fn without_cron(manifest: &str, root: &Path) -> Result<String> {
    let mut manifest: Table = manifest.parse().context("reading spin.toml")?;
    let triggers = manifest
        .get_mut("trigger")
        .and_then(Value::as_table_mut)
        .context("spin.toml has no triggers")?;
    triggers.remove("cron");
    let invoked: Vec<Value> = triggers
        .values()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|trigger| trigger.get("component").cloned())
        .collect();
    let components = manifest
        .get_mut("component")
        .and_then(Value::as_table_mut)
        .context("spin.toml has no components")?;
    components.retain(|name, _| {
        invoked
            .iter()
            .any(|invoked| invoked.as_str().is_some_and(|invoked| invoked == name))
    });
    for (_, component) in components.iter_mut() {
        if let Some(Value::String(source)) = component.get_mut("source") {
            *source = root.join(&*source).display().to_string();
        }
    }
    Ok(manifest.to_string())
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
        let after: Table = without_cron(&text, Path::new("/there"))
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
}
