//! Random hostile values for every parameter that the OpenAPI document names, and requests whose target names no host. None of them
//! may end in a 500.

mod values;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{RequestBuilder, Requests, User, escape, text};
use tests::contract::Contract;
use tests::fixture::Fixture;
use tests::seed::of_test;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The time for which requests are sent, and how many are sent at once.
const TIME: Duration = Duration::from_secs(10);
const AT_ONCE: usize = 16;
/// The most requests of a run, so that a fast machine does not fill the database.
const MOST: usize = 4000;

/// Names a seed, to send the requests of an earlier run again.
const SEED: &str = "HOSTILE_SEED";

/// An operation of the document, and what it takes.
struct Operation {
    path: String,
    method: Method,
    /// Name and place (`path`, `query` or `header`) of each parameter.
    parameters: Vec<(String, String)>,
    /// A valid body.
    body: Option<Value>,
}

/// One request: everything but the caller.
#[derive(Debug)]
struct Attack {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// Sends random requests as an admin, who may call every operation.
pub async fn random_values(fixture: &mut Fixture) -> Result<()> {
    let seed = of_test(SEED)?;
    let admin = fixture.admin().await?;
    let task = admin
        .create(json!({"title": "Target", "tags": ["home"]}))
        .await?;
    admin.create(json!({"title": "Second page"})).await?;
    let page = admin
        .get("/api/tasks?limit=1")
        .send()
        .await?
        .expect(200)?
        .json()?;
    let known = [text(&task, "id")?, text(&page, "next_cursor")?];
    let operations = operations(fixture.api.contract()?)?;
    let mut random = StdRng::seed_from_u64(seed);
    let (started, mut sent, mut wrong) = (Instant::now(), 0, Vec::new());
    let mut answered = [0; 6];
    while started.elapsed() < TIME && sent < MOST && wrong.is_empty() {
        let attacks: Vec<_> = (0..AT_ONCE)
            .map(|_| attack(&operations, &known, &mut random))
            .collect::<Result<_>>()?;
        let responses = attacks.iter().map(|attack| attack.request(&admin).send());
        for (attack, response) in attacks.iter().zip(join_all(responses).await) {
            match response {
                Ok(response) if response.status != 500 => {
                    answered[usize::from(response.status.as_u16() / 100)] += 1;
                }
                Ok(response) => wrong.push(format!("{attack:?}: {response:?}")),
                Err(error) => wrong.push(format!("{attack:?}: {error:#}")),
            }
        }
        sent += AT_ONCE;
    }
    println!("{sent} requests, {answered:?} answers by the first digit of their status");
    ensure!(
        wrong.is_empty(),
        "with {SEED}={seed}, request {sent} or one before it:\n{}",
        wrong.join("\n")
    );
    ensure!(sent >= 200, "only {sent} requests in {TIME:?}");
    ensure!(
        answered[2] > sent / 50,
        "hardly a request came through: {answered:?}"
    );
    Ok(())
}

/// Operations that end the caller's session, and one that answers with the trails of all users. The latter takes the parameters of
/// `listAudit`.
const LEFT_OUT: [&str; 4] = ["deleteMe", "changePassword", "logout", "exportAudit"];

/// Reads the operations of the document, except for those that are left out.
fn operations(contract: &Contract) -> Result<Vec<Operation>> {
    let mut operations = Vec::new();
    for (path, method, operation) in contract.operations() {
        let id = text(operation, "operationId")?;
        if LEFT_OUT.contains(&id.as_str()) {
            continue;
        }
        let listed = operation["parameters"].as_array().into_iter().flatten();
        let shared = contract.shared_parameters(path);
        let mut parameters = Vec::new();
        for parameter in listed.chain(shared) {
            let parameter = contract.resolve(parameter)?;
            parameters.push((text(parameter, "name")?, text(parameter, "in")?));
        }
        let content = operation["requestBody"]["content"].as_object();
        let schema = content.and_then(|content| content.values().next());
        let body = schema
            .map(|media| contract.resolve(&media["schema"]))
            .transpose()?;
        let body = body.map(|schema| schema["examples"][0].clone());
        ensure!(
            body.as_ref().is_none_or(Value::is_object),
            "the schema of the body of {id} has no example"
        );
        operations.push(Operation {
            path: path.to_owned(),
            method,
            parameters,
            body,
        });
    }
    Ok(operations)
}

/// Chooses an operation and hostile values for some of what it takes.
fn attack(operations: &[Operation], known: &[String], random: &mut StdRng) -> Result<Attack> {
    let operation = operations.choose(random).context("no operations")?;
    let mut path = operation.path.clone();
    let (mut query, mut headers) = (Vec::new(), Vec::new());
    for (name, place) in &operation.parameters {
        let value = match random.random_bool(0.2) {
            true => known.choose(random).cloned().unwrap_or_default(),
            false => values::text(random),
        };
        match place.as_str() {
            // A task that exists leads to the statements behind the look-up.
            "path" if random.random_bool(0.5) => {
                path = path.replace(&format!("{{{name}}}"), &known[0])
            }
            "path" => path = path.replace(&format!("{{{name}}}"), &escape(&value)),
            // Most parameters are left out, because one invalid parameter hides the others.
            "query" if random.random_bool(0.3) => query.push(format!("{name}={}", escape(&value))),
            "header" if random.random_bool(0.2) => headers.push((name.clone(), value)),
            _ => {}
        }
    }
    let body = operation
        .body
        .as_ref()
        .map(|body| match random.random_range(0..10) {
            0 => values::text(random).into_bytes(),
            1 => values::json(random, 0).to_string().into_bytes(),
            _ => values::altered(body, random).to_string().into_bytes(),
        });
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    Ok(Attack {
        method: operation.method.clone(),
        path,
        headers,
        body,
    })
}

impl Attack {
    fn request(&self, user: &User) -> RequestBuilder {
        let mut request = user.request(self.method.clone(), &self.path);
        // Only a service may send this header; all other requests with it end at once.
        for (name, value) in self
            .headers
            .iter()
            .filter(|(name, _)| name != "X-On-Behalf-Of")
        {
            request = request.header(name, value);
        }
        match &self.body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.clone()),
            None => request,
        }
    }
}

/// How long a connection may stay open after its last request.
const CLOSED_WITHIN: Duration = Duration::from_secs(30);

/// Spin closes the connection of a request that names no valid host (RFC 9112, section 3.2) before any function runs. All other
/// requests are served, also those before it on the connection, and those of HTTP/1.0.
pub async fn requests_without_a_host(fixture: &mut Fixture) -> Result<()> {
    const CLOSED: &[&str] = &[];
    for (head, statuses) in [
        ("GET /healthz HTTP/1.1\r\n", CLOSED),
        ("GET /healthz HTTP/1.0\r\n", CLOSED),
        ("GET /readyz HTTP/1.1\r\nhost: a b\r\n", CLOSED),
        ("GET /api/tasks HTTP/1.0\r\nhost: a b\r\n", CLOSED),
        ("GET /api/tasks HTTP/1.1\r\nhost: \r\n", CLOSED),
        ("GET /healthz HTTP/1.1\r\nhost: a:b:c\r\n", CLOSED),
        ("GET /healthz HTTP/1.1\r\nhost: a/b\r\n", CLOSED),
        ("GET /healthz HTTP/1.1\r\nhost: \u{e4}\r\n", CLOSED),
        ("GET http://a/healthz HTTP/1.1\r\nhost: b\r\n", CLOSED),
        ("POST /api/tasks HTTP/1.1\r\ncontent-length: 0\r\n", CLOSED),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\n", &["200"]),
        ("GET /healthz HTTP/1.0\r\nhost: a\r\n", &["200"]),
        ("GET http://a/healthz HTTP/1.1\r\n", &["200"]),
        ("GET /healthz HTTP/1.1\r\nhost: [::1]:80\r\n", &["200"]),
        // The first one counts.
        ("GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n", &["200"]),
        (
            "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\nGET /healthz HTTP/1.1\r\n",
            &["200"],
        ),
    ] {
        let answer = raw(fixture, head).await?;
        let answered: Vec<_> = answer
            .lines()
            .filter_map(|line| line.strip_prefix("HTTP/1."))
            .filter_map(|line| line.split(' ').nth(1))
            .collect();
        ensure!(answered == statuses, "{head:?} was answered {answer:?}");
    }
    fixture.api.get("/healthz").send().await?.expect(200)?;
    Ok(())
}

/// Sends requests as they are written here, without the line that ends the last one, and reads until the server closes the connection.
async fn raw(fixture: &Fixture, head: &str) -> Result<String> {
    let url = fixture.system.api_url();
    let address = url
        .strip_prefix("http://")
        .context("the API has no HTTP URL")?;
    let mut stream = TcpStream::connect(address.trim_end_matches('/')).await?;
    let request = format!("{head}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    tokio::time::timeout(CLOSED_WITHIN, stream.read_to_end(&mut answer))
        .await
        .with_context(|| format!("the connection stays open after {request:?}"))??;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
