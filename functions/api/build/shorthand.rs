//! Expands the short forms of the sources: a name where OpenAPI demands a reference object, and a description as an array of
//! lines.

use serde_json::{Map, Value, json};

/// Expands all short forms of the document.
pub fn expand(document: &mut Value) {
    walk(document, false);
}

/// `named` tells that the members of this object are names, such as those of properties, and not keywords of OpenAPI.
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

/// Expands the short forms among the members of one object.
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
            // OpenAPI lists the parameters of an operation in an array, and all other kinds in an object by name. The
            // `parameters` of a link are an object of values, so they stay as they are.
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

/// Replaces a name by a reference to the component of that name.
fn named(kind: &str, item: &mut Value) {
    if let Value::String(name) = item {
        *item = reference(kind, name);
    }
}

/// A reference to a component, as OpenAPI writes it.
pub fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}
