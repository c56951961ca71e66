//! Bodies that are no JSON, or none that anybody should read.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use tests::client::{Calls, text};
use tests::stage::World;

use super::{Refusals, post};

pub async fn malformed_json(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = text(
        &person.create(json!({"title": "Stays as it is"})).await?,
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
        ("nothing", b"".to_vec()),
        ("half an object", b"{\"title\":\"x\"".to_vec()),
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
        ("endless number", b"{\"title\":1e999999}".to_vec()),
        (
            "same member twice",
            br#"{"title":"x","title":"y"}"#.to_vec(),
        ),
        ("an array", b"[]".to_vec()),
        ("an array of tasks", br#"[{"title":"x"}]"#.to_vec()),
        ("a string", b"\"title\"".to_vec()),
        ("null", b"null".to_vec()),
        ("deep arrays", nested("[", "]").into_bytes()),
        ("deep objects", nested("{\"a\":", "}").into_bytes()),
    ];
    let mut refusals = Refusals::start(world).await?;
    for (name, body) in &malformed {
        refusals
            .refuse(
                &format!("POST {name}"),
                &[400, 422],
                post(&person, "/api/tasks", body),
            )
            .await;
        let path = format!("/api/tasks/{task}");
        let call = person
            .call(Method::PATCH, &path)
            .header("content-type", "application/merge-patch+json");
        refusals
            .refuse(
                &format!("PATCH {name}"),
                &[400, 422],
                call.body(body.clone()),
            )
            .await;
        let call = person.put(&path).header("content-type", "application/json");
        refusals
            .refuse(&format!("PUT {name}"), &[400, 422], call.body(body.clone()))
            .await;
        refusals
            .refuse(
                &format!("register {name}"),
                &[400, 422],
                post(&person, "/api/auth/register", body),
            )
            .await;
        refusals
            .refuse(
                &format!("login {name}"),
                &[400, 422],
                post(&person, "/api/auth/login", body),
            )
            .await;
    }
    refusals
        .refuse("syntax is 400", &[400], post(&person, "/api/tasks", b"{"))
        .await;
    let large = serde_json::to_vec(&json!({"title": "x", "description": "x".repeat(256 * 1024)}))?;
    refusals
        .refuse("too large", &[413], post(&person, "/api/tasks", &large))
        .await;
    for kind in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let call = person
            .post("/api/tasks")
            .header("content-type", kind)
            .body(br#"{"title":"x"}"#.to_vec());
        refusals.refuse(kind, &[415], call).await;
    }
    refusals.end().await
}
