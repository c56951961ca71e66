//! An HTTP function that does what a test asks it to: shows its headers, runs a statement, calls a URL, traps.
#![expect(unsafe_code, reason = "the macro that exports the function writes it")]
use anyhow::{Context, Result, bail};
use spin_sdk::http::{IntoResponse, Method, Request, Response};
use spin_sdk::wit::{pg3, pg4};
use spin_sdk::{http_component, variables};

#[http_component]
async fn handle(request: Request) -> Result<impl IntoResponse> {
    let body = String::from_utf8_lossy(request.body()).into_owned();
    let command = request
        .path()
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    let answer = match command.as_str() {
        "hello" => "hello".to_owned(),
        "headers" => headers(&request),
        "variable" => format!("{:?}", variables::get(&body)),
        "sql" => sql(&body)?,
        "bind" => bind(&body)?,
        "sql3" => sql3(&body)?,
        "open" => format!("{:?}", pg4::Connection::open(&body).err()),
        "redis" => format!("{:?}", spin_sdk::redis::Connection::open(&body).err()),
        "fetch" => fetch(&body).await,
        "fetch_twice" => [fetch(&body).await, fetch(&body).await].join(", "),
        "trap" => trap(),
        other => bail!("no command {other}"),
    };
    Ok(Response::new(200, answer))
}

fn headers(request: &Request) -> String {
    let lines = request
        .headers()
        .map(|(name, value)| format!("{name}: {}\n", value.as_str().unwrap_or("not text")));
    lines.collect()
}

fn connection() -> Result<pg4::Connection> {
    let address = variables::get("database_url")?;
    pg4::Connection::open(&address).context("open")
}

/// The first row of the answer, or the error, as Rust shows it.
fn sql(statement: &str) -> Result<String> {
    Ok(match connection()?.query(statement, &[]) {
        Ok(set) => format!("{:?} {:?}", set.columns, set.rows),
        Err(error) => format!("{error:?}"),
    })
}

/// A statement with one text parameter.
fn bind(statement: &str) -> Result<String> {
    let text = pg4::ParameterValue::Str("6f6c1f1e-0000-4000-8000-000000000000".into());
    Ok(format!(
        "{:?}",
        connection()?.query(statement, &[text]).map(|set| set.rows)
    ))
}

fn sql3(statement: &str) -> Result<String> {
    let address = variables::get("database_url")?;
    let connection = pg3::Connection::open(&address).context("open")?;
    Ok(format!(
        "{:?}",
        connection.query(statement, &[]).map(|set| set.rows)
    ))
}

async fn fetch(url: &str) -> String {
    let request = Request::builder().method(Method::Get).uri(url).build();
    let answer: Result<Response, _> = spin_sdk::http::send(request).await;
    match answer {
        Ok(response) => format!(
            "{} {}",
            response.status(),
            String::from_utf8_lossy(response.body())
        ),
        Err(error) => format!("{error:?}"),
    }
}

fn trap() -> String {
    std::process::abort()
}
