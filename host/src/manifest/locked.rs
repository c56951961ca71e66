//! A locked application: the form in which Spin stores an application in a registry, and hands it to a trigger (Spin's
//! crates/locked-app). As on Spin, members that are not known are ignored.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Debug, Deserialize)]
struct Locked {
    metadata: Metadata,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    triggers: Vec<Trigger>,
    components: Vec<Component>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    version: String,
    /// Settings of all triggers of a type.
    #[serde(default)]
    triggers: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Variable {
    default: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Trigger {
    trigger_type: String,
    trigger_config: Value,
}

#[derive(Debug, Deserialize)]
struct Component {
    id: String,
    #[serde(default)]
    metadata: ComponentMetadata,
    source: Source,
    #[serde(default)]
    env: Map<String, Value>,
    #[serde(default)]
    config: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
struct ComponentMetadata {
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Source {
    /// A file URL. In a registry a digest stands for the file; whoever pulls the application replaces it.
    source: Option<String>,
}

/// The manifest of a locked application, as JSON with the members of `spin.toml`.
pub fn to_manifest(text: &str) -> Result<Value> {
    let locked: Locked = serde_json::from_str(text)?;
    let mut triggers: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for trigger in locked.triggers {
        let list = triggers.entry(trigger.trigger_type).or_default();
        list.push(trigger.trigger_config);
    }
    let variables = locked.variables.into_iter().map(|(name, variable)| {
        // What has no default is required.
        let declared = match variable.default {
            Some(default) => json!({"default": default}),
            None => json!({"required": true}),
        };
        (name, declared)
    });
    let mut components = Map::new();
    for component in locked.components {
        let file = component.source.source.as_deref();
        let file = file.and_then(|url| url.strip_prefix("file://"));
        let file = file.with_context(|| format!("component `{}`: no file URL", component.id))?;
        let members = json!({
            "source": file,
            "allowed_outbound_hosts": component.metadata.allowed_outbound_hosts,
            "environment": component.env,
            "variables": component.config,
        });
        components.insert(component.id, members);
    }
    let metadata = locked.metadata;
    Ok(json!({
        "spin_manifest_version": 2,
        "application": {"name": metadata.name, "version": metadata.version, "trigger": metadata.triggers},
        "variables": variables.collect::<Map<_, _>>(),
        "trigger": triggers,
        "component": components,
    }))
}
