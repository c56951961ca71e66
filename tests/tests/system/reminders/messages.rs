//! Reminders by email and push, at a mail provider and a push service on this machine.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use stage::scratch::Scratch;
use stage::system::{System, SystemOptions};
use tests::client::{Api, Requests, User, text};
use tests::fixture::{DELIVERY_LIMIT, Fixture};
use tests::outside::Fault;
use tests::outside::mail::{KEY, MailProvider};
use tests::outside::push::PushService;
use tests::settings::start_with;
use tests::wait;
use tokio_postgres::{Client, NoTls};

use super::{on_the_trail, remind, reminders_of};

/// A system with both services.
pub struct World {
    pub mail: MailProvider,
    pub push: PushService,
    pub system: System,
    pub api: Api,
    pub database: Client,
    _folder: Scratch,
}

impl World {
    pub async fn start(provider: &str) -> Result<Self> {
        Self::start_with(provider, &[], |_| {}).await
    }

    /// As [`Self::start`], with further settings, or others, and options that `change` has changed.
    pub async fn start_with(
        provider: &str,
        further: &[(&str, &str)],
        change: impl FnOnce(&mut SystemOptions),
    ) -> Result<Self> {
        let (mail, push) = (MailProvider::start().await?, PushService::start().await?);
        let key = if provider == "resend" { KEY } else { "" };
        let mut settings = vec![
            ("MAIL_PROVIDER", provider),
            ("MAIL_URL", mail.url()),
            ("MAIL_KEY", key),
            ("MAIL_FROM", "Spindle <tasks@example.org>"),
            ("PUSH_ORIGIN", push.origin()),
            ("PUSH_HOSTS", push.origin()),
        ];
        settings.extend(further);
        let (system, api, folder) = start_with(&settings, change).await?;
        let (database, connection) = tokio_postgres::connect(&system.database_url(), NoTls).await?;
        tokio::spawn(connection);
        Ok(Self {
            mail,
            push,
            system,
            api,
            database,
            _folder: folder,
        })
    }

    /// Lets all reminders of a task, and deliveries that wait, be due.
    pub async fn let_all_be_due(&self, task: &Value) -> Result<()> {
        let id = text(task, "id")?;
        let statement = include_str!("../../../sql/let_reminders_be_due.sql");
        self.database.execute(statement, &[&id]).await?;
        Ok(())
    }

    /// A task whose reminder is due now, through this channel.
    pub async fn due(&self, user: &User, channel: &str) -> Result<Value> {
        let task = remind(user, json!([{"on": "due", "channels": [channel]}])).await?;
        self.let_all_be_due(&task).await?;
        Ok(task)
    }

    pub async fn mails(&self, count: usize) -> Result<Vec<Value>> {
        self.mails_within(count, DELIVERY_LIMIT).await
    }

    pub async fn mails_within(&self, count: usize, limit: Duration) -> Result<Vec<Value>> {
        wait::until(&format!("{count} mails"), limit, async || {
            let mails = self.mail.mails()?;
            Ok((mails.len() >= count).then_some(mails))
        })
        .await
    }

    pub async fn messages(&self, count: usize) -> Result<Vec<Value>> {
        wait::until(
            &format!("{count} push messages"),
            DELIVERY_LIMIT,
            async || {
                let messages = self.push.messages()?;
                Ok((messages.len() >= count).then_some(messages))
            },
        )
        .await
    }
}

/// Adds a push subscription, and expects this status.
pub async fn subscribe(user: &User, browser: &Value, status: u16) -> Result<Value> {
    let added = user.post("/api/push/subscriptions").json(browser).send();
    added.await?.expect(status)?.json()
}

/// Waits until the only delivery of a task's only reminder has this status, and returns it.
pub async fn delivery(user: &User, task: &Value, status: &str) -> Result<Value> {
    wait::until(
        &format!("a delivery is {status}"),
        DELIVERY_LIMIT,
        async || {
            let reminders = reminders_of(user, task).await?;
            let delivery = &reminders[0]["deliveries"][0];
            match delivery["status"] == status {
                true => Ok(Some(delivery.clone())),
                false => anyhow::bail!("{delivery}"),
            }
        },
    )
    .await
}

/// A mail says what is due, and its link ends the mails.
pub async fn by_email(_: &mut Fixture) -> Result<()> {
    let world = World::start("resend").await?;
    let user = world.api.new_user("Europe/Berlin").await?;
    let reminder = json!([{"before": "PT30M", "channels": ["email"]}]);
    let task = remind(&user, reminder).await?;
    world.let_all_be_due(&task).await?;
    let mail = world.mails(1).await?.remove(0);
    ensure!(mail["subject"] == "Reminder: Call Ada", "{mail}");
    let body = text(&mail, "text")?;
    ensure!(
        body.contains("Due Wednesday, 1 March 2090 at 09:00 (Europe/Berlin)"),
        "{body}"
    );
    delivery(&user, &task, "sent").await?;

    // RFC 8058: the header names the link, and a POST to it ends the mails.
    let headers = &mail["headers"];
    ensure!(
        headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click",
        "{headers}"
    );
    let link = text(headers, "List-Unsubscribe")?;
    let link = link.trim_matches(['<', '>']);
    let path = link
        .strip_prefix(world.api.base())
        .context("another host")?;
    let page = world.api.get(path).send().await?.expect(200)?;
    ensure!(
        String::from_utf8_lossy(&page.body).contains("<form method=\"post\">"),
        "no button"
    );
    let me = user.get("/api/auth/me").send().await?.expect(200)?.json()?;
    ensure!(
        me["reminders"]["muted"] == json!([]),
        "opening a link changed {me}"
    );
    for _ in 0..2 {
        let end = world
            .api
            .post(path)
            .body(b"List-Unsubscribe=One-Click".to_vec());
        end.header("content-type", "application/x-www-form-urlencoded")
            .send()
            .await?
            .expect(200)?;
    }
    let me = user.get("/api/auth/me").send().await?.expect(200)?.json()?;
    ensure!(me["reminders"]["muted"] == json!(["email"]), "{me}");
    let forged = format!("{}x", path);
    world.api.get(&forged).send().await?.expect(404)?;
    world.api.post(&forged).send().await?.expect(404)?;
    let second = world.due(&user, "email").await?;
    delivery(&user, &second, "dropped").await?;
    ensure!(
        world.mails(1).await?.len() == 1,
        "a mail to a muted channel"
    );
    world.system.stop().await;
    Ok(())
}

/// What quiet hours hold back is one mail when they end. Mailpit gets the same mails.
pub async fn quiet_hours(_: &mut Fixture) -> Result<()> {
    let world = World::start("mailpit").await?;
    let user = world.api.new_user("UTC").await?;
    let now = Utc::now().time();
    let (from, to) = (now - TimeDelta::hours(1), now + TimeDelta::hours(2));
    let quiet = |mode: &str| {
        json!({"reminders": {"quiet": {
            "from": from.format("%H:%M").to_string(), "to": to.format("%H:%M").to_string(), "mode": mode,
        }}})
    };
    let change = |mode| user.patch("/api/auth/me").json(&quiet(mode));
    change("defer").send().await?.expect(200)?;
    let (one, two) = (
        world.due(&user, "email").await?,
        world.due(&user, "email").await?,
    );
    for task in [&one, &two] {
        delivery(&user, task, "pending").await?;
    }
    change("drop").send().await?.expect(200)?;
    let dropped = world.due(&user, "email").await?;
    delivery(&user, &dropped, "dropped").await?;
    ensure!(world.mails(0).await?.is_empty(), "a mail in quiet hours");
    let end = include_str!("../../../sql/end_quiet_hours.sql");
    world.database.execute(end, &[]).await?;
    let mails = world.mails(1).await?;
    for task in [&one, &two] {
        delivery(&user, task, "sent").await?;
    }
    ensure!(world.mails(1).await?.len() == 1, "{mails:?}");
    let mail = &mails[0];
    ensure!(
        mail["Subject"] == "2 reminders: Call Ada and Call Ada",
        "{mail}"
    );
    world.system.stop().await;
    Ok(())
}

/// A push message reaches each browser of the user, encrypted. A browser that is gone is forgotten.
pub async fn by_push(fixture: &mut Fixture) -> Result<()> {
    let new_key = fixture.run_bridge(&["keys", "vapid"]).await?;
    let log = fixture.log();
    let key = [("VAPID_KEY", new_key.trim())];
    let world = World::start_with("", &key, |options| options.log = log).await?;
    let user = world.api.new_user("Europe/Berlin").await?;
    let key = user
        .get("/api/push/key")
        .send()
        .await?
        .expect(200)?
        .json()?;
    ensure!(text(&key, "key")?.len() == 87, "{key}");
    let foreign =
        json!({"endpoint": "https://example.org/push", "keys": world.push.subscribe()?["keys"]});
    let refused = subscribe(&user, &foreign, 422).await?;
    ensure!(
        refused["errors"][0]["pointer"] == "/endpoint",
        "another member"
    );
    let browsers = [world.push.subscribe()?, world.push.subscribe()?];
    for browser in &browsers {
        subscribe(&user, browser, 201).await?;
    }
    let task = world.due(&user, "push").await?;
    let messages = world.messages(2).await?;
    ensure!(
        messages.iter().all(
            |message| message["title"] == "Call Ada" && message["tasks"] == json!([task["id"]])
        ),
        "{messages:?}"
    );
    delivery(&user, &task, "sent").await?;
    for _ in browsers.len()..50 {
        let browser = world.push.subscribe()?;
        subscribe(&user, &browser, 201).await?;
        world.push.forget(&browser);
    }
    let browser = world.push.subscribe()?;
    subscribe(&user, &browser, 409).await?;
    for browser in &browsers {
        world.push.forget(browser);
    }
    let task = world.due(&user, "push").await?;
    delivery(&user, &task, "failed").await?;
    let told = ["reminder.scheduled", "reminder.due", "reminder.failed"];
    on_the_trail(&world.database, &user, &task, &told).await?;
    // Nobody is asked again.
    let task = world.due(&user, "push").await?;
    let failed = delivery(&user, &task, "failed").await?;
    ensure!(
        failed["error"] == "the account has no push subscription",
        "{failed}"
    );
    // This system sends no mails.
    let task = world.due(&user, "email").await?;
    let failed = delivery(&user, &task, "failed").await?;
    ensure!(failed["error"] == "this server sends no email", "{failed}");
    world.system.stop().await;
    Ok(())
}

/// A provider that fails is asked again, after the pause that it asks for, and delays no other channel.
pub async fn providers_that_fail(_: &mut Fixture) -> Result<()> {
    let world = World::start("resend").await?;
    let user = world.api.new_user("Europe/Berlin").await?;
    for fault in [
        Fault::Status(500, None),
        Fault::Status(429, Some(3)),
        Fault::Until(429, 15),
        Fault::Break,
    ] {
        let before = world.mails(0).await?.len();
        world.mail.faults.next(fault, 1);
        let task = world.due(&user, "email").await?;
        let sent = delivery(&user, &task, "sent")
            .await
            .with_context(|| format!("{fault:?}"))?;
        ensure!(sent["attempts"] == 2, "{fault:?}: {sent}");
        if let Fault::Until(_, seconds) = fault {
            let fired: DateTime<Utc> = text(&sent, "fire_at")?.parse()?;
            let done: DateTime<Utc> = text(&sent, "updated_at")?.parse()?;
            ensure!(
                done - fired >= TimeDelta::seconds(seconds),
                "too early: {sent}"
            );
        }
        ensure!(
            world.mails(0).await?.len() == before + 1,
            "{fault:?}: two mails"
        );
    }

    // While mails hang, a push message comes.
    world.mail.faults.next(Fault::Hang, 100);
    let hanging = world.due(&user, "email").await?;
    wait::until("a mail is tried", DELIVERY_LIMIT, async || {
        let reminders = reminders_of(&user, &hanging).await?;
        Ok((reminders[0]["deliveries"][0]["attempts"] == 1).then_some(()))
    })
    .await?;
    let browser = world.push.subscribe()?;
    subscribe(&user, &browser, 201).await?;
    let started = Instant::now();
    let task = world.due(&user, "push").await?;
    delivery(&user, &task, "sent").await?;
    ensure!(
        started.elapsed() < Duration::from_secs(30),
        "the push message waited"
    );
    world.mail.faults.end();

    // In the end a delivery fails, with the reason.
    world.mail.faults.next(Fault::Status(503, None), 100);
    let task = world.due(&user, "email").await?;
    let failed = wait::until("a delivery fails", DELIVERY_LIMIT, async || {
        world.let_all_be_due(&task).await?;
        let reminders = reminders_of(&user, &task).await?;
        let delivery = &reminders[0]["deliveries"][0];
        Ok((delivery["status"] == "failed").then(|| delivery.clone()))
    })
    .await?;
    ensure!(
        failed["attempts"] == 6 && failed["error"] == "the provider answered 503",
        "{failed}"
    );
    world.system.stop().await;
    Ok(())
}

/// A message that one agent sends is no other agent's, until the time has passed in which the first one should have recorded a result.
/// All of it happens in a transaction, which the agents of the system do not see.
pub async fn a_message_has_one_sender(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let task = user.create(json!({"title": "Call Ada"})).await?;
    let agents = fixture.connect().await?;
    agents.batch_execute("begin").await?;
    let insert = include_str!("../../../sql/insert_message.sql");
    let row = agents
        .query_one(insert, &[&user.id, &text(&task, "id")?])
        .await?;
    let id: String = row.get(0);
    // The number of the attempt, if the message is claimed.
    let claim = async || -> Result<Option<Value>> {
        let statement = include_str!("../../../sql/claim_messages.sql");
        let claimed: String = agents.query_one(statement, &[]).await?.get(0);
        let claimed: Vec<Value> = serde_json::from_str(&claimed)?;
        let mut claimed = claimed.into_iter();
        let message = claimed.find(|message| message["deliveries"][0]["id"] == id);
        Ok(message.map(|message| message["attempts"].clone()))
    };
    ensure!(claim().await? == Some(json!(1)), "it was not claimed");
    ensure!(claim().await?.is_none(), "it was claimed twice");
    let end = include_str!("../../../sql/end_claims.sql");
    agents.execute(end, &[]).await?;
    ensure!(claim().await? == Some(json!(2)), "it was lost");
    agents.batch_execute("rollback").await?;
    Ok(())
}
