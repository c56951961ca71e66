//! What clients expect of every HTTP API: HEAD, lists in several header lines, trailing slashes, a way to the documentation.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use tests::client::{Api, PASSWORD, Requests, text};
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

/// A registration can sign in at once; the session is like that of a login.
pub async fn registration_signs_in(fixture: &mut Fixture) -> Result<()> {
    let register = async |fields: &[(&str, serde_json::Value)]| {
        let email = format!("{}@example.org", uuid::Uuid::new_v4().simple());
        let mut body = json!({"email": email, "password": PASSWORD});
        for (name, value) in fields {
            body[*name] = value.clone();
        }
        let request = fixture.api.post("/api/auth/register").json(&body);
        request.send().await
    };
    for fields in [vec![], vec![("sign_in", json!(false))]] {
        let account = register(&fields).await?.expect(201)?.json()?;
        ensure!(account.get("tokens").is_none(), "{account}");
    }
    register(&[("sign_in", json!("yes"))]).await?.problem(422)?;
    let account = register(&[("sign_in", json!(true))]).await?;
    let account = account.expect(201)?.json()?;
    let tokens = &account["tokens"];
    let me = fixture.api.get("/api/auth/me");
    let me = me.bearer(&text(tokens, "access_token")?).send().await?;
    ensure!(me.expect(200)?.json()?["id"] == account["id"], "{account}");
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let refreshed = fixture.api.post("/api/auth/refresh").json(&refresh);
    refreshed.send().await?.expect(200)?;
    Ok(())
}

/// Who exceeds a limit is told what the limit is.
pub async fn limits_are_named(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let long = |length: usize| "x".repeat(length);
    let many = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    let repeated = |name: &str, count: usize| format!("{name}=a&").repeat(count);
    let mut wrong = Vec::new();
    for (body, limit) in [
        (json!({"title": long(501)}), "500"),
        (json!({"title": "t", "description": long(20_001)}), "20000"),
        (json!({"title": "t", "tags": many(33)}), "32"),
        (json!({"title": "t", "tags": [long(65)]}), "64"),
        (json!({"title": "t", "due": {"date": "2100-01-01"}}), "2099"),
        (
            json!({"title": "t", "description": long(300_000)}),
            "256 KiB",
        ),
    ] {
        let response = user.post("/api/tasks").json(&body).send().await?;
        let detail = String::from_utf8_lossy(&response.body).into_owned();
        if response.status.is_success() || !detail.contains(limit) {
            wrong.push(format!("{limit}: {} {detail}", response.status));
        }
    }
    let operations = vec![json!({"op": "delete", "id": uuid::Uuid::new_v4()}); 101];
    for (path, body, limit) in [
        ("/api/tasks/batch", json!({"operations": operations}), "100"),
        (
            "/api/auth/register",
            json!({"email": format!("{}@e.org", long(65)), "password": PASSWORD}),
            "64",
        ),
        (
            "/api/auth/register",
            json!({"email": format!("a@{}.org", long(252)), "password": PASSWORD}),
            "254",
        ),
        (
            "/api/auth/register",
            json!({"email": "a@example.org", "password": "1234567"}),
            "8",
        ),
        (
            "/api/auth/register",
            json!({"email": "a@example.org", "password": long(1025)}),
            "1024",
        ),
        (
            "/api/auth/register",
            json!({"email": "a@example.org", "password": PASSWORD, "name": long(201)}),
            "200",
        ),
    ] {
        let response = user.post(path).json(&body).send().await?;
        let detail = String::from_utf8_lossy(&response.body).into_owned();
        if response.status.is_success() || !detail.contains(limit) {
            wrong.push(format!("{path} {limit}: {} {detail}", response.status));
        }
    }
    for (query, limit) in [
        (format!("q={}", long(501)), "500"),
        ("limit=201".to_owned(), "200"),
        (repeated("tag", 33), "32"),
        (repeated("status", 33), "32"),
        (format!("tag={}", long(65)), "64"),
        ("due_on=next%20367%20days".to_owned(), "366"),
        ("sort=title,due_at,priority".to_owned(), "two"),
    ] {
        let response = user.get(&format!("/api/tasks?{query}")).send().await?;
        let detail = String::from_utf8_lossy(&response.body).into_owned();
        if response.status.is_success() || !detail.contains(limit) {
            wrong.push(format!("{query:.40} {limit}: {} {detail}", response.status));
        }
    }
    let key = user.post("/api/tasks").key(&long(256));
    let response = key.json(&json!({"title": "t"})).send().await?;
    let detail = String::from_utf8_lossy(&response.body).into_owned();
    if response.status.is_success() || !detail.contains("255") {
        wrong.push(format!("Idempotency-Key: {} {detail}", response.status));
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
