//! Requests without an access token, with an invalid one, or with a forged one.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use tests::client::Requests;
use tests::fixture::Fixture;
use tests::tokens;

use super::Rejections;

pub async fn rejected_tokens(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let api = fixture.api.clone();
    let mut forged = fixture.forged_tokens(&user)?;
    let service = tokens::service(fixture.system.service_keys())?;
    forged.push(("of an agent", service));
    let mut rejections = Rejections::start(fixture).await?;
    for (method, path) in [
        (Method::GET, "/api/tasks"),
        (Method::POST, "/api/tasks"),
        (Method::GET, "/api/auth/me"),
        (Method::GET, "/api/audit"),
    ] {
        let with = |value: &str| {
            let request = api
                .request(method.clone(), path)
                .header("authorization", value);
            if method == Method::POST {
                request.json(&json!({"title": "x"}))
            } else {
                request
            }
        };
        rejections
            .check("no token", &[401], api.request(method.clone(), path))
            .await;
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer x",
            "Bearer a.b.c",
            "Basic dXNlcjpwYXNz",
            "bearer\t",
            "Bearer ä",
            &user.token,
        ] {
            rejections
                .check(&format!("{path} {value}"), &[401], with(value))
                .await;
        }
        rejections
            .check(
                "a refresh token",
                &[401],
                with(&format!("Bearer {}", user.refresh_token)),
            )
            .await;
        rejections
            .check(
                "very long token",
                &[401, 431],
                with(&format!("Bearer {}", "x".repeat(20_000))),
            )
            .await;
        for (name, token) in &forged {
            rejections
                .check(
                    &format!("{path} {name}"),
                    &[401],
                    with(&format!("Bearer {token}")),
                )
                .await;
        }
    }
    rejections.finish().await
}
