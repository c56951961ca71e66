//! The OCI image of the Spin application, as `spin registry push` makes it: a layer for each WebAssembly file, and one for the locked
//! application, which is what spin.toml says with a digest in place of each file.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::layout::{self, Writer};

/// Media types of Spin (its crates/oci).
const LOCKED: &str = "application/vnd.fermyon.spin.application.v1+config";
const WASM: &str = "application/vnd.wasm.content.layer.v1+wasm";

/// Writes the application of the workspace as an OCI image layout. The same files make the same image.
pub fn write(root: &Path, folder: &Path) -> Result<()> {
    let manifest = std::fs::read_to_string(root.join("spin.toml")).context("spin.toml")?;
    let manifest: Value = toml::from_str(&manifest).context("spin.toml")?;
    let layout = Writer::new(folder)?;
    let mut layers: Vec<Value> = Vec::new();
    let mut components = Vec::new();
    for (name, component) in members(&manifest, "component") {
        let source = text(component, "source").context("a component without a file")?;
        let wasm = std::fs::read(root.join(source)).context(source.to_owned())?;
        let layer = layout.add(WASM, &wasm)?;
        components.push(locked_component(name, component, &layer));
        // Two components may run the same file.
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    let locked = locked_application(&manifest, components);
    let locked = layout.add(LOCKED, &serde_json::to_vec(&locked)?)?;
    // Spin puts this digest into the configuration, so that each application has another.
    let label = json!({"com.fermyon.spin.lockedAppDigest": locked["digest"]});
    layers.push(locked);
    let config = json!({
        "architecture": "wasm",
        "os": "wasip1",
        "config": {"Labels": label},
        "rootfs": {"type": "layers", "diff_ids": []},
    });
    let application = &manifest["application"];
    let annotations = json!({
        "org.opencontainers.image.title": application["name"],
        "org.opencontainers.image.description": application["description"],
        "org.opencontainers.image.version": application["version"],
    });
    layout.finish(&config, layers, annotations)
}

/// Writes the application of a pulled layout to a file, in the form in which Spin hands it to a trigger: each component names its file.
pub fn unlock(layout: &Path, file: &Path) -> Result<()> {
    let manifest = layout::manifest(layout)?;
    let layers = manifest["layers"].as_array();
    let mut layers = layers.context("the image has no layers")?.iter();
    let locked = layers.find(|layer| layer["mediaType"] == LOCKED);
    let mut locked = layout::json(layout, locked.context("the image has no Spin application")?)?;
    let components = locked["components"].as_array_mut();
    for component in components.context("the application has no components")? {
        let wasm = layout::content(layout, &component["source"])?;
        let url = format!("file://{}", wasm.display());
        component["source"] = json!({"content_type": "application/wasm", "source": url});
    }
    std::fs::write(file, serde_json::to_vec_pretty(&locked)?)?;
    Ok(())
}

fn locked_application(manifest: &Value, components: Vec<Value>) -> Value {
    let application = &manifest["application"];
    let variables = members(manifest, "variables").map(|(name, variable)| {
        let mut variable = variable.clone();
        if let Some(variable) = variable.as_object_mut() {
            // What has no default is required.
            variable.remove("required");
        }
        (name.clone(), variable)
    });
    json!({
        "spin_lock_version": 0,
        "metadata": {
            "name": application["name"],
            "version": application["version"],
            "description": application["description"],
            "triggers": application.get("trigger").cloned().unwrap_or_else(|| json!({})),
        },
        "variables": variables.collect::<Map<_, _>>(),
        "triggers": locked_triggers(manifest),
        "components": components,
    })
}

/// All triggers. Spin names one after its component, and numbers those whose name is taken.
fn locked_triggers(manifest: &Value) -> Vec<Value> {
    let mut triggers = Vec::new();
    let mut taken = BTreeSet::new();
    for (kind, list) in members(manifest, "trigger") {
        for trigger in list.as_array().into_iter().flatten() {
            let component = text(trigger, "component").unwrap_or_default();
            let names = std::iter::once(format!("{component}-{kind}-trigger"));
            let mut names = names.chain((1..).map(|number| format!("{kind}-trigger{number}")));
            let id = names.find(|name| taken.insert(name.clone()));
            triggers.push(json!({"id": id, "trigger_type": kind, "trigger_config": trigger}));
        }
    }
    triggers
}

fn locked_component(name: &str, component: &Value, layer: &Value) -> Value {
    let or_empty = |member: &str| component.get(member).cloned();
    json!({
        "id": name,
        "metadata": {
            "allowed_outbound_hosts": or_empty("allowed_outbound_hosts").unwrap_or_else(|| json!([])),
        },
        "source": {"content_type": "application/wasm", "digest": layer["digest"]},
        "env": or_empty("environment").unwrap_or_else(|| json!({})),
        "config": or_empty("variables").unwrap_or_else(|| json!({})),
    })
}

/// The members of a table in the manifest.
fn members<'v>(manifest: &'v Value, table: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    manifest
        .get(table)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member).and_then(Value::as_str)
}
