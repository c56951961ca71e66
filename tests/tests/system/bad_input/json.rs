//! Bodies that are not JSON, that are nested too deeply, too large, or of another media type.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use tests::client::{Requests, text};
use tests::fixture::Fixture;

use super::{Rejections, post};

pub async fn malformed_json(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = text(
        &user.create(json!({"title": "Stays as it is"})).await?,
        "id",
    )?;
    let nested = |open: &str, shut: &str| {
        format!(
            "{{\"title\":{}1{}}}",
            open.repeat(30_000),
            shut.repeat(30_000)
        )
    };
    let malformed: Vec<(&str, Vec<u8>)> = vec![
        ("an empty body", b"".to_vec()),
        ("truncated object", b"{\"title\":\"x\"".to_vec()),
        ("two values", b"{\"title\":\"x\"}{\"title\":\"y\"}".to_vec()),
        ("single quotes", b"{'title':'x'}".to_vec()),
        ("not UTF-8", b"{\"title\":\"\xff\xfe\"}".to_vec()),
        ("raw NUL", b"{\"title\":\"a\x00b\"}".to_vec()),
        ("escaped NUL", br#"{"title":"a\u0000b"}"#.to_vec()),
        ("lone high surrogate", br#"{"title":"\ud800"}"#.to_vec()),
        ("lone low surrogate", br#"{"title":"\udc00x"}"#.to_vec()),
        ("byte order mark", b"\xef\xbb\xbf{\"title\":\"x\"}".to_vec()),
        ("comment", b"{\"title\":\"x\"/*y*/}".to_vec()),
        ("trailing comma", b"{\"title\":\"x\",}".to_vec()),
        ("NaN", b"{\"title\":NaN}".to_vec()),
        ("number out of range", b"{\"title\":1e999999}".to_vec()),
        ("duplicate member", br#"{"title":"x","title":"y"}"#.to_vec()),
        ("an array", b"[]".to_vec()),
        ("an array of tasks", br#"[{"title":"x"}]"#.to_vec()),
        ("a string", b"\"title\"".to_vec()),
        ("null", b"null".to_vec()),
        ("deeply nested arrays", nested("[", "]").into_bytes()),
        ("deeply nested objects", nested("{\"a\":", "}").into_bytes()),
    ];
    let mut rejections = Rejections::start(fixture).await?;
    for (name, body) in &malformed {
        rejections
            .check(
                &format!("POST {name}"),
                &[400, 422],
                post(&user, "/api/tasks", body),
            )
            .await;
        let path = format!("/api/tasks/{task}");
        let request = user
            .request(Method::PATCH, &path)
            .header("content-type", "application/merge-patch+json");
        rejections
            .check(
                &format!("PATCH {name}"),
                &[400, 422],
                request.body(body.clone()),
            )
            .await;
        let request = user.put(&path).header("content-type", "application/json");
        rejections
            .check(
                &format!("PUT {name}"),
                &[400, 422],
                request.body(body.clone()),
            )
            .await;
        rejections
            .check(
                &format!("register {name}"),
                &[400, 422],
                post(&user, "/api/auth/register", body),
            )
            .await;
        rejections
            .check(
                &format!("login {name}"),
                &[400, 422],
                post(&user, "/api/auth/login", body),
            )
            .await;
    }
    rejections
        .check(
            "a syntax error is 400",
            &[400],
            post(&user, "/api/tasks", b"{"),
        )
        .await;
    let large = serde_json::to_vec(&json!({"title": "x", "description": "x".repeat(256 * 1024)}))?;
    rejections
        .check("too large", &[413], post(&user, "/api/tasks", &large))
        .await;
    for kind in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let request = user
            .post("/api/tasks")
            .header("content-type", kind)
            .body(br#"{"title":"x"}"#.to_vec());
        rejections.check(kind, &[415], request).await;
    }
    rejections.finish().await
}
