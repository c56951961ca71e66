//! Registrations and sign-ins that must fail.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{Calls, PASSWORD};
use tests::stage::World;
use uuid::Uuid;

use super::Refusals;

pub async fn accounts(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let api = world.api.clone();
    let register = |fields: Value| {
        let mut body = json!({"email": format!("{}@example.org", Uuid::new_v4().simple()), "password": PASSWORD});
        if let (Some(body), Some(fields)) = (body.as_object_mut(), fields.as_object()) {
            body.extend(fields.clone());
        }
        api.post("/api/auth/register").json(&body)
    };
    let users = "select count(*) from users";
    let before: i64 = world.database.query_one(users, &[]).await?.get(0);
    let mut refusals = Refusals::start(world).await?;
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
        refusals
            .refuse(
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
        refusals
            .refuse(
                &format!("{name} password"),
                &[422],
                register(json!({"password": password})),
            )
            .await;
    }
    refusals
        .refuse(
            "timezone",
            &[422],
            register(json!({"timezone": "Mars/Base"})),
        )
        .await;
    refusals
        .refuse("role", &[422], register(json!({"role": "admin"})))
        .await;
    refusals
        .refuse(
            "email taken",
            &[409],
            register(json!({"email": person.email})),
        )
        .await;
    refusals
        .refuse(
            "email taken in capitals",
            &[409],
            register(json!({"email": person.email.to_uppercase()})),
        )
        .await;
    let login = |email: &str, password: &str| {
        api.post("/api/auth/login")
            .json(&json!({"email": email, "password": password}))
    };
    refusals
        .refuse(
            "wrong password",
            &[401],
            login(&person.email, "not the password"),
        )
        .await;
    refusals
        .refuse(
            "nobody",
            &[401],
            login("nobody@example.org", "not the password"),
        )
        .await;
    let refresh = |token: Value| {
        api.post("/api/auth/refresh")
            .json(&json!({"refresh_token": token}))
    };
    refusals
        .refuse("no such refresh token", &[401], refresh(json!("x")))
        .await;
    refusals
        .refuse("refresh token NUL", &[400, 401, 422], refresh(json!("\0")))
        .await;
    refusals
        .refuse("refresh token a number", &[422], refresh(json!(5)))
        .await;
    refusals
        .refuse("an access token", &[401], refresh(json!(person.token)))
        .await;
    let logout = |body: Value| api.post("/api/auth/logout").json(&body);
    for body in [
        json!({}),
        json!({"refresh_token": 5}),
        json!({"refresh_token": "x", "all": true}),
    ] {
        refusals
            .refuse(&format!("logout {body}"), &[422], logout(body))
            .await;
    }
    let new = json!({"current_password": PASSWORD, "new_password": "a quite new password"});
    let nobody = api.post("/api/auth/password").json(&new);
    refusals
        .refuse("a new password without a token", &[401], nobody)
        .await;
    for (current, new) in [
        (PASSWORD, "short"),
        (PASSWORD, "password123"),
        (PASSWORD, PASSWORD),
        ("wrong", "a quite new password"),
    ] {
        let body = json!({"current_password": current, "new_password": new});
        let call = person.post("/api/auth/password").json(&body);
        refusals
            .refuse(&format!("a new password {new}"), &[422], call)
            .await;
    }
    refusals.end().await?;
    let after: i64 = world.database.query_one(users, &[]).await?.get(0);
    ensure!(before == after, "somebody was registered");
    let wrong = login(&person.email, "not the password")
        .send()
        .await?
        .problem(401)?;
    let nobody = login("nobody@example.org", "not the password")
        .send()
        .await?
        .problem(401)?;
    let tell = |problem: &Value| problem.get("detail").cloned().context("no detail");
    ensure!(
        tell(&wrong)? == tell(&nobody)?,
        "a wrong password and an unknown account can be told apart"
    );
    Ok(())
}
