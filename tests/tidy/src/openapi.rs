//! The OpenAPI document (functions/api/openapi) describes every name and every problem type that the code uses.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{files, no_violations};

/// Headers that an OpenAPI operation does not list: media types and the security scheme stand elsewhere in the document, and the
/// rest belongs to HTTP or to CORS.
const NOT_LISTED: [&str; 9] = [
    "content-type",
    "content-length",
    "content-encoding",
    "authorization",
    "origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
    "allow",
];

/// The texts before a name that the code reads from a request or writes into a response: a JSON member, a query parameter or
/// a header.
const BEFORE_A_NAME: [&str; 15] = [
    ".required(",
    ".optional(",
    ".take(",
    "query.one(",
    "query.parsed(",
    "query.all(",
    "names(query,",
    "tags(query,",
    "time(query,",
    "request.header(",
    ".has_header(",
    ".header(",
    "add(",
    "read(request,",
    "const NAME: &str =",
];

/// The sources of the API and of the domain, without their unit tests.
fn sources() -> Result<Vec<(String, String)>> {
    let mut sources = files("functions/api/src", &[".rs"])?;
    sources.extend(files("domain/src", &[".rs"])?);
    for (_, text) in &mut sources {
        let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
        text.truncate(end);
    }
    Ok(sources)
}

/// The string literal at the start of `rest`, if there is one.
fn literal(rest: &str) -> Option<&str> {
    rest.trim_start().strip_prefix('"')?.split('"').next()
}

/// The names of all members, parameters and headers in the document, in lower case.
fn described() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for (path, text) in files("functions/api/openapi", &[".json"])? {
        let part = serde_json::from_str(&text).with_context(|| path.clone())?;
        collect(&part, &mut names);
    }
    ensure!(
        names.contains("title"),
        "the document describes no member `title`"
    );
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
fn every_name_is_described() -> Result<()> {
    let described = described()?;
    let (mut violations, mut seen) = (Vec::new(), 0);
    for (path, text) in sources()? {
        let used = BEFORE_A_NAME
            .iter()
            .flat_map(|call| text.split(call).skip(1))
            .filter_map(literal);
        for name in used {
            seen += 1;
            if !described.contains(&name.to_lowercase()) && !NOT_LISTED.contains(&name) {
                violations.push(format!("{path}: {name}"));
            }
        }
    }
    ensure!(seen > 60, "only {seen} names were found in the sources");
    no_violations("the document describes every name", &violations)
}

#[test]
fn every_problem_type_is_described() -> Result<()> {
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
    let (mut violations, mut seen) = (Vec::new(), 0);
    for (path, text) in sources()? {
        // `Self::new(status, slug, title)` makes a problem.
        for made in text.split("Self::new(").skip(1) {
            let mut parts = made.split(',').map(str::trim);
            let (status, slug) = (parts.next(), parts.next().and_then(literal));
            if let (Some(status), Some(slug)) = (status, slug)
                && status.parse::<u16>().is_ok()
            {
                seen += 1;
                if !described.contains(slug) {
                    violations.push(format!("{path}: {slug}"));
                }
            }
        }
    }
    ensure!(seen > 12, "only {seen} problems were found in the sources");
    no_violations("the document describes every problem type", &violations)
}
