//! Responses to browsers: CORS, caching, content types and the content security policy.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::json;
use tests::client::{PASSWORD, Requests, Response};
use tests::fixture::Fixture;
use tests::settings::start_with_settings;

const LISTED_ORIGIN: &str = "https://app.example";

/// Whether pages of this origin, and no others, may read the response (CORS protocol of the Fetch standard).
fn readable(response: &Response, origin: &str) -> bool {
    response.header("access-control-allow-origin") == Some(origin)
}

/// Checks that a header is a list with these items.
fn lists(response: &Response, header: &str, items: &[&str]) -> Result<()> {
    let value = response.header(header).unwrap_or_default();
    let listed: Vec<&str> = value.split(',').map(str::trim).collect();
    for item in items {
        ensure!(listed.contains(item), "{header}: {value:?} has no {item}");
    }
    Ok(())
}

pub async fn only_listed_origins(_: &mut Fixture) -> Result<()> {
    let settings = [("CORS_ORIGINS", "http://localhost:5173, https://app.example")];
    let (system, api, _folder) = start_with_settings(&settings).await?;
    let preflight = async |origin: &str| {
        let request = api.request(
            Method::OPTIONS,
            "/api/tasks/00000000-0000-0000-0000-000000000000",
        );
        let request = request.header("origin", origin);
        let request = request.header("access-control-request-method", "PATCH");
        let request = request.header("access-control-request-headers", "authorization,if-match");
        request.send().await?.expect(204)
    };
    let asked = preflight(LISTED_ORIGIN).await?;
    ensure!(readable(&asked, LISTED_ORIGIN), "{asked:?}");
    lists(&asked, "access-control-allow-methods", &["PATCH", "DELETE"])?;
    lists(
        &asked,
        "access-control-allow-headers",
        &["authorization", "if-match", "content-type"],
    )?;
    ensure!(readable(
        &preflight("http://localhost:5173").await?,
        "http://localhost:5173"
    ));

    let user = api.new_user("UTC").await?;
    let login = async |origin: &str, password: &str| {
        let request = api.post("/api/auth/login").header("origin", origin);
        let body = json!({"email": user.email, "password": password});
        request.json(&body).send().await
    };
    let response = login(LISTED_ORIGIN, PASSWORD).await?.expect(200)?;
    ensure!(readable(&response, LISTED_ORIGIN), "{response:?}");
    ensure!(response.header("vary") == Some("origin"), "{response:?}");
    lists(
        &response,
        "access-control-expose-headers",
        &["etag", "location", "ratelimit", "retry-after"],
    )?;
    // A page must be able to read an error response, too.
    let refused = login(LISTED_ORIGIN, "another password")
        .await?
        .expect(401)?;
    ensure!(readable(&refused, LISTED_ORIGIN), "{refused:?}");

    for other in ["https://app.example.evil", "http://app.example", "null"] {
        for response in [
            preflight(other).await?,
            login(other, PASSWORD).await?.expect(200)?,
        ] {
            let names = response.headers.keys().map(|name| name.as_str());
            let shown: Vec<&str> = names.filter(|name| name.ends_with("-origin")).collect();
            ensure!(
                shown.is_empty(),
                "the origin {other} is allowed: {response:?}"
            );
        }
    }
    system.stop().await;
    Ok(())
}

/// Responses are not cached and their content type is not guessed. By default, no page of another origin may read them.
pub async fn responses_stay_private(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let mine = user
        .get("/api/tasks")
        .header("origin", LISTED_ORIGIN)
        .send()
        .await?
        .expect(200)?;
    let nothing = fixture
        .api
        .get("/api/nothing")
        .header("origin", LISTED_ORIGIN)
        .send()
        .await?
        .expect(404)?;
    for response in [&mine, &nothing] {
        ensure!(
            response.header("cache-control") == Some("no-store"),
            "{response:?}"
        );
        ensure!(
            response.header("x-content-type-options") == Some("nosniff"),
            "{response:?}"
        );
        ensure!(
            response.header("access-control-allow-origin").is_none(),
            "{response:?}"
        );
    }
    // The page with the API documentation loads nothing and runs only the scripts that its policy names.
    let page = fixture.api.get("/api/docs").send().await?.expect(200)?;
    let policy = page.header("content-security-policy").unwrap_or_default();
    ensure!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    ensure!(
        page.header("cache-control")
            .is_some_and(|kept| kept.starts_with("public"))
    );
    Ok(())
}
