//! Registrations, sign-ins, token refreshes and password changes that must fail.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{PASSWORD, Requests};
use tests::fixture::Fixture;
use uuid::Uuid;

use super::Rejections;

pub async fn accounts(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let api = fixture.api.clone();
    let register = |fields: Value| {
        let mut body = json!({"email": format!("{}@example.org", Uuid::new_v4().simple()), "password": PASSWORD});
        if let (Some(body), Some(fields)) = (body.as_object_mut(), fields.as_object()) {
            body.extend(fields.clone());
        }
        api.post("/api/auth/register").json(&body)
    };
    let users = "select count(*) from users";
    let before: i64 = fixture.database.query_one(users, &[]).await?.get(0);
    let mut rejections = Rejections::start(fixture).await?;
    for email in [
        "",
        "x",
        "@",
        "a@",
        "@b",
        "a b@example.org",
        "a@example.org\0",
        "a\n@example.org",
        &format!("{}@example.org", "x".repeat(320)),
    ] {
        rejections
            .check(
                &format!("email {email:?}"),
                &[422],
                register(json!({"email": email})),
            )
            .await;
    }
    for (name, password) in [
        ("short", "seven77".to_owned()),
        ("common", "password".to_owned()),
        ("common", "12345678".to_owned()),
        ("long", "x1".repeat(513)),
    ] {
        rejections
            .check(
                &format!("{name} password"),
                &[422],
                register(json!({"password": password})),
            )
            .await;
    }
    rejections
        .check(
            "timezone",
            &[422],
            register(json!({"timezone": "Mars/Base"})),
        )
        .await;
    rejections
        .check("role", &[422], register(json!({"role": "admin"})))
        .await;
    rejections
        .check(
            "email taken",
            &[409],
            register(json!({"email": user.email})),
        )
        .await;
    rejections
        .check(
            "email taken in capitals",
            &[409],
            register(json!({"email": user.email.to_uppercase()})),
        )
        .await;
    let login = |email: &str, password: &str| {
        api.post("/api/auth/login")
            .json(&json!({"email": email, "password": password}))
    };
    rejections
        .check(
            "wrong password",
            &[401],
            login(&user.email, "not the password"),
        )
        .await;
    rejections
        .check(
            "unknown account",
            &[401],
            login("nobody@example.org", "not the password"),
        )
        .await;
    let refresh = |token: Value| {
        api.post("/api/auth/refresh")
            .json(&json!({"refresh_token": token}))
    };
    rejections
        .check("unknown refresh token", &[401], refresh(json!("x")))
        .await;
    rejections
        .check(
            "refresh token with NUL",
            &[400, 401, 422],
            refresh(json!("\0")),
        )
        .await;
    rejections
        .check("refresh token is a number", &[422], refresh(json!(5)))
        .await;
    rejections
        .check(
            "access token as refresh token",
            &[401],
            refresh(json!(user.token)),
        )
        .await;
    let logout = |body: Value| api.post("/api/auth/logout").json(&body);
    for body in [
        json!({}),
        json!({"refresh_token": 5}),
        json!({"refresh_token": "x", "all": true}),
    ] {
        rejections
            .check(&format!("logout {body}"), &[422], logout(body))
            .await;
    }
    let new = json!({"current_password": PASSWORD, "new_password": "a quite new password"});
    let anonymous = api.post("/api/auth/password").json(&new);
    rejections
        .check("new password without an access token", &[401], anonymous)
        .await;
    for (current, new) in [
        (PASSWORD, "short"),
        (PASSWORD, "password123"),
        (PASSWORD, PASSWORD),
        ("wrong", "a quite new password"),
    ] {
        let body = json!({"current_password": current, "new_password": new});
        let request = user.post("/api/auth/password").json(&body);
        rejections
            .check(&format!("new password {new}"), &[422], request)
            .await;
    }
    rejections.finish().await?;
    let after: i64 = fixture.database.query_one(users, &[]).await?.get(0);
    ensure!(before == after, "an account was created");
    let wrong = login(&user.email, "not the password")
        .send()
        .await?
        .problem(401)?;
    let nobody = login("nobody@example.org", "not the password")
        .send()
        .await?
        .problem(401)?;
    let detail = |problem: &Value| {
        problem
            .get("detail")
            .cloned()
            .context("the problem has no detail")
    };
    ensure!(
        detail(&wrong)? == detail(&nobody)?,
        "the responses to a wrong password and to an unknown account differ"
    );
    Ok(())
}
