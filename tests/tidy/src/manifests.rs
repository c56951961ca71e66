//! spin.toml and the Cargo manifests match the source tree.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use toml::Table;

use super::{files, no_violations, root};

fn manifest() -> Result<Table> {
    Ok(std::fs::read_to_string(root()?.join("spin.toml"))?.parse()?)
}

fn table<'a>(manifest: &'a Table, name: &str) -> Result<&'a Table> {
    manifest
        .get(name)
        .and_then(toml::Value::as_table)
        .with_context(|| format!("spin.toml has no table [{name}]"))
}

/// The folders under `functions/` except `guest`, which is a library, are the components of spin.toml. Each component has a
/// trigger, is built by plain `cargo build`, and may connect to named hosts only. A component `<name>-cron` is the function `<name>`
/// again, for the cron trigger.
#[test]
fn every_function_is_a_component() -> Result<()> {
    let manifest = manifest()?;
    let components: BTreeSet<_> = table(&manifest, "component")?.keys().cloned().collect();
    let mut folders = BTreeSet::new();
    for entry in std::fs::read_dir(root()?.join("functions"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && name != "guest" {
            folders.insert(name);
        }
    }
    let functions: BTreeSet<_> = components
        .iter()
        .map(|name| function(name).to_owned())
        .collect();
    ensure!(
        functions == folders,
        "components in spin.toml: {components:?}; folders under functions/: {folders:?}"
    );
    let mut triggered = BTreeSet::new();
    for triggers in table(&manifest, "trigger")?.values() {
        for trigger in triggers.as_array().into_iter().flatten() {
            triggered.extend(
                trigger
                    .get("component")
                    .and_then(toml::Value::as_str)
                    .map(str::to_owned),
            );
        }
    }
    ensure!(
        triggered == components,
        "components: {components:?}; components with a trigger: {triggered:?}"
    );
    for name in &components {
        let component = manifest["component"][name]
            .as_table()
            .context("a component is a table")?;
        let source = component
            .get("source")
            .and_then(toml::Value::as_str)
            .unwrap_or_default();
        ensure!(
            source == format!("target/wasm32-wasip1/release/{}.wasm", function(name)),
            "spin.toml takes {name} from {source}"
        );
        let command = component
            .get("build")
            .and_then(|build| build.get("command"))
            .and_then(toml::Value::as_str);
        let build = format!("cargo build --target wasm32-wasip1 --release -p {name}");
        let expected = (function(name) == name).then_some(build.as_str());
        ensure!(
            command == expected,
            "{name} is built by {command:?}, expected {expected:?}"
        );
        let hosts = component
            .get("allowed_outbound_hosts")
            .and_then(toml::Value::as_array);
        // Push services have a host name for each region or device, below a name of their own.
        let any_host = hosts
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_str)
            .any(|host| {
                host.strip_prefix("https://*.")
                    .map_or(host.contains('*'), |name| {
                        name.contains('*') || !name.contains('.')
                    })
            });
        ensure!(!any_host, "allowed_outbound_hosts of {name} has a wildcard");
    }
    Ok(())
}

/// The function of a component.
fn function(component: &str) -> &str {
    component.strip_suffix("-cron").unwrap_or(component)
}

/// The health check of lanes asks as many of each agent as spin.toml has Redis triggers for it.
#[test]
fn the_health_check_knows_all_lanes() -> Result<()> {
    let path = "functions/lanes/src/probe.rs";
    let probe = std::fs::read_to_string(root()?.join(path))?;
    let lanes = probe
        .split_once("const LANES: u8 = ")
        .and_then(|(_, rest)| rest.split(';').next())
        .with_context(|| format!("{path} has no constant LANES"))?;
    let manifest = manifest()?;
    let triggers = table(&manifest, "trigger")?.get("redis");
    let triggers = triggers.and_then(toml::Value::as_array);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for trigger in triggers.context("spin.toml has no Redis triggers")? {
        let agent = trigger.get("component").and_then(toml::Value::as_str);
        *counts.entry(agent.context("no component")?).or_default() += 1;
    }
    let wrong: Vec<_> = counts
        .iter()
        .filter(|(_, count)| count.to_string() != lanes)
        .map(|(agent, count)| {
            format!("{agent} has {count} Redis triggers, and {path} {lanes} lanes")
        })
        .collect();
    no_violations("the health check asks all lanes", &wrong)
}

/// The value of the string constant whose name `argument` starts with, if `text` declares it.
fn constant<'a>(text: &'a str, argument: &str) -> Option<&'a str> {
    let name = argument
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .next()?;
    let value = text.split_once(&format!("const {name}: &str = \""))?.1;
    value.split('"').next()
}

/// The functions read exactly the variables that spin.toml passes to its components, and spin.toml declares exactly the
/// variables that it uses.
#[test]
fn variables_are_declared_and_used() -> Result<()> {
    let manifest = manifest()?;
    let mut read = BTreeSet::new();
    for (_, text) in files("functions", &[".rs"])? {
        for call in text.split("variables::get(").skip(1) {
            let argument = call.trim_start();
            let name = match argument.strip_prefix('"') {
                Some(literal) => literal.split('"').next(),
                None => constant(&text, argument),
            };
            read.extend(name.map(str::to_owned));
        }
    }
    let mut passed = BTreeSet::new();
    let mut templates = String::new();
    for component in table(&manifest, "component")?.values() {
        let variables = component.get("variables").and_then(toml::Value::as_table);
        passed.extend(variables.into_iter().flat_map(Table::keys).cloned());
        templates.push_str(&component.to_string());
    }
    templates.push_str(&table(&manifest, "trigger")?.to_string());
    ensure!(
        read == passed,
        "read by the functions: {read:?}; passed to components in spin.toml: {passed:?}"
    );
    let declared: BTreeSet<_> = table(&manifest, "variables")?.keys().cloned().collect();
    let unused: Vec<_> = declared
        .iter()
        .filter(|name| !templates.contains(&format!("{{{{ {name} }}}}")))
        .cloned()
        .collect();
    no_violations("a variable that spin.toml declares is used in it", &unused)?;
    let used = templates
        .split("{{ ")
        .skip(1)
        .filter_map(|rest| rest.split(" }}").next());
    let unknown: Vec<_> = used
        .filter(|name| !declared.contains(*name))
        .map(str::to_owned)
        .collect();
    no_violations("a variable that spin.toml uses is declared in it", &unknown)
}

/// Packages inherit the versions of their dependencies and their lints from the workspace.
#[test]
fn versions_and_lints_come_from_the_workspace() -> Result<()> {
    let mut violations = Vec::new();
    for (path, text) in files("", &["Cargo.toml"])? {
        let member: Table = text.parse().with_context(|| path.clone())?;
        if path == "Cargo.toml" {
            continue;
        }
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in member
                .get(kind)
                .and_then(toml::Value::as_table)
                .into_iter()
                .flatten()
            {
                if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    violations.push(format!("{path}: {name}"));
                }
            }
        }
        if member
            .get("lints")
            .and_then(|lints| lints.get("workspace"))
            .is_none()
        {
            violations.push(format!("{path}: it does not inherit the lints"));
        }
    }
    no_violations("dependencies and lints say `workspace = true`", &violations)
}
