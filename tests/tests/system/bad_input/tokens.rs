//! Requests with no token, a wrong one, or a forged one.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use tests::client::Calls;
use tests::stage::World;

use super::Refusals;

pub async fn tokens(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let api = world.api.clone();
    let forged = world.forge(&person)?;
    let mut refusals = Refusals::start(world).await?;
    for (method, path) in [
        (Method::GET, "/api/tasks"),
        (Method::POST, "/api/tasks"),
        (Method::GET, "/api/auth/me"),
        (Method::GET, "/api/audit"),
    ] {
        let with = |value: &str| {
            let call = api
                .call(method.clone(), path)
                .header("authorization", value);
            if method == Method::POST {
                call.json(&json!({"title": "x"}))
            } else {
                call
            }
        };
        refusals
            .refuse("no token", &[401], api.call(method.clone(), path))
            .await;
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer x",
            "Bearer a.b.c",
            "Basic dXNlcjpwYXNz",
            "bearer\t",
            "Bearer ä",
            &person.token,
        ] {
            refusals
                .refuse(&format!("{path} {value}"), &[401], with(value))
                .await;
        }
        refusals
            .refuse(
                "a refresh token",
                &[401],
                with(&format!("Bearer {}", person.refresh_token)),
            )
            .await;
        refusals
            .refuse(
                "very long",
                &[401, 431],
                with(&format!("Bearer {}", "x".repeat(20_000))),
            )
            .await;
        for (name, token) in &forged {
            refusals
                .refuse(
                    &format!("{path} {name}"),
                    &[401],
                    with(&format!("Bearer {token}")),
                )
                .await;
        }
    }
    refusals.end().await
}
