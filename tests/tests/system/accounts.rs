//! Accounts: registration, sign-in, rotation of refresh tokens, changed passwords, deletion, and the events of all these.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{PASSWORD, Requests, Response, User, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;

pub async fn sign_in(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("Europe/Berlin").await?;
    let tokens = fixture
        .api
        .login(&user.email.to_uppercase())
        .await?
        .expect(200)?
        .json()?;
    ensure!(tokens["token_type"] == "Bearer", "{tokens}");
    ensure!(
        tokens["expires_in"] == 600,
        "an access token does not last ten minutes: {tokens}"
    );
    let me = user.get("/api/auth/me").send().await?.expect(200)?.json()?;
    ensure!(
        me["id"] == user.id.to_string() && me["email"] == user.email,
        "{me}"
    );
    ensure!(
        me["timezone"] == "Europe/Berlin" && me["role"] == "user" && me["name"] == "Newcomer",
        "{me}"
    );
    ensure!(
        !me.to_string().contains("argon2"),
        "the response shows the password hash"
    );
    Ok(())
}

pub async fn responses_hold_no_secret(fixture: &mut Fixture) -> Result<()> {
    let email = format!("{}@example.org", uuid::Uuid::new_v4().simple());
    let body = json!({"email": email, "password": PASSWORD});
    let response = fixture
        .api
        .post("/api/auth/register")
        .json(&body)
        .send()
        .await?
        .expect(201)?;
    let shown = String::from_utf8_lossy(&response.body).into_owned();
    ensure!(
        !shown.contains(PASSWORD) && !shown.contains("password"),
        "the response of register shows the password: {shown}"
    );
    Ok(())
}

async fn rotate(user: &User, token: &str) -> Result<Response> {
    user.api
        .post("/api/auth/refresh")
        .json(&json!({"refresh_token": token}))
        .send()
        .await
}

pub async fn refresh_tokens_rotate(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let second = rotate(&user, &user.refresh_token)
        .await?
        .expect(200)?
        .json()?;
    let (access, next) = (
        text(&second, "access_token")?,
        text(&second, "refresh_token")?,
    );
    ensure!(
        next != user.refresh_token,
        "the refresh token was not replaced"
    );
    fixture
        .api
        .get("/api/auth/me")
        .bearer(&access)
        .send()
        .await?
        .expect(200)?;
    // A client that lost the response retries with the old token. This is allowed for a grace period of 30 s.
    rotate(&user, &user.refresh_token).await?.expect(200)?;
    let third = rotate(&user, &next).await?.expect(200)?.json()?;
    // After the grace period a replaced token counts as stolen: all tokens of its family are revoked, the newest one included.
    fixture
        .database
        .execute(include_str!("../../sql/end_refresh_grace.sql"), &[&user.id])
        .await?;
    rotate(&user, &user.refresh_token).await?.problem(401)?;
    rotate(&user, &text(&third, "refresh_token")?)
        .await?
        .problem(401)?;
    // Each sign-in starts a family of its own.
    let other = fixture.api.login(&user.email).await?.expect(200)?.json()?;
    rotate(&user, &text(&other, "refresh_token")?)
        .await?
        .expect(200)?;
    Ok(())
}

pub async fn logout_ends_one_session(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let other = fixture.api.login(&user.email).await?.expect(200)?.json()?;
    let logout = async |token: &str| {
        let request = fixture.api.post("/api/auth/logout");
        request.json(&json!({"refresh_token": token})).send().await
    };
    let next = rotate(&user, &user.refresh_token).await?.expect(200)?;
    // Any token of a family ends it, even a replaced one. Repeating that, or sending an unknown token, changes nothing.
    for token in [&user.refresh_token, &user.refresh_token, "nobody's"] {
        logout(token).await?.expect(204)?;
    }
    rotate(&user, &user.refresh_token).await?.problem(401)?;
    rotate(&user, &text(&next.json()?, "refresh_token")?)
        .await?
        .problem(401)?;
    rotate(&user, &text(&other, "refresh_token")?)
        .await?
        .expect(200)?;
    has_event(&user, "user.token-revoked", "logout").await
}

pub async fn a_new_password_ends_every_session(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let other = fixture.api.login(&user.email).await?.expect(200)?.json()?;
    let new = "another horse, another battery";
    let change = async |current: &str| {
        let body = json!({"current_password": current, "new_password": new});
        user.post("/api/auth/password").json(&body).send().await
    };
    let refused = change("not the password").await?.problem(422)?;
    ensure!(
        refused["errors"][0]["pointer"] == "/current_password",
        "{refused}"
    );
    rotate(&user, &text(&other, "refresh_token")?)
        .await?
        .expect(200)?;
    let tokens = change(PASSWORD).await?.expect(200)?.json()?;
    for token in [&user.refresh_token, &text(&other, "refresh_token")?] {
        rotate(&user, token).await?.problem(401)?;
    }
    rotate(&user, &text(&tokens, "refresh_token")?)
        .await?
        .expect(200)?;
    fixture.api.login(&user.email).await?.problem(401)?;
    let body = json!({"email": user.email, "password": new});
    let login = fixture.api.post("/api/auth/login").json(&body);
    login.send().await?.expect(200)?;
    has_event(&user, "user.password-changed", &user.email).await
}

/// The password changes while a login verifies the old one. The change ends every session, so that login must start none.
pub async fn no_session_outlives_a_new_password(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let mut holder = fixture.connect().await?;
    let lock = holder.transaction().await?;
    lock.query(include_str!("../../sql/lock_user.sql"), &[&user.id])
        .await?;
    let body =
        json!({"current_password": PASSWORD, "new_password": "another horse, another battery"});
    let change = user.post("/api/auth/password").json(&body);
    let change = tokio::spawn(change.send());
    waiting_for_the_user(fixture, 1).await?;
    let (api, email) = (fixture.api.clone(), user.email.clone());
    let login = tokio::spawn(async move { api.login(&email).await });
    waiting_for_the_user(fixture, 2).await?;
    lock.rollback().await?;
    change.await??.expect(200)?;
    login.await??.problem(401)?;
    Ok(())
}

/// Waits until this many statements wait for a lock.
async fn waiting_for_the_user(fixture: &Fixture, count: i64) -> Result<()> {
    wait::until(
        &format!("{count} statements wait for the user's row"),
        DELIVERY_LIMIT,
        async || {
            let sql = include_str!("../../sql/waiting_statements.sql");
            let waiting: i64 = fixture.database.query_one(sql, &[]).await?.get(0);
            Ok((waiting == count).then_some(()))
        },
    )
    .await
}

async fn delete_account(user: &User, password: &str) -> Result<Response> {
    let request = user.delete("/api/auth/me");
    request.json(&json!({ "password": password })).send().await
}

pub async fn a_deleted_account_is_gone(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let mut paths = vec!["/api/auth/me".to_owned()];
    for title in ["One", "Two", "Three"] {
        let task = user.create(json!({ "title": title })).await?;
        paths.push(format!("/api/tasks/{}", text(&task, "id")?));
        paths.push(format!("/api/tasks/{}/history", text(&task, "id")?));
    }
    user.delete(&paths[1]).send().await?.expect(204)?;
    for (wrong, status) in [(json!({}), 422), (json!({"password": 1}), 422)] {
        let request = user.delete("/api/auth/me").json(&wrong);
        request.send().await?.problem(status)?;
    }
    let refused = delete_account(&user, "not the password")
        .await?
        .problem(422)?;
    ensure!(refused["errors"][0]["pointer"] == "/password", "{refused}");
    delete_account(&user, PASSWORD).await?.expect(204)?;
    delete_account(&user, PASSWORD).await?.problem(401)?;
    let create = user.post("/api/tasks").json(&json!({"title": "Four"}));
    create.send().await?.problem(401)?;
    rotate(&user, &user.refresh_token).await?.problem(401)?;
    fixture.api.login(&user.email).await?.problem(401)?;

    let lists = [
        "/api/tasks",
        "/api/tags",
        "/api/audit",
        "/api/audit/verify",
        "/api/audit/export",
    ];
    paths.extend(lists.map(str::to_owned));
    for path in paths {
        let response = user.get(&path).send().await?;
        response.problem(401).with_context(|| path)?;
    }

    // The job removes the tasks, tombstones included, and each live task has an event.
    let auditor = fixture.user_with_role("auditor").await?;
    let trail = format!("/api/audit?user_id={}&type=", user.id);
    wait::until("every task is removed", DELIVERY_LIMIT, async || {
        let sql = include_str!("../../sql/tasks_of_user.sql");
        let left: i64 = fixture.database.query_one(sql, &[&user.id]).await?.get(0);
        let told = auditor.pages(&format!("{trail}task.deleted")).await?;
        Ok((left == 0 && told.len() == 3).then_some(()))
    })
    .await?;
    let deleted = auditor.pages(&format!("{trail}user.deleted")).await?;
    let shown = format!("{deleted:?}");
    ensure!(
        deleted.len() == 1 && !shown.contains(&user.email),
        "the event of the deletion contains the email address: {shown}"
    );
    let chain = format!("/api/audit/verify?user_id={}", user.id);
    let chain = auditor.get(&chain).send().await?.expect(200)?.json()?;
    ensure!(chain["ok"] == true, "{chain}");
    // The email address is free again. A new account with it is not linked to the old one.
    let body = json!({"email": user.email, "password": PASSWORD});
    let again = fixture.api.post("/api/auth/register").json(&body);
    let again = again.send().await?.expect(201)?.json()?;
    ensure!(again["id"] != user.id.to_string(), "{again}");
    Ok(())
}

/// Waits for an event of this type on the user's trail. It must be the only one, contain a text, and contain no password.
async fn has_event(user: &User, kind: &str, contained: &str) -> Result<()> {
    let entries = wait::until(
        &format!("{kind} on the trail"),
        DELIVERY_LIMIT,
        async || {
            let entries = user.pages(&format!("/api/audit?type={kind}")).await?;
            Ok((!entries.is_empty()).then_some(entries))
        },
    )
    .await?;
    let count = entries.len();
    let shown = Value::from(entries).to_string();
    ensure!(count == 1 && shown.contains(contained), "{kind}: {shown}");
    let secrets = ["argon2", "not the password", PASSWORD, "another horse"];
    ensure!(
        !secrets.iter().any(|secret| shown.contains(secret)),
        "{kind} contains a secret: {shown}"
    );
    Ok(())
}

pub async fn account_events(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let wrong = json!({"email": user.email, "password": "not the password"});
    fixture
        .api
        .post("/api/auth/login")
        .json(&wrong)
        .send()
        .await?
        .problem(401)?;
    for kind in ["user.registered", "user.login", "user.login-failed"] {
        has_event(&user, kind, &user.email).await?;
    }
    Ok(())
}

pub async fn health(fixture: &mut Fixture) -> Result<()> {
    fixture.api.get("/healthz").send().await?.expect(200)?;
    fixture.api.get("/readyz").send().await?.expect(200)?;
    let response = fixture
        .api
        .get("/api/auth/me")
        .header("x-correlation-id", "a-thread-to-pull")
        .send()
        .await?;
    ensure!(
        response.header("x-correlation-id") == Some("a-thread-to-pull"),
        "the response does not have the correlation id of the request"
    );
    Ok(())
}

/// The time of a refusal does not tell whether there is an account. A hash of the password takes most of that time, so it must be
/// computed in both cases. Other work of the machine only adds time, and rarely to each of many requests: the fastest ones are
/// compared. Without the hash, a refusal takes less than a tenth of the time.
pub async fn unknown_accounts_are_refused_as_slowly(fixture: &mut Fixture) -> Result<()> {
    const TURNS: usize = 12;
    let user = fixture.api.new_user("UTC").await?;
    let [mut known, mut unknown] = [Duration::MAX; 2];
    for turn in 0..TURNS {
        let no_account = format!("no-{turn}-{}", user.email);
        for (email, fastest) in [(&user.email, &mut known), (&no_account, &mut unknown)] {
            let body = json!({"email": email, "password": "not the password"});
            let began = Instant::now();
            let request = user.api.post("/api/auth/login").json(&body);
            request.send().await?.problem(401)?;
            *fastest = began.elapsed().min(*fastest);
        }
    }
    ensure!(
        known < 3 * unknown && unknown < 3 * known,
        "a wrong password takes {known:?}, an unknown account {unknown:?}"
    );
    Ok(())
}
