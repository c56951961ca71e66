//! What browsers ask before they hand an answer to a page, and what keeps answers where they belong.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::json;
use tests::client::{Answer, Calls, PASSWORD};
use tests::settings::started_with;
use tests::stage::World;

const OURS: &str = "https://app.example";

/// Whether a page of this origin may read the answer (Fetch, CORS protocol), and only this one.
fn readable(answer: &Answer, origin: &str) -> bool {
    answer.header("access-control-allow-origin") == Some(origin)
}

fn lists(answer: &Answer, header: &str, wanted: &[&str]) -> Result<()> {
    let value = answer.header(header).unwrap_or_default();
    let listed: Vec<&str> = value.split(',').map(str::trim).collect();
    for word in wanted {
        ensure!(listed.contains(word), "{header}: {value:?} lacks {word}");
    }
    Ok(())
}

pub async fn only_listed_origins(_: &mut World) -> Result<()> {
    let settings = [("CORS_ORIGINS", "http://localhost:5173, https://app.example")];
    let (system, api, _folder) = started_with(&settings).await?;
    let preflight = async |origin: &str| {
        let call = api.call(
            Method::OPTIONS,
            "/api/tasks/00000000-0000-0000-0000-000000000000",
        );
        let call = call.header("origin", origin);
        let call = call.header("access-control-request-method", "PATCH");
        let call = call.header("access-control-request-headers", "authorization,if-match");
        call.send().await?.expect(204)
    };
    let asked = preflight(OURS).await?;
    ensure!(readable(&asked, OURS), "{asked:?}");
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

    let person = api.newcomer("UTC").await?;
    let login = async |origin: &str, password: &str| {
        let call = api.post("/api/auth/login").header("origin", origin);
        let body = json!({"email": person.email, "password": password});
        call.json(&body).send().await
    };
    let answer = login(OURS, PASSWORD).await?.expect(200)?;
    ensure!(readable(&answer, OURS), "{answer:?}");
    ensure!(answer.header("vary") == Some("origin"), "{answer:?}");
    lists(
        &answer,
        "access-control-expose-headers",
        &["etag", "location", "ratelimit", "retry-after"],
    )?;
    // A page must be able to say what went wrong, too.
    let refused = login(OURS, "another password").await?.expect(401)?;
    ensure!(readable(&refused, OURS), "{refused:?}");

    for other in ["https://app.example.evil", "http://app.example", "null"] {
        for answer in [
            preflight(other).await?,
            login(other, PASSWORD).await?.expect(200)?,
        ] {
            let names = answer.headers.keys().map(|name| name.as_str());
            let shown: Vec<&str> = names.filter(|name| name.ends_with("-origin")).collect();
            ensure!(shown.is_empty(), "{other} is let in: {answer:?}");
        }
    }
    system.stop().await;
    Ok(())
}

/// Answers are nobody else's to keep or to take for another type; where nothing is set, no page may read them.
pub async fn answers_stay_private(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let mine = person
        .get("/api/tasks")
        .header("origin", OURS)
        .send()
        .await?
        .expect(200)?;
    let nothing = world
        .api
        .get("/api/nothing")
        .header("origin", OURS)
        .send()
        .await?
        .expect(404)?;
    for answer in [&mine, &nothing] {
        ensure!(
            answer.header("cache-control") == Some("no-store"),
            "{answer:?}"
        );
        ensure!(
            answer.header("x-content-type-options") == Some("nosniff"),
            "{answer:?}"
        );
        ensure!(
            answer.header("access-control-allow-origin").is_none(),
            "{answer:?}"
        );
    }
    // The page that shows the document loads nothing, and runs only what it brings.
    let page = world.api.get("/api/docs").send().await?.expect(200)?;
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
