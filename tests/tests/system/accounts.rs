//! Registering, signing in, rotating refresh tokens, and what an account says about itself.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::client::{Calls, PASSWORD, Person, text};
use tests::stage::World;

pub async fn sign_in(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("Europe/Berlin").await?;
    let tokens = world
        .api
        .login(&person.email.to_uppercase())
        .await?
        .expect(200)?
        .json()?;
    ensure!(tokens["token_type"] == "Bearer", "{tokens}");
    ensure!(
        tokens["expires_in"] == 600,
        "an access token lives ten minutes: {tokens}"
    );
    let me = person
        .get("/api/auth/me")
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        me["id"] == person.id.to_string() && me["email"] == person.email,
        "{me}"
    );
    ensure!(
        me["timezone"] == "Europe/Berlin" && me["role"] == "user" && me["name"] == "Newcomer",
        "{me}"
    );
    ensure!(
        !me.to_string().contains("argon2"),
        "an account shows its password hash"
    );
    Ok(())
}

pub async fn answers_hold_no_secret(world: &mut World) -> Result<()> {
    let email = format!("{}@example.org", uuid::Uuid::new_v4().simple());
    let body = json!({"email": email, "password": PASSWORD});
    let answer = world
        .api
        .post("/api/auth/register")
        .json(&body)
        .send()
        .await?
        .expect(201)?;
    let shown = String::from_utf8_lossy(&answer.body).into_owned();
    ensure!(
        !shown.contains(PASSWORD) && !shown.contains("password"),
        "register answers with {shown}"
    );
    Ok(())
}

async fn rotate(person: &Person, token: &str) -> Result<tests::client::Answer> {
    person
        .api
        .post("/api/auth/refresh")
        .json(&json!({"refresh_token": token}))
        .send()
        .await
}

pub async fn refresh_rotates(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let second = rotate(&person, &person.refresh_token)
        .await?
        .expect(200)?
        .json()?;
    let (access, next) = (
        text(&second, "access_token")?,
        text(&second, "refresh_token")?,
    );
    ensure!(
        next != person.refresh_token,
        "a refresh token is not replaced"
    );
    world
        .api
        .get("/api/auth/me")
        .bearer(&access)
        .send()
        .await?
        .expect(200)?;
    // An honest client whose answer was lost tries the old one again, within the grace of 30 s.
    rotate(&person, &person.refresh_token).await?.expect(200)?;
    let third = rotate(&person, &next).await?.expect(200)?.json()?;
    // After the grace it is a thief's: the family ends, and the newest token with it.
    world
        .database
        .execute(include_str!("grace_over.sql"), &[&person.id])
        .await?;
    rotate(&person, &person.refresh_token).await?.problem(401)?;
    rotate(&person, &text(&third, "refresh_token")?)
        .await?
        .problem(401)?;
    // Another sign-in is another family.
    let other = world.api.login(&person.email).await?.expect(200)?.json()?;
    rotate(&person, &text(&other, "refresh_token")?)
        .await?
        .expect(200)?;
    Ok(())
}

pub async fn logout_ends_one_session(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let other = world.api.login(&person.email).await?.expect(200)?.json()?;
    let logout = async |token: &str| {
        let call = world.api.post("/api/auth/logout");
        call.json(&json!({"refresh_token": token})).send().await
    };
    let next = rotate(&person, &person.refresh_token).await?.expect(200)?;
    // Any token of the family ends it, also one that was replaced; a second time, and for nobody's token, nothing happens.
    for token in [&person.refresh_token, &person.refresh_token, "nobody's"] {
        logout(token).await?.expect(204)?;
    }
    rotate(&person, &person.refresh_token).await?.problem(401)?;
    rotate(&person, &text(&next.json()?, "refresh_token")?)
        .await?
        .problem(401)?;
    rotate(&person, &text(&other, "refresh_token")?)
        .await?
        .expect(200)?;
    told(&person, "user.token-revoked", "logout").await
}

pub async fn a_new_password_ends_every_session(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let other = world.api.login(&person.email).await?.expect(200)?.json()?;
    let new = "another horse, another battery";
    let change = async |current: &str| {
        let body = json!({"current_password": current, "new_password": new});
        person.post("/api/auth/password").json(&body).send().await
    };
    let refused = change("not the password").await?.problem(422)?;
    ensure!(
        refused["errors"][0]["pointer"] == "/current_password",
        "{refused}"
    );
    rotate(&person, &text(&other, "refresh_token")?)
        .await?
        .expect(200)?;
    let tokens = change(PASSWORD).await?.expect(200)?.json()?;
    for token in [&person.refresh_token, &text(&other, "refresh_token")?] {
        rotate(&person, token).await?.problem(401)?;
    }
    rotate(&person, &text(&tokens, "refresh_token")?)
        .await?
        .expect(200)?;
    world.api.login(&person.email).await?.problem(401)?;
    let body = json!({"email": person.email, "password": new});
    let login = world.api.post("/api/auth/login").json(&body);
    login.send().await?.expect(200)?;
    told(&person, "user.password-changed", &person.email).await
}

pub async fn a_deleted_account_leaves_its_trail(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    for title in ["One", "Two", "Three"] {
        person.create(json!({ "title": title })).await?;
    }
    person.delete("/api/auth/me").send().await?.expect(204)?;
    // The token is still good for minutes, and opens nothing.
    person.get("/api/auth/me").send().await?.problem(401)?;
    person.delete("/api/auth/me").send().await?.problem(401)?;
    let create = person.post("/api/tasks").json(&json!({"title": "Four"}));
    create.send().await?.problem(401)?;
    ensure!(person.pages("/api/tasks").await?.is_empty(), "tasks remain");
    rotate(&person, &person.refresh_token).await?.problem(401)?;
    world.api.login(&person.email).await?.problem(401)?;
    told(&person, "user.deleted", r#""tasks":3"#).await?;
    let deleted = person.pages("/api/audit?type=user.deleted").await?;
    ensure!(
        !format!("{deleted:?}").contains(&person.email),
        "the last event names the person: {deleted:?}"
    );
    let tombstones = person.pages("/api/audit?type=task.deleted").await?;
    ensure!(tombstones.len() == 3, "{tombstones:?}");
    let chain = person.get("/api/audit/verify").send().await?.expect(200)?;
    ensure!(chain.json()?["ok"] == true, "{}", chain.json()?);
    // The address is free again, for an account that knows nothing of the old one.
    let body = json!({"email": person.email, "password": PASSWORD});
    let again = world.api.post("/api/auth/register").json(&body);
    let again = again.send().await?.expect(201)?.json()?;
    ensure!(again["id"] != person.id.to_string(), "{again}");
    Ok(())
}

/// Waits for the one event of a kind on a person's trail, which must hold a text and no password.
async fn told(person: &Person, kind: &str, holds: &str) -> Result<()> {
    let entries = tests::wait::until(
        &format!("{kind} on the trail"),
        tests::stage::SOON,
        async || {
            let entries = person.pages(&format!("/api/audit?type={kind}")).await?;
            Ok((!entries.is_empty()).then_some(entries))
        },
    )
    .await?;
    let count = entries.len();
    let shown = Value::from(entries).to_string();
    ensure!(count == 1 && shown.contains(holds), "{kind}: {shown}");
    let secrets = ["argon2", "not the password", PASSWORD, "another horse"];
    ensure!(
        !secrets.iter().any(|secret| shown.contains(secret)),
        "{kind} holds a secret: {shown}"
    );
    Ok(())
}

pub async fn account_events(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let wrong = json!({"email": person.email, "password": "not the password"});
    world
        .api
        .post("/api/auth/login")
        .json(&wrong)
        .send()
        .await?
        .problem(401)?;
    for kind in ["user.registered", "user.login", "user.login-failed"] {
        told(&person, kind, &person.email).await?;
    }
    Ok(())
}

pub async fn health(world: &mut World) -> Result<()> {
    world.api.get("/healthz").send().await?.expect(200)?;
    world.api.get("/readyz").send().await?.expect(200)?;
    let answer = world
        .api
        .get("/api/auth/me")
        .header("x-correlation-id", "a-thread-to-pull")
        .send()
        .await?;
    ensure!(
        answer.header("x-correlation-id") == Some("a-thread-to-pull"),
        "the correlation id does not come back"
    );
    Ok(())
}
