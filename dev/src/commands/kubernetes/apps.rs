//! What must hold of SpinApps, and no API server knows: it follows from `spin.toml`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Components that no SpinApp has, because SpinKube runs no application with cron triggers.
const CRON: &str = "-cron";

/// The parts of `spin.toml` that SpinApps must fit.
pub struct Manifest {
    components: BTreeSet<String>,
    variables: BTreeSet<String>,
    required: BTreeSet<String>,
}

impl Manifest {
    /// Reads `spin.toml` in this folder.
    pub fn read(root: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(root.join("spin.toml")).context("spin.toml")?;
        let manifest: toml::Table = text.parse().context("spin.toml")?;
        let table = |name: &str| {
            let table = manifest.get(name).and_then(toml::Value::as_table);
            table.with_context(|| format!("spin.toml has no table {name}"))
        };
        let variables = table("variables")?;
        let required = variables.iter().filter(|(_, variable)| {
            let required = variable.get("required").and_then(toml::Value::as_bool);
            required.unwrap_or(false)
        });
        Ok(Self {
            components: table("component")?.keys().cloned().collect(),
            required: required.map(|(name, _)| name.clone()).collect(),
            variables: variables.keys().cloned().collect(),
        })
    }

    /// Checks the SpinApps among these objects.
    ///
    /// # Errors
    /// One has components or variables that do not exist, or lacks a required variable; or together they lack a component.
    pub fn check(&self, objects: &[Value]) -> Result<()> {
        let mut run = BTreeSet::new();
        let is_app =
            |object: &&Value| object.get("kind").and_then(Value::as_str) == Some("SpinApp");
        for app in objects.iter().filter(is_app) {
            let name = app.pointer("/metadata/name").unwrap_or(&Value::Null);
            let components = texts(app.pointer("/spec/components"), "")?;
            ensure!(!components.is_empty(), "SpinApp {name} names no component");
            let unknown: Vec<_> = components.difference(&self.components).collect();
            ensure!(
                unknown.is_empty(),
                "SpinApp {name}: spin.toml has no {unknown:?}"
            );
            let variables = texts(app.pointer("/spec/variables"), "/name")?;
            let unknown: Vec<_> = variables.difference(&self.variables).collect();
            ensure!(
                unknown.is_empty(),
                "SpinApp {name}: spin.toml has no variable {unknown:?}"
            );
            let missing: Vec<_> = self.required.difference(&variables).collect();
            ensure!(
                missing.is_empty(),
                "SpinApp {name} lacks the variables {missing:?}"
            );
            run.extend(components);
        }
        let wanted = self.components.iter().filter(|name| !name.ends_with(CRON));
        let missing: Vec<_> = wanted.filter(|name| !run.contains(*name)).collect();
        ensure!(missing.is_empty(), "no SpinApp runs {missing:?}");
        Ok(())
    }
}

/// The texts at a place in each item of a list.
fn texts(list: Option<&Value>, place: &str) -> Result<BTreeSet<String>> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    let texts = items.map(|item| {
        let text = item.pointer(place).and_then(Value::as_str);
        text.map(str::to_owned).context("an item is no text")
    });
    texts.collect()
}
