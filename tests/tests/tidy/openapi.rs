//! The OpenAPI document (functions/api/openapi) speaks of everything that the code reads, sets and refuses with.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{files, none};

/// Headers that OpenAPI leaves to other parts of a document: media types, the security scheme, browsers.
const ELSEWHERE: [&str; 8] = [
    "content-type",
    "content-length",
    "authorization",
    "origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
    "allow",
];

/// The calls that take a name from a request or put one into an answer.
const CALLS: [&str; 15] = [
    ".required(",
    ".optional(",
    ".take(",
    "query.one(",
    "query.parsed(",
    "query.all(",
    "words(&mut query,",
    "tags(&mut query,",
    "time(&mut query,",
    "request.header(",
    ".has_header(",
    ".header(",
    "add(",
    "read(request,",
    "const NAME: &str =",
];

/// The sources without their tests.
fn sources() -> Result<Vec<(String, String)>> {
    let mut sources = files("functions/api/src", &[".rs"])?;
    sources.extend(files("domain/src", &[".rs"])?);
    for (_, text) in &mut sources {
        let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
        text.truncate(end);
    }
    Ok(sources)
}

/// The literal that a call begins with, if it does begin with one.
fn literal(rest: &str) -> Option<&str> {
    rest.trim_start().strip_prefix('"')?.split('"').next()
}

/// Every name of a member, a parameter or a header in the document's parts.
fn described() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for (path, text) in files("functions/api/openapi", &[".json"])? {
        let part = serde_json::from_str(&text).with_context(|| path.clone())?;
        collect(&part, &mut names);
    }
    ensure!(names.contains("title"), "the document has no members");
    Ok(names)
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if members.contains_key("in")
                && let Some(Value::String(name)) = members.get("name")
            {
                names.insert(name.to_lowercase());
            }
            for kind in ["properties", "headers"] {
                let named = members.get(kind).and_then(Value::as_object);
                names.extend(
                    named
                        .into_iter()
                        .flat_map(|it| it.keys())
                        .map(|name| name.to_lowercase()),
                );
            }
            members.values().for_each(|value| collect(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

#[test]
fn every_name_that_is_read_or_set_is_described() -> Result<()> {
    let described = described()?;
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (path, text) in sources()? {
        let used = CALLS
            .iter()
            .flat_map(|call| text.split(call).skip(1))
            .filter_map(literal);
        for name in used {
            seen += 1;
            if !described.contains(name) && !ELSEWHERE.contains(&name) {
                wrong.push(format!("{path}: {name}"));
            }
        }
    }
    ensure!(seen > 60, "only {seen} names were found in the sources");
    none("the document describes every name", &wrong)
}

#[test]
fn every_problem_is_described() -> Result<()> {
    let mut described = BTreeSet::new();
    for (path, text) in files("functions/api/openapi", &[".json"])? {
        let part: Value = serde_json::from_str(&text).with_context(|| path.clone())?;
        for problem in part["problems"].as_object().into_iter().flatten() {
            let types = problem.1["types"]
                .as_object()
                .context("a problem has types")?;
            described.extend(types.keys().cloned());
        }
    }
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (path, text) in sources()? {
        // A problem is made with its status, its slug and its title.
        for made in text.split("Self::new(").skip(1) {
            let mut parts = made.split(',').map(str::trim);
            let (status, slug) = (parts.next(), parts.next().and_then(literal));
            if let (Some(status), Some(slug)) = (status, slug)
                && status.parse::<u16>().is_ok()
            {
                seen += 1;
                if !described.contains(slug) {
                    wrong.push(format!("{path}: {slug}"));
                }
            }
        }
    }
    ensure!(seen > 12, "only {seen} problems were found in the sources");
    none("the document describes every problem", &wrong)
}
