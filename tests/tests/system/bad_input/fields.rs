//! Well-formed bodies with wrong fields.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::client::{Calls, text};
use tests::stage::World;
use uuid::Uuid;

use super::Refusals;

pub async fn wrong_fields(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = text(
        &person.create(json!({"title": "Stays as it is"})).await?,
        "id",
    )?;
    let tags: Vec<String> = (0..33).map(|tag| format!("tag{tag}")).collect();
    let wrong = [
        ("title a number", json!({"title": 5})),
        ("title null", json!({"title": null})),
        ("title an object", json!({"title": {"a": 1}})),
        ("title empty", json!({"title": ""})),
        ("title too long", json!({"title": "ä".repeat(501)})),
        (
            "description too long",
            json!({"title": "x", "description": "ä".repeat(20_001)}),
        ),
        (
            "description NUL",
            json!({"title": "x", "description": "\0"}),
        ),
        ("tags a string", json!({"title": "x", "tags": "home"})),
        ("tags of numbers", json!({"title": "x", "tags": [1]})),
        ("tag empty", json!({"title": "x", "tags": [""]})),
        (
            "tag too long",
            json!({"title": "x", "tags": ["x".repeat(65)]}),
        ),
        ("tag NUL", json!({"title": "x", "tags": ["a\0"]})),
        ("too many tags", json!({"title": "x", "tags": tags})),
        (
            "priority unknown",
            json!({"title": "x", "priority": "huge"}),
        ),
        ("priority a number", json!({"title": "x", "priority": 1})),
        ("status unknown", json!({"title": "x", "status": "done"})),
        ("due a string", json!({"title": "x", "due": "2026-03-01"})),
        ("due empty", json!({"title": "x", "due": {}})),
        (
            "due of two kinds",
            json!({"title": "x", "due": {"date": "2026-03-01", "datetime": "2026-03-01T08:00:00Z"}}),
        ),
        (
            "due no such day",
            json!({"title": "x", "due": {"date": "2026-02-30"}}),
        ),
        (
            "due local without timezone",
            json!({"title": "x", "due": {"datetime": "2026-03-01T09:00:00"}}),
        ),
        (
            "due in no timezone",
            json!({"title": "x", "due": {"datetime": "2026-03-01T09:00:00", "timezone": "Mars/Base"}}),
        ),
        (
            "due out of this world",
            json!({"title": "x", "due": {"date": "999999-01-01"}}),
        ),
        (
            "due unknown member",
            json!({"title": "x", "due": {"date": "2026-03-01", "moon": "full"}}),
        ),
        ("unknown field", json!({"title": "x", "colour": "red"})),
        (
            "version is not for clients",
            json!({"title": "x", "version": 9}),
        ),
        ("seq is not for clients", json!({"title": "x", "seq": 9})),
        (
            "owner is not for clients",
            json!({"title": "x", "user_id": Uuid::new_v4()}),
        ),
        ("prototype", json!({"title": "x", "__proto__": {}})),
    ];
    let mut refusals = Refusals::start(world).await?;
    for (name, body) in &wrong {
        refusals
            .refuse(
                &format!("POST {name}"),
                &[422],
                person.post("/api/tasks").json(body),
            )
            .await;
        let path = format!("/api/tasks/{task}");
        refusals
            .refuse(
                &format!("PATCH {name}"),
                &[422],
                person.patch(&path).json(body),
            )
            .await;
        refusals
            .refuse(&format!("PUT {name}"), &[422], person.put(&path).json(body))
            .await;
    }
    refusals
        .refuse(
            "no title",
            &[422],
            person.post("/api/tasks").json(&json!({})),
        )
        .await;
    refusals
        .refuse(
            "PUT without title",
            &[422],
            person.put(&format!("/api/tasks/{task}")).json(&json!({})),
        )
        .await;
    for id in [
        json!("x"),
        json!(5),
        json!("00000000-0000-0000-0000-00000000000g"),
    ] {
        refusals
            .refuse(
                "id no UUID",
                &[422],
                person
                    .post("/api/tasks")
                    .json(&json!({"title": "x", "id": id})),
            )
            .await;
    }
    let body = json!({"title": "x", "id": task});
    refusals
        .refuse("id taken", &[409], person.post("/api/tasks").json(&body))
        .await;
    let answer = person
        .post("/api/tasks")
        .json(&json!({"title": "", "tags": [""]}))
        .send()
        .await?;
    let problem = answer.problem(422)?;
    let pointers: Vec<_> = problem["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| &error["pointer"])
        .collect();
    ensure!(
        !pointers.is_empty() && pointers.iter().all(|pointer| pointer.is_string()),
        "no pointers in {problem}"
    );
    refusals.end().await
}
