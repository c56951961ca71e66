//! Short forms that the sources may use for references: a name where OpenAPI wants an object.

use serde_json::{Map, Value, json};

pub fn expand(document: &mut Value) {
    walk(document, false);
}

/// `named`: whether the members of this object are names of somebody's choice rather than words of OpenAPI.
fn walk(value: &mut Value, named: bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, false)),
        Value::Object(members) => {
            if !named {
                references(members);
            }
            for (name, member) in members {
                let is_data = matches!(name.as_str(), "example" | "examples" | "default" | "const");
                let names = matches!(
                    name.as_str(),
                    "properties" | "schemas" | "responses" | "headers" | "parameters" | "links"
                );
                if named || !is_data {
                    walk(member, names && !named);
                }
            }
        }
        _ => {}
    }
}

fn references(members: &mut Map<String, Value>) {
    if let Some(Value::Array(lines)) = members.get("description") {
        let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
        let text = lines.join("\n");
        members.insert("description".to_owned(), json!(text));
    }
    if let Some(Value::String(name)) = members.get_mut("$ref")
        && !name.contains('#')
    {
        *name = format!("#/components/schemas/{name}");
    }
    for kind in ["parameters", "responses", "headers", "links"] {
        match members.get_mut(kind) {
            // A parameter is known by the name that it has in itself, all others by their member. What a link calls
            // parameters are values.
            Some(Value::Array(items)) if kind == "parameters" => {
                items.iter_mut().for_each(|item| named(kind, item));
            }
            Some(Value::Array(items)) => {
                let listed = items.iter().filter_map(Value::as_str);
                let map: Map<String, Value> = listed
                    .map(|name| (name.to_owned(), reference(kind, name)))
                    .collect();
                members.insert(kind.to_owned(), Value::Object(map));
            }
            Some(Value::Object(items)) if kind != "parameters" => {
                items.values_mut().for_each(|item| named(kind, item));
            }
            _ => {}
        }
    }
}

fn named(kind: &str, item: &mut Value) {
    if let Value::String(name) = item {
        *item = reference(kind, name);
    }
}

pub fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}
