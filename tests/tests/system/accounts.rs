//! Registering, signing in, rotating refresh tokens, and what an account says about itself.

use anyhow::{Result, ensure};
use serde_json::json;
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
    world.quiet().await?;
    for kind in ["user.registered", "user.login", "user.login-failed"] {
        let entries = tests::wait::until(
            &format!("{kind} on the trail"),
            tests::stage::SOON,
            async || {
                let entries = person.pages(&format!("/api/audit?type={kind}")).await?;
                Ok((!entries.is_empty()).then_some(entries))
            },
        )
        .await?;
        let shown = format!("{entries:?}");
        ensure!(entries.len() == 1, "{kind}: {shown}");
        ensure!(
            !shown.contains("not the password") && !shown.contains("argon2"),
            "{kind} holds a secret: {shown}"
        );
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
