//! Invalid queries and cursors, unknown paths, and methods that a path does not allow.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use tests::client::{Requests, escape, text};
use tests::fixture::Fixture;

use super::Rejections;

pub async fn queries_and_methods(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    for title in ["a", "b", "c"] {
        user.create(json!({"title": title})).await?;
    }
    let first = user
        .get("/api/tasks?limit=1&sort=title")
        .send()
        .await?
        .expect(200)?
        .json()?;
    let cursor = text(&first, "next_cursor")?;
    let altered: String = cursor.chars().rev().collect();
    let mut rejections = Rejections::start(fixture).await?;
    let queries = [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=many",
        "limit=99999999999999999999",
        "colour=red",
        "sort=colour",
        "order=up",
        "status=done",
        "priority=huge",
        "due_before=last-year",
        "due_after=2026-13-01T00:00:00Z",
        "overdue=perhaps",
        "updated_after=x",
        "cursor=x",
        "q=%00",
        "q=%ff",
        "tag=%00",
        "series_id=x",
        "limit=1&limit=2",
    ];
    for query in queries {
        rejections
            .check(query, &[400, 422], user.get(&format!("/api/tasks?{query}")))
            .await;
    }
    let cursors = [
        (
            "altered cursor",
            format!("limit=1&sort=title&cursor={}", escape(&altered)),
        ),
        (
            "truncated cursor",
            format!(
                "limit=1&sort=title&cursor={}",
                escape(cursor.get(..cursor.len() / 2).unwrap_or(""))
            ),
        ),
        (
            "cursor of another sort",
            format!("limit=1&sort=created_at&cursor={}", escape(&cursor)),
        ),
        (
            "cursor of another filter",
            format!("limit=1&sort=title&status=open&cursor={}", escape(&cursor)),
        ),
    ];
    for (name, query) in cursors {
        rejections
            .check(name, &[400, 422], user.get(&format!("/api/tasks?{query}")))
            .await;
    }
    for query in [
        "limit=0",
        "colour=red",
        "cursor=x",
        "from=x",
        "user_id=x",
        "task_id=x",
    ] {
        rejections
            .check(
                &format!("audit {query}"),
                &[400, 422],
                user.get(&format!("/api/audit?{query}")),
            )
            .await;
    }
    for query in [
        "limit=5",
        "cursor=x",
        "colour=red",
        "from=x",
        "to=2026-13-01T00:00:00Z",
        "user_id=x",
        "task_id=x",
        "type=a&type=b",
        "actor=%00",
    ] {
        rejections
            .check(
                &format!("export {query}"),
                &[400, 422],
                user.get(&format!("/api/audit/export?{query}")),
            )
            .await;
    }
    for query in ["limit=0", "limit=201", "cursor=x", "tag=x"] {
        rejections
            .check(
                &format!("tags {query}"),
                &[400, 422],
                user.get(&format!("/api/tags?{query}")),
            )
            .await;
    }
    for path in [
        "/api/nothing",
        "/api/task",
        "/api/tasks/a/b/c",
        "/api/auth",
        "/api/auth/nothing",
    ] {
        rejections.check(path, &[404], user.get(path)).await;
    }
    let methods = [
        (Method::PATCH, "/api/tasks"),
        (Method::DELETE, "/api/tasks"),
        (Method::GET, "/api/auth/login"),
        (Method::DELETE, "/api/auth/register"),
        (Method::GET, "/api/tasks/batch"),
        (Method::POST, "/api/tags"),
        (Method::GET, "/api/tags/home"),
        (Method::POST, "/api/audit/export"),
        (Method::POST, "/api/audit"),
        (Method::POST, "/api/audit/verify"),
    ];
    for (method, path) in methods {
        rejections
            .check(
                &format!("{method} {path}"),
                &[405],
                user.request(method, path),
            )
            .await;
    }
    rejections.finish().await
}
