//! Roles, the accounts that admins see and change, and what an account changes about itself.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::client::{Calls, PASSWORD, Person, number, text};
use tests::stage::{SOON, World};
use tests::wait;

/// The entries of a kind on a person's trail, once there is one.
async fn trail(person: &Person, kind: &str) -> Result<Vec<Value>> {
    wait::until(&format!("{kind} on the trail"), SOON, async || {
        let entries = person.pages(&format!("/api/audit?type={kind}")).await?;
        Ok((!entries.is_empty()).then_some(entries))
    })
    .await
}

pub async fn an_operator_makes_the_first_admin(world: &mut World) -> Result<()> {
    let email = format!("{}@example.org", uuid::Uuid::new_v4().simple());
    let create = ["admin", "create", "--email", &email, "--actor", "root"];
    let printed = world.operate(&create).await?;
    let password = printed
        .lines()
        .find_map(|line| line.strip_prefix("password: "))
        .with_context(|| format!("no password in {printed:?}"))?;
    let body = json!({"email": email, "password": password});
    let login = world.api.post("/api/auth/login").json(&body);
    let tokens = login.send().await?.expect(200)?.json()?;
    let users = world
        .api
        .get("/api/users")
        .bearer(&text(&tokens, "access_token")?);
    users.send().await?.expect(200)?;

    let again = world.operate(&create).await.err().context("a second one")?;
    ensure!(format!("{again}").contains("promote"), "{again}");
    let nobody = ["admin", "promote", "--email", "nobody@example.org"];
    let nobody = world.operate(&nobody).await.err().context("nobody")?;
    ensure!(
        format!("{nobody}").contains("nobody@example.org"),
        "{nobody}"
    );
    let wrong = ["admin", "create", "--email", "nonsense"];
    let wrong = world.operate(&wrong).await.err().context("no address")?;
    ensure!(format!("{wrong}").contains("email"), "{wrong}");
    Ok(())
}

pub async fn admins_see_and_change_users(world: &mut World) -> Result<()> {
    let (admin, person) = (world.admin().await?, world.api.newcomer("UTC").await?);
    let path = format!("/api/users/{}", person.id);
    let seen = admin.get(&path).send().await?.expect(200)?.json()?;
    ensure!(
        seen["email"] == person.email && seen["role"] == "user",
        "{seen}"
    );
    ensure!(!seen.to_string().contains("argon2"), "a hash is shown");
    let nobody = format!("/api/users/{}", uuid::Uuid::new_v4());
    admin.get(&nobody).send().await?.problem(404)?;

    let found = admin
        .pages(&format!("/api/users?email={}", person.email))
        .await?;
    ensure!(
        found.len() == 1 && found[0]["id"] == person.id.to_string(),
        "{found:?}"
    );
    let (all, paged) = (
        admin.pages("/api/users?limit=200").await?,
        admin.pages("/api/users?limit=1").await?,
    );
    ensure!(all == paged && all.len() > 2, "pages differ from the whole");
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
    // The role is in the next token; sessions with the old one have ended.
    let refresh = json!({"refresh_token": person.refresh_token});
    let refresh = world.api.post("/api/auth/refresh").json(&refresh);
    refresh.send().await?.problem(401)?;
    let entry = trail(&person, "user.role-changed").await?.remove(0);
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
        .patch(&nobody)
        .json(&json!({"role": "user"}))
        .send()
        .await?
        .problem(404)?;
    Ok(())
}

/// What an admin's token says is looked up again, and somebody stays who can undo things.
pub async fn a_demoted_admin_is_none_at_once(world: &mut World) -> Result<()> {
    let (one, two) = (world.admin().await?, world.admin().await?);
    let role = async |by: &Person, whose: &Person, role: &str| {
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
    one.get("/api/users").send().await?.expect(200)?;
    Ok(())
}

/// A date lasts until the end of its day where its owner is; other dues say themselves when they are.
pub async fn a_new_timezone_moves_dates(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let dated = person
        .create(json!({"title": "Date", "due": {"date": "2026-03-29"}}))
        .await?;
    let local = json!({"datetime": "2026-03-29T09:00:00", "timezone": "Europe/Berlin"});
    let local = person
        .create(json!({"title": "Local", "due": local}))
        .await?;
    let instant = json!({"datetime": "2026-03-29T09:00:00Z"});
    let instant = person
        .create(json!({"title": "Instant", "due": instant}))
        .await?;
    ensure!(dated["due_at"] == "2026-03-29T23:59:59.999999Z", "{dated}");

    let patch = async |body: Value| person.patch("/api/auth/me").json(&body).send().await;
    let account = patch(json!({"timezone": "Europe/Berlin", "name": "Ada"})).await?;
    let account = account.expect(200)?.json()?;
    ensure!(
        account["timezone"] == "Europe/Berlin" && account["name"] == "Ada",
        "{account}"
    );
    let read = async |task: &Value| {
        let path = format!("/api/tasks/{}", text(task, "id")?);
        person.get(&path).send().await?.expect(200)?.json()
    };
    let moved = read(&dated).await?;
    // Clocks went forward that day.
    ensure!(moved["due_at"] == "2026-03-29T21:59:59.999999Z", "{moved}");
    ensure!(
        moved["due"] == dated["due"] && number(&moved, "version")? == 2,
        "{moved}"
    );
    ensure!(
        number(&moved, "seq")? == number(&instant, "seq")? + 1,
        "{moved}"
    );
    ensure!(
        read(&local).await? == local && read(&instant).await? == instant,
        "others moved"
    );
    let updated = trail(&person, "task.updated").await?;
    ensure!(
        updated.len() == 1
            && updated[0]["event"]["data"]["previous"] == json!({"due_at": dated["due_at"]}),
        "{updated:?}"
    );
    let told = trail(&person, "user.updated").await?;
    ensure!(told.len() == 1, "{told:?}");

    // The same again changes nothing; null gives the defaults back.
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
        "not moved back"
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

pub async fn services_act_for_users(world: &mut World) -> Result<()> {
    let (service, person) = (
        world.staff("service").await?,
        world.api.newcomer("UTC").await?,
    );
    const FOR: &str = "x-on-behalf-of";
    let whose = person.id.to_string();
    let create = service.post("/api/tasks").header(FOR, &whose);
    let task = create
        .json(&json!({"title": "Done for you"}))
        .send()
        .await?
        .expect(201)?
        .json()?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    person.get(&path).send().await?.expect(200)?;
    service.get(&path).send().await?.problem(404)?;
    let entry = trail(&person, "task.created").await?.remove(0);
    let actor = json!({"type": "service", "id": service.id.to_string()});
    ensure!(entry["actor"] == actor, "{entry}");

    let other = world.api.newcomer("UTC").await?;
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
    let nobody = service
        .post("/api/tasks")
        .header(FOR, &uuid::Uuid::new_v4().to_string());
    nobody
        .json(&json!({"title": "For nobody"}))
        .send()
        .await?
        .problem(404)?;
    Ok(())
}

/// Keys are made and checked before they reach the API.
pub async fn keys_are_made_and_checked(world: &mut World) -> Result<()> {
    let new = world.operate(&["keys", "new"]).await?;
    let check = async |keys: &str| {
        world
            .operate(&["keys", "check", "--token-keys", keys])
            .await
    };
    check(new.trim()).await?;
    let next = world
        .operate(&["keys", "new", "--token-keys", new.trim()])
        .await?;
    ensure!(
        next.trim().ends_with(new.trim()) && next.len() > new.len(),
        "the old key is gone"
    );
    for weak in ["", "a:short", PASSWORD] {
        let refused = check(weak)
            .await
            .err()
            .with_context(|| format!("{weak:?} passes"))?;
        ensure!(format!("{refused}").contains("TOKEN_KEYS"), "{refused}");
    }
    Ok(())
}
