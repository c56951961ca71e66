//! Turns the table of problems into responses, each with a schema that allows its own types only, and examples.

use std::collections::BTreeSet;
use std::error::Error;

use serde_json::{Map, Value, json};

/// What `type` begins with.
const URN: &str = "urn:spindle:problems/";

pub fn expand(document: &mut Value) -> Result<(), Box<dyn Error>> {
    let table = document
        .as_object_mut()
        .and_then(|members| members.remove("problems"))
        .ok_or("there is no table of problems")?;
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
        .map(|(slug, words)| (slug.clone(), example(&problem["status"], slug, words)))
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

/// `words`: the title, a detail, and perhaps a fault as pointer and detail.
fn example(status: &Value, slug: &str, words: &Value) -> Value {
    let mut value = json!({
        "type": format!("{URN}{slug}"), "title": words[0], "status": status, "detail": words[1], "instance": "/api/tasks",
    });
    if let Some(fault) = words.get(2) {
        value["errors"] = json!([{ "pointer": fault[0], "detail": fault[1] }]);
    }
    json!({ "summary": words[0], "value": value })
}
