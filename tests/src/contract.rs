//! Checks responses against the OpenAPI document that the system serves. A response that the document does not describe fails
//! the test that receives it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Response;

/// Headers that belong to HTTP itself, so no operation documents them.
const HTTP_HEADERS: [&str; 6] = [
    "connection",
    "content-length",
    "content-type",
    "date",
    "keep-alive",
    "transfer-encoding",
];

/// The OpenAPI document, and the violations of it so far.
pub struct Contract {
    document: Value,
    /// Compiled schemas by their place in the document, because compiling one takes much longer than using it.
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
    /// Violations since the last [`Self::take_violations`]. They are kept as well as returned, because a client that retries
    /// until it succeeds ignores errors.
    violations: Mutex<Vec<String>>,
}

/// The response object of the document that applies to a response.
struct Documented<'a> {
    /// A key for the cache of validators.
    place: String,
    definition: &'a Value,
}

impl Contract {
    /// Reads the document from `<base>/api/openapi.json`.
    ///
    /// # Errors
    /// The system serves no document there.
    pub async fn fetch(base: &str) -> Result<Arc<Self>> {
        let address = format!("{}/api/openapi.json", base.trim_end_matches('/'));
        let response = reqwest::get(&address).await?.error_for_status()?;
        Ok(Arc::new(Self {
            document: response.json().await?,
            validators: Mutex::default(),
            violations: Mutex::default(),
        }))
    }

    /// Checks status, headers and body of a response.
    ///
    /// # Errors
    /// Names what differs from the document.
    pub fn check(&self, method: &Method, response: &Response) -> Result<()> {
        let result = self.compare(method, response);
        if let Err(error) = &result {
            locked(&self.violations).push(format!("{error:#}"));
        }
        result
    }

    /// Returns and forgets the violations so far.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.violations))
    }

    fn compare(&self, method: &Method, response: &Response) -> Result<()> {
        let status = response.status.as_u16();
        // The function host answers for a function that failed or was stopped. The end of the test checks the host's log.
        if status == 500 && response.body.is_empty() {
            return Ok(());
        }
        let place = || {
            format!(
                "{method} {}: the {status} response is not as documented",
                response.path
            )
        };
        let Some(documented) = self.documented(method, response).with_context(place)? else {
            return Ok(());
        };
        self.headers(&documented, response).with_context(place)?;
        if *method == Method::HEAD {
            return Ok(());
        }
        self.body(&documented, response).with_context(place)
    }

    /// Path, method and operation object of every operation in the document.
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

    /// The parameters that all operations of a path share.
    pub fn shared_parameters(&self, path: &str) -> impl Iterator<Item = &Value> {
        let parameters = self.document["paths"][path]["parameters"].as_array();
        parameters.into_iter().flatten()
    }

    /// The definition that applies to a response. `None` for a CORS preflight, which the document does not list.
    fn documented(&self, method: &Method, response: &Response) -> Result<Option<Documented<'_>>> {
        // HEAD is documented as GET, and a slash at the end of a path has no meaning.
        let method = match *method {
            Method::HEAD => &Method::GET,
            _ => method,
        };
        let requested = response.path.trim_end_matches('/');
        let mut matching: Vec<_> = self
            .operations()
            .filter(|(path, _, _)| matches(path, requested))
            .collect();
        // A path without parameters takes precedence over a template that matches it, too.
        if matching.iter().any(|(path, _, _)| *path == requested) {
            matching.retain(|(path, _, _)| *path == requested);
        }
        if *method == Method::OPTIONS && !matching.is_empty() {
            ensure!(response.status == 204, "the status of a preflight is 204");
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
                response.status == status,
                "the document has no such operation, so the status must be {status}"
            );
            let place = format!("/components/responses/{name}");
            let definition = self.document.pointer(&place).context(name)?;
            return Ok(Some(Documented { place, definition }));
        };
        let status = response.status.as_u16().to_string();
        let definition = operation["responses"]
            .get(&status)
            .context("the operation documents no such status")?;
        Ok(Some(match definition["$ref"].as_str() {
            Some(reference) => Documented {
                place: reference.to_owned(),
                definition: self.resolve(definition)?,
            },
            None => Documented {
                place: format!("{method} {path} {status}"),
                definition,
            },
        }))
    }

    fn headers(&self, documented: &Documented, response: &Response) -> Result<()> {
        let described = documented.definition["headers"].as_object();
        let described = described.context("the document lists no headers")?;
        for (name, header) in described {
            let header = self.resolve(header)?;
            match response.header(name) {
                Some(value) => self
                    .valid(&header.to_string(), &header["schema"], &json!(value))
                    .with_context(|| format!("the header {name}: {value}"))?,
                None => ensure!(header["required"] != true, "the header {name} is missing"),
            }
        }
        for name in response.headers.keys() {
            let is_known = HTTP_HEADERS.contains(&name.as_str())
                || described
                    .keys()
                    .any(|known| known.eq_ignore_ascii_case(name.as_str()));
            ensure!(is_known, "the header {name} is not documented");
        }
        Ok(())
    }

    fn body(&self, documented: &Documented, response: &Response) -> Result<()> {
        let media_type = response.header("content-type");
        let Some(content) = documented.definition["content"].as_object() else {
            ensure!(
                response.body.is_empty() && media_type.is_none(),
                "the document allows no body"
            );
            return Ok(());
        };
        let media_type = media_type.context("the content type is missing")?;
        let media = content
            .get(media_type)
            .with_context(|| format!("the content type {media_type} is not documented"))?;
        let place = format!("{} {media_type}", documented.place);
        if media_type.ends_with("json") && media_type != "application/x-ndjson" {
            let body = response.json()?;
            return self
                .valid(&place, &media["schema"], &body)
                .with_context(|| format!("the body {body:.2000}"));
        }
        if media_type == "application/x-ndjson" {
            for line in response.body.split_inclusive(|byte| *byte == b'\n') {
                ensure!(line.ends_with(b"\n"), "the last line has no line feed");
                let item = json!({ "$ref": "#/components/schemas/AuditItem" });
                self.valid(&place, &item, &serde_json::from_slice(line)?)?;
            }
        }
        Ok(())
    }

    /// The target of a reference, or the value itself.
    ///
    /// # Errors
    /// The reference has no target.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> Result<&'a Value> {
        let Some(reference) = value["$ref"].as_str() else {
            return Ok(value);
        };
        let place = reference.trim_start_matches('#');
        self.document
            .pointer(place)
            .with_context(|| format!("{reference} is not in the document"))
    }

    /// Checks `instance` against `schema`, whose place in the document is `key`.
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
        let mut validators = locked(&self.validators);
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
            .map_err(|error| anyhow::anyhow!("{key}: the schema is invalid: {error}"))?;
        let validator = Arc::new(validator);
        validators.insert(key.to_owned(), Arc::clone(&validator));
        Ok(validator)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a path matches a path template, in which a parameter stands for one segment.
fn matches(template: &str, path: &str) -> bool {
    let (mut parts, mut segments) = (template.split('/'), path.split('/'));
    loop {
        match (parts.next(), segments.next()) {
            (None, None) => return true,
            (Some(part), Some(segment)) if part == segment || part.starts_with('{') => {}
            _ => return false,
        }
    }
}
