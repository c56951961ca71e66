//! The OpenAPI document as a judge: an answer that it does not describe fails the test that receives it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Answer;

/// Headers that belong to HTTP and not to an operation.
const HTTP: [&str; 6] = [
    "connection",
    "content-length",
    "content-type",
    "date",
    "keep-alive",
    "transfer-encoding",
];

pub struct Contract {
    document: Value,
    /// Made once for each schema and kept, because making one takes much longer than using it.
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
    /// What was not kept since somebody last asked. Whoever repeats a request until it succeeds does not look at errors.
    broken: Mutex<Vec<String>>,
}

/// A response of the document, and the place where it is described.
struct Response<'a> {
    place: String,
    described: &'a Value,
}

impl Contract {
    /// The document that a system serves.
    ///
    /// # Errors
    /// Where it serves none.
    pub async fn of(base: &str) -> Result<Arc<Self>> {
        let address = format!("{}/api/openapi.json", base.trim_end_matches('/'));
        let answer = reqwest::get(&address).await?.error_for_status()?;
        Ok(Arc::new(Self {
            document: answer.json().await?,
            validators: Mutex::default(),
            broken: Mutex::default(),
        }))
    }

    /// # Errors
    /// Names what the document does not say of this answer.
    pub fn judge(&self, method: &Method, answer: &Answer) -> Result<()> {
        let judged = self.compare(method, answer);
        if let Err(error) = &judged {
            held(&self.broken).push(format!("{error:#}"));
        }
        judged
    }

    /// Takes what was not kept since this was last called.
    pub fn broken(&self) -> Vec<String> {
        std::mem::take(&mut *held(&self.broken))
    }

    fn compare(&self, method: &Method, answer: &Answer) -> Result<()> {
        let status = answer.status.as_u16();
        // The host's own, for a function that was cut off or fell; its log says why, and is judged too.
        if status == 500 && answer.body.is_empty() {
            return Ok(());
        }
        let asked = || format!("{method} {}: {status} is not as described", answer.path);
        let Some(response) = self.response(method, answer).with_context(asked)? else {
            return Ok(());
        };
        self.headers(&response, answer).with_context(asked)?;
        self.body(&response, answer).with_context(asked)
    }

    /// The paths and methods of the document, and the operation of each.
    pub fn operations(&self) -> impl Iterator<Item = (&str, Method, &Value)> {
        let paths = self.document["paths"].as_object().into_iter().flatten();
        paths.flat_map(|(path, item)| {
            let members = item.as_object().into_iter().flatten();
            members.filter_map(move |(name, operation)| {
                let method = Method::from_bytes(name.to_uppercase().as_bytes()).ok()?;
                let is_operation = operation.get("operationId").is_some();
                is_operation.then_some((path.as_str(), method, operation))
            })
        })
    }

    /// What is described; `None` for a preflight, which is no operation.
    fn response(&self, method: &Method, answer: &Answer) -> Result<Option<Response<'_>>> {
        let mut matching: Vec<_> = self
            .operations()
            .filter(|(path, _, _)| matches(path, &answer.path))
            .collect();
        // A path that is written out comes before one with a parameter in that place.
        if matching.iter().any(|(path, _, _)| *path == answer.path) {
            matching.retain(|(path, _, _)| *path == answer.path);
        }
        if *method == Method::OPTIONS && !matching.is_empty() {
            ensure!(answer.status == 204, "a preflight is answered with 204");
            return Ok(None);
        }
        let found = matching.iter().find(|(_, known, _)| known == method);
        let Some((path, _, operation)) = found else {
            let (status, name) = if matching.is_empty() {
                (404, "NotFound")
            } else {
                (405, "MethodNotAllowed")
            };
            ensure!(
                answer.status == status,
                "no operation is described, so it should be {status}"
            );
            let place = format!("/components/responses/{name}");
            let described = self.document.pointer(&place).context(name)?;
            return Ok(Some(Response { place, described }));
        };
        let status = answer.status.as_u16().to_string();
        let described = operation["responses"]
            .get(&status)
            .context("the operation has no such status")?;
        Ok(Some(match described["$ref"].as_str() {
            Some(reference) => Response {
                place: reference.to_owned(),
                described: self.resolve(described)?,
            },
            None => Response {
                place: format!("{method} {path} {status}"),
                described,
            },
        }))
    }

    fn headers(&self, response: &Response, answer: &Answer) -> Result<()> {
        let described = response.described["headers"].as_object();
        let described = described.context("no headers are described")?;
        for (name, header) in described {
            let header = self.resolve(header)?;
            match answer.header(name) {
                Some(value) => self
                    .valid(&header.to_string(), &header["schema"], &json!(value))
                    .with_context(|| format!("the header {name}: {value}"))?,
                None => ensure!(header["required"] != true, "it lacks the header {name}"),
            }
        }
        for name in answer.headers.keys() {
            let is_known = HTTP.contains(&name.as_str())
                || described
                    .keys()
                    .any(|known| known.eq_ignore_ascii_case(name.as_str()));
            ensure!(is_known, "the header {name} is not described");
        }
        Ok(())
    }

    fn body(&self, response: &Response, answer: &Answer) -> Result<()> {
        let given = answer.header("content-type");
        let Some(content) = response.described["content"].as_object() else {
            ensure!(
                answer.body.is_empty() && given.is_none(),
                "a body is not described"
            );
            return Ok(());
        };
        let given = given.context("it has no content type")?;
        let media = content
            .get(given)
            .with_context(|| format!("the content type {given} is not described"))?;
        let place = format!("{} {given}", response.place);
        if given.ends_with("json") && given != "application/x-ndjson" {
            let body = answer.json()?;
            return self
                .valid(&place, &media["schema"], &body)
                .with_context(|| format!("the body {body:.2000}"));
        }
        if given == "application/x-ndjson" {
            for line in answer.body.split_inclusive(|byte| *byte == b'\n') {
                ensure!(line.ends_with(b"\n"), "the last line is cut off");
                let item = json!({ "$ref": "#/components/schemas/AuditItem" });
                self.valid(&place, &item, &serde_json::from_slice(line)?)?;
            }
        }
        Ok(())
    }

    /// What a reference stands for, or the value itself.
    fn resolve<'a>(&'a self, value: &'a Value) -> Result<&'a Value> {
        let Some(reference) = value["$ref"].as_str() else {
            return Ok(value);
        };
        let place = reference.trim_start_matches('#');
        self.document
            .pointer(place)
            .with_context(|| format!("{reference} is not in the document"))
    }

    fn valid(&self, key: &str, schema: &Value, instance: &Value) -> Result<()> {
        let validator = self.validator(key, schema)?;
        let errors: Vec<_> = validator
            .iter_errors(instance)
            .map(|error| format!("{} at {:?}", error, error.instance_path.as_str()))
            .take(5)
            .collect();
        if errors.is_empty() {
            return Ok(());
        }
        bail!("{:.1000}", errors.join("; "))
    }

    fn validator(&self, key: &str, schema: &Value) -> Result<Arc<Validator>> {
        let mut validators = held(&self.validators);
        if let Some(validator) = validators.get(key) {
            return Ok(Arc::clone(validator));
        }
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": { "schemas": self.document["components"]["schemas"] },
        });
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&whole)
            .map_err(|error| anyhow::anyhow!("{key}: the schema is none: {error}"))?;
        let validator = Arc::new(validator);
        validators.insert(key.to_owned(), Arc::clone(&validator));
        Ok(validator)
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a path is of this pattern; a parameter is one segment.
fn matches(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), segments.next()) {
            (None, None) => return true,
            (Some(pattern), Some(segment)) if pattern == segment || pattern.starts_with('{') => {}
            _ => return false,
        }
    }
}
