//! Adds what the operations share: headers of every response, common parameters, and the problems that follow from the parts
//! of a request.

use std::error::Error;

use serde_json::{Map, Value, json};

use crate::shorthand::reference;

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// The headers that every response may have.
const RESPONSE_HEADERS: [&str; 8] = [
    "X-Correlation-Id",
    "Cache-Control",
    "X-Content-Type-Options",
    "RateLimit-Policy",
    "RateLimit",
    "Vary",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
];

/// Tags of the operations on a user's data, which a service may call on behalf of the user.
const OWNED: [&str; 6] = ["tasks", "series", "reminders", "tags", "audit", "jobs"];

/// Lists all timezones that the code knows in the schema `Timezone`.
pub fn timezones(document: &mut Value) {
    let names: Vec<&str> = chrono_tz::TZ_VARIANTS
        .iter()
        .map(|zone| zone.name())
        .collect();
    document["components"]["schemas"]["Timezone"]["enum"] = json!(names);
}

/// Completes all operations of the document.
///
/// # Errors
/// An operation without tags, parameters or responses.
pub fn operations(document: &mut Value) -> Result<(), Box<dyn Error>> {
    if let Some(shared) = document["components"]["responses"].as_object_mut() {
        shared.values_mut().for_each(headers);
    }
    let components = document["components"].clone();
    let paths = document["paths"].as_object_mut().ok_or("no paths")?;
    for (path, item) in paths {
        let shared: Vec<Value> = item["parameters"].as_array().cloned().unwrap_or_default();
        for method in METHODS {
            if let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) {
                complete(path, operation, &shared, &components).ok_or_else(|| {
                    format!("{method} {path} has no tags, parameters or responses")
                })?;
            }
        }
    }
    Ok(())
}

/// Completes one operation. `shared` are the parameters of its path.
fn complete(
    path: &str,
    operation: &mut Map<String, Value>,
    shared: &[Value],
    components: &Value,
) -> Option<()> {
    let is_public = operation.contains_key("security");
    let tags = operation.get("tags")?.as_array()?;
    let is_owned = tags
        .iter()
        .any(|tag| OWNED.iter().any(|owned| tag == owned));
    let has_body = operation.contains_key("requestBody");

    let parameters = operation
        .entry("parameters")
        .or_insert(json!([]))
        .as_array_mut()?;
    let has = |name: &str| {
        parameters
            .iter()
            .chain(shared)
            .any(|parameter| resolved(parameter, components)["name"] == name)
    };
    let (if_match, key) = (has("If-Match"), has("Idempotency-Key"));
    let conditional = if_match || key || (has("If-None-Match") && !is_public);
    let mut common = vec!["X-Correlation-Id", "traceparent"];
    if is_owned {
        common.push("X-On-Behalf-Of");
    }
    parameters.extend(common.iter().map(|name| reference("parameters", name)));

    let responses = operation.get_mut("responses")?.as_object_mut()?;
    let mut problems = Vec::new();
    if has_body || conditional {
        problems.push(("400", "BadRequest"));
    }
    if !is_public {
        // A header `X-On-Behalf-Of` may lead to a 403 in every operation.
        problems.extend([("401", "Unauthorized"), ("403", "Forbidden")]);
    }
    if is_owned {
        problems.push(("404", "NotFound"));
    }
    if if_match {
        problems.push(("412", "Stale"));
    }
    if has_body {
        problems.extend([
            ("408", "SlowBody"),
            ("413", "TooLarge"),
            ("415", "MediaType"),
        ]);
    }
    // Every operation that needs a token also checks the query string, which must be empty if there are no parameters.
    if has_body || !is_public {
        problems.push(("422", if key { "InvalidOrReused" } else { "Invalid" }));
    }
    if path.starts_with("/api/") {
        problems.extend([
            ("429", "RateLimited"),
            ("500", "Internal"),
            ("503", "Unavailable"),
        ]);
    }
    for (status, name) in problems {
        responses
            .entry(status)
            .or_insert(reference("responses", name));
    }
    responses.values_mut().for_each(headers);
    Some(())
}

/// The target of a reference, or the value itself.
fn resolved<'a>(value: &'a Value, components: &'a Value) -> &'a Value {
    let place = value["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix("#/components"));
    place
        .and_then(|place| components.pointer(place))
        .unwrap_or(value)
}

/// Adds the headers of every response, unless the response is a reference.
fn headers(response: &mut Value) {
    let Some(response) = response.as_object_mut() else {
        return;
    };
    if response.contains_key("$ref") {
        return;
    }
    let headers = response.entry("headers").or_insert(json!({}));
    for name in RESPONSE_HEADERS {
        if headers.get(name).is_none() {
            headers[name] = reference("headers", name);
        }
    }
}
