//! The authorisation matrix: the status of every operation in the OpenAPI document for every kind of caller. An operation
//! without a row fails the test.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{PASSWORD, Requests, User, number, text};
use tests::fixture::Fixture;
use tests::tokens;
use uuid::Uuid;

/// The callers. The last one is a service that acts on behalf of the owner.
const CALLERS: [&str; 8] = [
    "nobody",
    "an expired token",
    "another user",
    "the owner",
    "an auditor",
    "an admin",
    "a service",
    "a service for the owner",
];

/// The status that each caller gets. Tasks, tags and trails belong to the owner. Account operations are on the caller's own
/// account, except that those of `/api/users` are on the owner's.
const TABLE: &[(&str, [u16; 8])] = &[
    ("getHealth", [200; 8]),
    ("getReadiness", [200; 8]),
    ("getOpenApi", [200; 8]),
    ("getDocs", [200; 8]),
    ("register", [201; 8]),
    ("login", [200; 8]),
    ("refresh", [200; 8]),
    ("logout", [204; 8]),
    ("changePassword", [401, 401, 200, 200, 200, 200, 200, 403]),
    ("getMe", [401, 401, 200, 200, 200, 200, 200, 403]),
    ("updateMe", [401, 401, 200, 200, 200, 200, 200, 403]),
    ("deleteMe", [401, 401, 204, 204, 204, 204, 204, 403]),
    ("listUsers", [401, 401, 403, 403, 403, 200, 403, 403]),
    ("getUser", [401, 401, 403, 403, 403, 200, 403, 403]),
    ("updateUser", [401, 401, 403, 403, 403, 200, 403, 403]),
    ("listTasks", [401, 401, 200, 200, 200, 200, 200, 200]),
    ("createTask", [401, 401, 201, 201, 201, 201, 201, 201]),
    ("getTask", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("replaceTask", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("updateTask", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("deleteTask", [401, 401, 404, 204, 404, 404, 404, 204]),
    ("completeTask", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("reopenTask", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("skipTask", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("restoreTask", [401, 401, 404, 200, 404, 404, 404, 200]),
    // Each operation of a batch has a status of its own. `ask` checks that other users change nothing.
    ("batchTasks", [401, 401, 200, 200, 200, 200, 200, 200]),
    (
        "previewRecurrence",
        [401, 401, 200, 200, 200, 200, 200, 200],
    ),
    ("getSeries", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("listOccurrences", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("pauseSeries", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("resumeSeries", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("listReminders", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("addReminder", [401, 401, 404, 201, 404, 404, 404, 201]),
    ("updateReminder", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("removeReminder", [401, 401, 404, 204, 404, 404, 404, 204]),
    ("snoozeReminder", [401, 401, 404, 200, 404, 404, 404, 200]),
    (
        "acknowledgeReminder",
        [401, 401, 404, 200, 404, 404, 404, 200],
    ),
    (
        "listNotifications",
        [401, 401, 200, 200, 200, 200, 200, 200],
    ),
    (
        "readNotifications",
        [401, 401, 200, 200, 200, 200, 200, 200],
    ),
    ("pull", [401, 401, 200, 200, 200, 200, 200, 200]),
    // Each operation has a result of its own. `ask` checks that other users change nothing.
    ("push", [401, 401, 200, 200, 200, 200, 200, 200]),
    ("listConflicts", [401, 401, 200, 200, 200, 200, 200, 200]),
    ("restoreConflict", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("getPushKey", [401, 401, 200, 200, 200, 200, 200, 200]),
    (
        "addPushSubscription",
        [401, 401, 201, 201, 201, 201, 201, 201],
    ),
    (
        "removePushSubscription",
        [401, 401, 404, 204, 404, 404, 404, 204],
    ),
    ("createLiveTicket", [401, 401, 201, 201, 201, 201, 201, 403]),
    // The path is not signed; reminders/messages.rs follows a link that is.
    ("askToUnsubscribe", [404; 8]),
    ("unsubscribe", [404; 8]),
    // For the agents alone.
    (
        "createOccurrences",
        [401, 401, 403, 403, 403, 403, 403, 403],
    ),
    ("claimSeries", [401, 401, 403, 403, 403, 403, 403, 403]),
    ("listTags", [401, 401, 200, 200, 200, 200, 200, 200]),
    ("renameTag", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("removeTag", [401, 401, 404, 204, 404, 404, 404, 204]),
    ("getJob", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("getTaskHistory", [401, 401, 404, 200, 200, 200, 404, 200]),
    ("listAudit", [401, 401, 403, 200, 200, 200, 403, 200]),
    ("exportAudit", [401, 401, 403, 200, 200, 200, 403, 200]),
    ("verifyAudit", [401, 401, 403, 200, 200, 200, 403, 200]),
];

/// The callers that may change the owner's task.
const MAY_WRITE: [&str; 2] = ["the owner", "a service for the owner"];

/// Operations that change a password, rotate or revoke a refresh token, or delete the account. The next operation needs new
/// accounts.
const ENDS_SESSIONS: [&str; 4] = ["changePassword", "refresh", "logout", "deleteMe"];

pub async fn every_operation_by_every_caller(fixture: &mut Fixture) -> Result<()> {
    let described: Vec<(String, Method, String)> = fixture
        .api
        .contract()?
        .operations()
        .map(|(path, method, operation)| {
            Ok((path.to_owned(), method, text(operation, "operationId")?))
        })
        .collect::<Result<_>>()?;
    let names: BTreeSet<_> = described.iter().map(|(_, _, name)| name.as_str()).collect();
    let rows: BTreeSet<_> = TABLE.iter().map(|(name, _)| *name).collect();
    ensure!(
        names == rows,
        "operations without a row: {:?}; rows without an operation: {:?}",
        names.difference(&rows).collect::<Vec<_>>(),
        rows.difference(&names).collect::<Vec<_>>()
    );
    let mut wrong = Vec::new();
    let mut reusable: Option<Accounts> = None;
    for (path, method, name) in &described {
        let (_, row) = TABLE
            .iter()
            .find(|(row, _)| row == name)
            .context("the operation has no row")?;
        let accounts = match reusable.take() {
            Some(accounts) => accounts,
            None => Accounts::new(fixture).await?,
        };
        for (who, expected) in CALLERS.iter().zip(row) {
            if let Err(error) = accounts
                .ask(fixture, (path, method, name), who, *expected)
                .await
            {
                wrong.push(format!("{name} by {who}: {error:#}"));
            }
        }
        if !ENDS_SESSIONS.contains(&name.as_str()) {
            reusable = Some(accounts);
        }
    }
    ensure!(
        wrong.is_empty(),
        "{} responses are wrong:\n  {}",
        wrong.len(),
        wrong.join("\n  ")
    );
    Ok(())
}

/// The accounts of the callers. Operations share them, because creating some takes longer than all requests of one operation.
struct Accounts {
    owner: User,
    /// The access token of each caller, in the order of `CALLERS`. The first has none.
    tokens: Vec<Option<String>>,
}

impl Accounts {
    async fn new(fixture: &Fixture) -> Result<Self> {
        let owner = fixture.api.new_user("UTC").await?;
        let keys = fixture.system.token_keys();
        let mut tokens = vec![None, Some(tokens::signed(keys, owner.id, "user", -60)?)];
        let roles = ["user", "owner", "auditor", "admin", "service", "service"];
        for role in roles {
            let (id, role) = match role {
                "owner" => (owner.id, "user"),
                role => (account(fixture, &owner, role).await?, role),
            };
            tokens.push(Some(tokens::signed(keys, id, role, 600)?));
        }
        Ok(Self { owner, tokens })
    }

    /// Sends one request on a new task of the owner, checks its status, and checks that only callers in `MAY_WRITE` changed the
    /// task.
    async fn ask(
        &self,
        fixture: &Fixture,
        (path, method, name): (&str, &Method, &str),
        who: &str,
        expected: u16,
    ) -> Result<()> {
        let tag = Uuid::new_v4().to_string();
        let fields = json!({
            "title": "The owner's", "tags": [tag], "due": {"date": "2026-03-01"}, "recurrence": {"rule": "FREQ=DAILY"},
            "reminders": [{"on": "due"}],
        });
        // After `deleteMe` the owner cannot create tasks, and the remaining callers need none.
        let task = self.owner.post("/api/tasks").json(&fields).send().await?;
        let task = if task.status == 201 {
            task.json()?
        } else {
            let [id, series, reminder] = [(); 3].map(|()| Uuid::new_v4().to_string());
            json!({"id": id, "series_id": series, "reminders": [{"id": reminder}], "version": 1})
        };
        let id = text(&task, "id")?;
        let id = if path.starts_with("/api/users/") {
            self.owner.id.to_string()
        } else if name == "getJob" {
            let job = include_str!("../../sql/insert_job.sql");
            let row = fixture.database.query_one(job, &[&self.owner.id]).await?;
            row.get::<_, Uuid>(0).to_string()
        } else if name == "restoreConflict" {
            let conflict = include_str!("../../sql/insert_conflict.sql");
            let row = fixture
                .database
                .query_one(conflict, &[&self.owner.id, &id])
                .await?;
            row.get::<_, Uuid>(0).to_string()
        } else if name == "removePushSubscription" {
            let added = self.owner.post("/api/push/subscriptions");
            let added = added.json(&subscription()).send().await?;
            text(&added.expect(201)?.json()?, "id")?
        } else if path.starts_with("/api/series/") {
            text(&task, "series_id")?
        } else if path.starts_with("/api/reminders/") {
            text(&task["reminders"][0], "id")?
        } else {
            id
        };
        let mut path = path
            .replace("{id}", &id)
            .replace("{tag}", &tag)
            .replace("{token}", &tag);
        if path.starts_with("/api/audit") {
            path.push_str(&format!("?user_id={}", self.owner.id));
        }
        let mut request = fixture.api.request(method.clone(), &path);
        let place = CALLERS.iter().position(|caller| *caller == who);
        if let Some(token) = place.and_then(|place| self.tokens.get(place)?.as_ref()) {
            request = request.bearer(token);
        }
        if who == "a service for the owner" {
            request = request.header("x-on-behalf-of", &self.owner.id.to_string());
        }
        if let Some(body) = self.body(name, &task) {
            request = request.json(&body);
        }
        request.send().await?.expect(expected)?;
        if !MAY_WRITE.contains(&who) && name != "deleteMe" {
            let path = format!("/api/tasks/{}", text(&task, "id")?);
            let after = self.owner.get(&path).send().await?.expect(200)?.json()?;
            let version = number(&after, "version")?;
            ensure!(version == 1, "the owner's task was changed: {after}");
        }
        Ok(())
    }

    /// A valid body for an operation that has one.
    fn body(&self, name: &str, task: &Value) -> Option<Value> {
        Some(match name {
            "register" => json!({
                "email": format!("{}@example.org", Uuid::new_v4().simple()), "password": PASSWORD,
            }),
            "login" => json!({"email": self.owner.email, "password": PASSWORD}),
            "refresh" | "logout" => json!({"refresh_token": self.owner.refresh_token}),
            "changePassword" => {
                json!({"current_password": PASSWORD, "new_password": "another horse, another battery"})
            }
            "deleteMe" => json!({"password": PASSWORD}),
            "updateMe" | "updateUser" => json!({"name": "Renamed"}),
            "createTask" | "replaceTask" | "updateTask" => json!({"title": "Written over"}),
            "batchTasks" => json!({"operations": [
                {"op": "update", "id": task["id"], "fields": {"title": "Written over"}},
            ]}),
            "push" => json!({"operations": [
                {"op_id": Uuid::new_v4(), "op": "update", "task_id": task["id"], "fields": {"title": "Written over"}},
            ]}),
            "previewRecurrence" => json!({"due": {"date": "2026-03-01"}, "rule": "FREQ=DAILY"}),
            "createOccurrences" => json!({"occurrences": []}),
            "claimSeries" => json!({"limit": 1}),
            "addReminder" => json!({"before": "PT30M"}),
            "updateReminder" => json!({"repeat": "PT10M"}),
            "snoozeReminder" => json!({"for": "PT10M"}),
            "addPushSubscription" => subscription(),
            "readNotifications" => json!({"ids": null}),
            "renameTag" => json!({"name": "renamed"}),
            _ => return None,
        })
    }
}

/// A push subscription of a browser.
fn subscription() -> Value {
    json!({
        "endpoint": format!("https://fcm.googleapis.com/fcm/send/{}", Uuid::new_v4()),
        "keys": {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        },
    })
}

/// A new account with this role. It copies the owner's password hash, because hashing one for each account would take most of
/// the time.
async fn account(fixture: &Fixture, owner: &User, role: &str) -> Result<Uuid> {
    let row = fixture
        .database
        .query_one(
            include_str!("../../sql/copy_account.sql"),
            &[&owner.id, &role],
        )
        .await?;
    Ok(row.get(0))
}
