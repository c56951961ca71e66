//! Turns the member `problems` of the sources into responses, each with a schema for its problem types and examples.

use std::collections::BTreeSet;
use std::error::Error;

use serde_json::{Map, Value, json};

/// The prefix of `type`.
const URN: &str = "urn:spindle:problems/";

/// Replaces the table of problems by entries of `components.responses`, and lists all problem types in `ProblemType`.
pub fn expand(document: &mut Value) -> Result<(), Box<dyn Error>> {
    let table = document
        .as_object_mut()
        .and_then(|members| members.remove("problems"))
        .ok_or("the member `problems` is missing")?;
    let mut known = BTreeSet::new();
    for (name, problem) in table.as_object().into_iter().flatten() {
        let types: Map<String, Value> = problem["types"]
            .as_object()
            .cloned()
            .ok_or_else(|| format!("the problem {name} has no types"))?;
        known.extend(types.keys().map(|slug| format!("{URN}{slug}")));
        let mut response = response(problem, &types);
        if let Some(headers) = problem.get("headers") {
            response["headers"] = headers.clone();
        }
        document["components"]["responses"][name] = response;
    }
    document["components"]["schemas"]["ProblemType"]["enum"] = json!(known);
    Ok(())
}

fn response(problem: &Value, types: &Map<String, Value>) -> Value {
    let urns: Vec<String> = types.keys().map(|slug| format!("{URN}{slug}")).collect();
    let examples: Map<String, Value> = types
        .iter()
        .map(|(slug, texts)| (slug.clone(), example(&problem["status"], slug, texts)))
        .collect();
    json!({
        "description": problem["description"],
        "content": { "application/problem+json": {
            "schema": {
                "allOf": [{ "$ref": "Problem" }],
                "properties": { "type": { "enum": urns }, "status": { "const": problem["status"] } },
            },
            "examples": examples,
        } },
    })
}

/// An example of a problem. `texts` is an array: title, detail, and optionally a fault as `[pointer, detail]`.
fn example(status: &Value, slug: &str, texts: &Value) -> Value {
    let mut value = json!({
        "type": format!("{URN}{slug}"), "title": texts[0], "status": status, "detail": texts[1], "instance": "/api/tasks",
    });
    if let Some(fault) = texts.get(2) {
        value["errors"] = json!([{ "pointer": fault[0], "detail": fault[1] }]);
    }
    json!({ "summary": texts[0], "value": value })
}
