//! Roles, account management by admins, changes of one's own account, services that act for users, and token keys.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{PASSWORD, Requests, User, number, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::wait;

/// The entries of this type on the user's trail, once there is one.
async fn trail(user: &User, kind: &str) -> Result<Vec<Value>> {
    wait::until(
        &format!("{kind} is on the audit trail"),
        DELIVERY_LIMIT,
        async || {
            let entries = user.pages(&format!("/api/audit?type={kind}")).await?;
            Ok((!entries.is_empty()).then_some(entries))
        },
    )
    .await
}

pub async fn the_first_admin(fixture: &mut Fixture) -> Result<()> {
    let email = format!("{}@example.org", uuid::Uuid::new_v4().simple());
    let create = ["admin", "create", "--email", &email, "--actor", "root"];
    let output_of = fixture.run_bridge(&create).await?;
    let password = output_of
        .lines()
        .find_map(|line| line.strip_prefix("password: "))
        .with_context(|| format!("no password in {output_of:?}"))?;
    let body = json!({"email": email, "password": password});
    let login = fixture.api.post("/api/auth/login").json(&body);
    let tokens = login.send().await?.expect(200)?.json()?;
    let users = fixture
        .api
        .get("/api/users")
        .bearer(&text(&tokens, "access_token")?);
    users.send().await?.expect(200)?;

    let again = fixture
        .run_bridge(&create)
        .await
        .err()
        .context("a second account has the same email address")?;
    ensure!(format!("{again}").contains("promote"), "{again}");
    let unknown = ["admin", "promote", "--email", "nobody@example.org"];
    let error = fixture
        .run_bridge(&unknown)
        .await
        .err()
        .context("an unknown account was promoted")?;
    ensure!(format!("{error}").contains("nobody@example.org"), "{error}");
    let wrong = ["admin", "create", "--email", "nonsense"];
    let wrong = fixture
        .run_bridge(&wrong)
        .await
        .err()
        .context("an account has an invalid email address")?;
    ensure!(format!("{wrong}").contains("email"), "{wrong}");
    Ok(())
}

pub async fn admins_read_and_change_users(fixture: &mut Fixture) -> Result<()> {
    let (admin, user) = (fixture.admin().await?, fixture.api.new_user("UTC").await?);
    let path = format!("/api/users/{}", user.id);
    let seen = admin.get(&path).send().await?.expect(200)?.json()?;
    ensure!(
        seen["email"] == user.email && seen["role"] == "user",
        "{seen}"
    );
    ensure!(
        !seen.to_string().contains("argon2"),
        "the response shows the password hash"
    );
    let unknown = format!("/api/users/{}", uuid::Uuid::new_v4());
    admin.get(&unknown).send().await?.problem(404)?;

    let found = admin
        .pages(&format!("/api/users?email={}", user.email))
        .await?;
    ensure!(
        found.len() == 1 && found[0]["id"] == user.id.to_string(),
        "{found:?}"
    );
    let (all, paged) = (
        admin.pages("/api/users?limit=200").await?,
        admin.pages("/api/users?limit=1").await?,
    );
    ensure!(
        all == paged && all.len() > 2,
        "pages of one differ from one page"
    );
    let admins = admin.pages("/api/users?role=admin").await?;
    ensure!(
        admins.iter().all(|user| user["role"] == "admin"),
        "{admins:?}"
    );
    for wrong in ["role=root", "limit=0", "cursor=x", "email=", "x=1"] {
        admin
            .get(&format!("/api/users?{wrong}"))
            .send()
            .await?
            .problem(422)?;
    }

    let patch = admin
        .patch(&path)
        .json(&json!({"role": "auditor", "name": "Ada"}));
    let changed = patch.send().await?.expect(200)?.json()?;
    ensure!(
        changed["role"] == "auditor" && changed["name"] == "Ada",
        "{changed}"
    );
    // Tokens carry the role, so a changed role ends all sessions.
    let refresh = json!({"refresh_token": user.refresh_token});
    let refresh = fixture.api.post("/api/auth/refresh").json(&refresh);
    refresh.send().await?.problem(401)?;
    let entry = trail(&user, "user.role-changed").await?.remove(0);
    ensure!(
        entry["actor"]["id"] == admin.id.to_string()
            && entry["event"]["data"]["details"]["previous"]["role"] == "user",
        "{entry}"
    );
    for wrong in [
        json!({"role": "root"}),
        json!({"email": "a@b.de"}),
        json!({"timezone": "UTC"}),
    ] {
        let patch = admin.patch(&path).json(&wrong);
        patch.send().await?.problem(422)?;
    }
    admin
        .patch(&unknown)
        .json(&json!({"role": "user"}))
        .send()
        .await?
        .problem(404)?;
    Ok(())
}

/// An admin's role is read from the database for each request. The last admin cannot be demoted.
pub async fn a_demoted_admin_loses_access_at_once(fixture: &mut Fixture) -> Result<()> {
    let (one, two) = (fixture.admin().await?, fixture.admin().await?);
    let role = async |by: &User, whose: &User, role: &str| {
        let patch = by.patch(&format!("/api/users/{}", whose.id));
        patch.json(&json!({ "role": role })).send().await
    };
    role(&one, &two, "user").await?.expect(200)?;
    two.get("/api/users").send().await?.problem(403)?;
    two.get(&format!("/api/users/{}", one.id))
        .send()
        .await?
        .problem(403)?;
    role(&two, &one, "user").await?.problem(403)?;
    for admin in one.pages("/api/users?role=admin").await? {
        if admin["id"] != one.id.to_string() {
            let patch = one.patch(&format!("/api/users/{}", text(&admin, "id")?));
            patch
                .json(&json!({"role": "user"}))
                .send()
                .await?
                .expect(200)?;
        }
    }
    role(&one, &one, "user").await?.problem(409)?;
    let delete = one.delete("/api/auth/me");
    let delete = delete.json(&json!({"password": PASSWORD}));
    delete.send().await?.problem(409)?;
    one.get("/api/users").send().await?.expect(200)?;
    Ok(())
}

/// A due date without a time ends with its day in the owner's timezone, so a new timezone moves it. Other due dates stay.
pub async fn a_new_timezone_moves_due_dates(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let dated = user
        .create(json!({"title": "Date", "due": {"date": "2026-03-29"}}))
        .await?;
    let local = json!({"datetime": "2026-03-29T09:00:00", "timezone": "Europe/Berlin"});
    let local = user.create(json!({"title": "Local", "due": local})).await?;
    let instant = json!({"datetime": "2026-03-29T09:00:00Z"});
    let instant = user
        .create(json!({"title": "Instant", "due": instant}))
        .await?;
    ensure!(dated["due_at"] == "2026-03-29T23:59:59.999999Z", "{dated}");

    let patch = async |body: Value| user.patch("/api/auth/me").json(&body).send().await;
    let account = patch(json!({"timezone": "Europe/Berlin", "name": "Ada"})).await?;
    let account = account.expect(200)?.json()?;
    ensure!(
        account["timezone"] == "Europe/Berlin" && account["name"] == "Ada",
        "{account}"
    );
    let read = async |task: &Value| {
        let path = format!("/api/tasks/{}", text(task, "id")?);
        user.get(&path).send().await?.expect(200)?.json()
    };
    let moved = read(&dated).await?;
    // Daylight saving time begins on that day.
    ensure!(moved["due_at"] == "2026-03-29T21:59:59.999999Z", "{moved}");
    ensure!(
        moved["due"] == dated["due"] && number(&moved, "version")? == 2,
        "{moved}"
    );
    // The change of the account has the number between.
    ensure!(
        number(&moved, "seq")? == number(&instant, "seq")? + 2,
        "{moved}"
    );
    ensure!(
        read(&local).await? == local && read(&instant).await? == instant,
        "other due dates moved"
    );
    let updated = trail(&user, "task.updated").await?;
    ensure!(
        updated.len() == 1
            && updated[0]["event"]["data"]["previous"] == json!({"due_at": dated["due_at"]}),
        "{updated:?}"
    );
    let updated = trail(&user, "user.updated").await?;
    ensure!(updated.len() == 1, "{updated:?}");

    // The same timezone again changes nothing, and null restores the defaults.
    patch(json!({"timezone": "Europe/Berlin"}))
        .await?
        .expect(200)?;
    ensure!(
        read(&dated).await? == moved,
        "an unchanged timezone changed a task"
    );
    let account = patch(json!({"timezone": null, "name": null}))
        .await?
        .expect(200)?
        .json()?;
    ensure!(
        account["timezone"] == "UTC" && account["name"] == "",
        "{account}"
    );
    ensure!(
        read(&dated).await?["due_at"] == dated["due_at"],
        "the due date did not move back"
    );
    for wrong in [
        json!({"timezone": "Mars"}),
        json!({"role": "admin"}),
        json!({"email": "a@b.de"}),
    ] {
        patch(wrong).await?.problem(422)?;
    }
    Ok(())
}

pub async fn services_act_for_users(fixture: &mut Fixture) -> Result<()> {
    let (service, user) = (
        fixture.user_with_role("service").await?,
        fixture.api.new_user("UTC").await?,
    );
    const FOR: &str = "x-on-behalf-of";
    let whose = user.id.to_string();
    let create = service.post("/api/tasks").header(FOR, &whose);
    let task = create
        .json(&json!({"title": "Done for you"}))
        .send()
        .await?
        .expect(201)?
        .json()?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    user.get(&path).send().await?.expect(200)?;
    service.get(&path).send().await?.problem(404)?;
    let entry = trail(&user, "task.created").await?.remove(0);
    let actor = json!({"type": "service", "id": service.id.to_string()});
    ensure!(entry["actor"] == actor, "{entry}");

    let other = fixture.api.new_user("UTC").await?;
    other
        .get(&path)
        .header(FOR, &whose)
        .send()
        .await?
        .problem(403)?;
    service
        .get("/api/auth/me")
        .header(FOR, &whose)
        .send()
        .await?
        .problem(403)?;
    service
        .get(&path)
        .header(FOR, "somebody")
        .send()
        .await?
        .problem(400)?;
    let nobody = uuid::Uuid::new_v4().to_string();
    for path in [
        "/api/tasks",
        "/api/tags",
        "/api/audit",
        "/api/audit/verify",
        "/api/audit/export",
    ] {
        let request = service.get(path).header(FOR, &nobody);
        request.send().await?.problem(404)?;
    }
    let request = service.post("/api/tasks").header(FOR, &nobody);
    request
        .json(&json!({"title": "For nobody"}))
        .send()
        .await?
        .problem(404)?;
    Ok(())
}

/// `bridge keys` creates and checks both settings with keys before the functions get them.
pub async fn token_keys_command(fixture: &mut Fixture) -> Result<()> {
    for (setting, flag, variable) in [
        ("token_keys", "--token-keys", "TOKEN_KEYS"),
        ("service_keys", "--service-keys", "SERVICE_KEYS"),
    ] {
        let new = fixture.run_bridge(&["keys", "new", setting]).await?;
        let check = async |keys: &str| fixture.run_bridge(&["keys", "check", flag, keys]).await;
        let valid = check(new.trim()).await?;
        ensure!(valid.trim() == format!("{variable} is valid"), "{valid}");
        let next = fixture
            .run_bridge(&["keys", "new", setting, flag, new.trim()])
            .await?;
        ensure!(
            next.trim().ends_with(new.trim()) && next.len() > new.len(),
            "the new keys do not contain the old one"
        );
        for weak in ["", "a:short", PASSWORD] {
            let refused = check(weak)
                .await
                .err()
                .with_context(|| format!("{weak:?} is accepted"))?;
            ensure!(format!("{refused}").contains(variable), "{refused}");
        }
    }
    let [token, service] = [
        fixture.run_bridge(&["keys", "new"]).await?,
        fixture.run_bridge(&["keys", "new", "service_keys"]).await?,
    ];
    let check = async |token: &str, service: &str| {
        fixture
            .run_bridge(&[
                "keys",
                "check",
                "--token-keys",
                token,
                "--service-keys",
                service,
            ])
            .await
    };
    check(token.trim(), service.trim()).await?;
    let shared = format!("{},{}", service.trim(), token.trim());
    let refused = check(token.trim(), &shared)
        .await
        .err()
        .context("one key in both settings is accepted")?;
    ensure!(format!("{refused}").contains("SERVICE_KEYS"), "{refused}");
    Ok(())
}
