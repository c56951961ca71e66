//! What clients expect of every HTTP API: HEAD, lists in several header lines, trailing slashes, a way to the documentation.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use tests::client::{Api, Requests, text};
use tests::fixture::Fixture;

pub async fn head_is_get_without_a_body(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "Seen"})).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let unknown = "/api/tasks/01890a5d-ac96-7741-b2d0-8a1b5e6f0002";
    for (path, status) in [
        (path.as_str(), 200),
        ("/api/tasks", 200),
        ("/api/audit/export", 200),
        ("/api/openapi.json", 200),
        ("/healthz", 200),
        (unknown, 404),
        ("/api/auth/login", 405),
    ] {
        let get = user.get(path).send().await?;
        let head = user.request(Method::HEAD, path).send().await?;
        ensure!(head.status == status, "{path}: {}", head.status);
        ensure!(
            head.body.is_empty(),
            "{path}: the response to HEAD has a body"
        );
        for header in ["content-type", "etag", "allow"] {
            ensure!(
                head.header(header) == get.header(header),
                "{path}: {header} is {:?}, with GET {:?}",
                head.header(header),
                get.header(header)
            );
        }
    }
    Ok(())
}

/// A tag is a string in quotes, and several lines of If-Match are one list.
pub async fn entity_tags(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "0"})).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    for wrong in ["\"01\"", "\"+1\"", "\" 1\"", "\"1.0\""] {
        let patch = user.patch(&path).header("if-match", wrong);
        let patch = patch.json(&json!({"title": "1"}));
        patch.send().await?.problem(412).context(wrong)?;
    }
    let patch = user.patch(&path).header("if-match", "\"7\"");
    let patch = patch.header("if-match", "\"1\"");
    let patch = patch.json(&json!({"title": "1"}));
    patch.send().await?.expect(200)?;
    Ok(())
}

pub async fn other_ways_to_ask(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "Here"})).await?;
    for path in [
        "/api/tasks/".to_owned(),
        format!("/api/tasks/{}/", text(&task, "id")?),
    ] {
        user.get(&path).send().await?.expect(200)?;
    }
    for query in ["cursor=", "q=", "q=&cursor=&limit=1"] {
        let page = user.get(&format!("/api/tasks?{query}")).send().await?;
        let page = page.expect(200)?.json()?;
        ensure!(page["items"][0]["title"] == "Here", "{query}: {page}");
    }
    fixture
        .api
        .login(&format!(" {}\t", user.email))
        .await?
        .expect(200)?;
    // The document describes resources, and these are none.
    let browser = Api::new(&fixture.system.api_url())?;
    for path in ["/", "/api", "/api/"] {
        let response = browser.get(path).send().await?.expect(302)?;
        ensure!(
            response.header("location") == Some("/api/docs"),
            "{response:?}"
        );
    }
    for coding in ["gzip", "br", "gzip, identity"] {
        let request = user.post("/api/tasks").header("content-encoding", coding);
        let request = request.json(&json!({"title": "Compressed"}));
        request.send().await?.problem(415).context(coding)?;
    }
    let plain = user
        .post("/api/tasks")
        .header("content-encoding", "identity");
    plain
        .json(&json!({"title": "Plain"}))
        .send()
        .await?
        .expect(201)?;
    Ok(())
}
