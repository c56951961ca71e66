//! Well-formed bodies with invalid fields.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::client::{Requests, text};
use tests::fixture::Fixture;
use uuid::Uuid;

use super::Rejections;

pub async fn invalid_fields(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = text(
        &user.create(json!({"title": "Stays as it is"})).await?,
        "id",
    )?;
    let tags: Vec<String> = (0..33).map(|tag| format!("tag{tag}")).collect();
    let invalid = [
        ("title is a number", json!({"title": 5})),
        ("title is null", json!({"title": null})),
        ("title is an object", json!({"title": {"a": 1}})),
        ("title is empty", json!({"title": ""})),
        ("title is invisible", json!({"title": "\u{ad}\u{2800}"})),
        ("title is too long", json!({"title": "ä".repeat(501)})),
        (
            "description is too long",
            json!({"title": "x", "description": "ä".repeat(20_001)}),
        ),
        (
            "description has NUL",
            json!({"title": "x", "description": "\0"}),
        ),
        ("tags are a string", json!({"title": "x", "tags": "home"})),
        ("tags are numbers", json!({"title": "x", "tags": [1]})),
        ("tag is empty", json!({"title": "x", "tags": [""]})),
        (
            "tag is too long",
            json!({"title": "x", "tags": ["x".repeat(65)]}),
        ),
        ("tag has NUL", json!({"title": "x", "tags": ["a\0"]})),
        ("too many tags", json!({"title": "x", "tags": tags})),
        (
            "priority is unknown",
            json!({"title": "x", "priority": "huge"}),
        ),
        ("priority is a number", json!({"title": "x", "priority": 1})),
        ("status is unknown", json!({"title": "x", "status": "done"})),
        (
            "due is a string",
            json!({"title": "x", "due": "2026-03-01"}),
        ),
        ("due is empty", json!({"title": "x", "due": {}})),
        (
            "due has two forms at once",
            json!({"title": "x", "due": {"date": "2026-03-01", "datetime": "2026-03-01T08:00:00Z"}}),
        ),
        (
            "due is a day that does not exist",
            json!({"title": "x", "due": {"date": "2026-02-30"}}),
        ),
        (
            "due is a local time without timezone",
            json!({"title": "x", "due": {"datetime": "2026-03-01T09:00:00"}}),
        ),
        (
            "due has an unknown timezone",
            json!({"title": "x", "due": {"datetime": "2026-03-01T09:00:00", "timezone": "Mars/Base"}}),
        ),
        (
            "due is beyond the range of dates",
            json!({"title": "x", "due": {"date": "999999-01-01"}}),
        ),
        (
            "due has an unknown member",
            json!({"title": "x", "due": {"date": "2026-03-01", "moon": "full"}}),
        ),
        ("unknown field", json!({"title": "x", "colour": "red"})),
        ("version is read-only", json!({"title": "x", "version": 9})),
        ("seq is read-only", json!({"title": "x", "seq": 9})),
        (
            "user_id is read-only",
            json!({"title": "x", "user_id": Uuid::new_v4()}),
        ),
        ("prototype", json!({"title": "x", "__proto__": {}})),
    ];
    let mut rejections = Rejections::start(fixture).await?;
    for (name, body) in &invalid {
        rejections
            .check(
                &format!("POST {name}"),
                &[422],
                user.post("/api/tasks").json(body),
            )
            .await;
        let path = format!("/api/tasks/{task}");
        rejections
            .check(
                &format!("PATCH {name}"),
                &[422],
                user.patch(&path).json(body),
            )
            .await;
        rejections
            .check(&format!("PUT {name}"), &[422], user.put(&path).json(body))
            .await;
    }
    rejections
        .check(
            "POST without title",
            &[422],
            user.post("/api/tasks").json(&json!({})),
        )
        .await;
    rejections
        .check(
            "PUT without title",
            &[422],
            user.put(&format!("/api/tasks/{task}")).json(&json!({})),
        )
        .await;
    for id in [
        json!("x"),
        json!(5),
        json!("00000000-0000-0000-0000-00000000000g"),
    ] {
        rejections
            .check(
                "id is not a UUID",
                &[422],
                user.post("/api/tasks")
                    .json(&json!({"title": "x", "id": id})),
            )
            .await;
    }
    let body = json!({"title": "x", "id": task});
    rejections
        .check("id is taken", &[409], user.post("/api/tasks").json(&body))
        .await;
    let response = user
        .post("/api/tasks")
        .json(&json!({"title": "", "tags": [""]}))
        .send()
        .await?;
    let problem = response.problem(422)?;
    let pointers: Vec<_> = problem["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| &error["pointer"])
        .collect();
    ensure!(
        !pointers.is_empty() && pointers.iter().all(|pointer| pointer.is_string()),
        "an error without pointer in {problem}"
    );
    rejections.finish().await
}
