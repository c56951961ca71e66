//! Who may do what: every operation of the document, asked for by everybody, in one table. What is not in it is a failure.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Calls, PASSWORD, Person, number, text};
use tests::stage::World;
use tests::tokens;
use uuid::Uuid;

/// Who asks. The last is a service that acts for the owner.
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

/// The status of each caller's answer. Tasks, tags and trails are the owner's; accounts are the caller's own, but those of
/// `/api/users` are the owner's.
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
    ("restoreTask", [401, 401, 404, 200, 404, 404, 404, 200]),
    // Its operations have statuses of their own; that a stranger's changes nothing is looked at for every operation.
    ("batchTasks", [401, 401, 200, 200, 200, 200, 200, 200]),
    ("listTags", [401, 401, 200, 200, 200, 200, 200, 200]),
    ("renameTag", [401, 401, 404, 200, 404, 404, 404, 200]),
    ("getTaskHistory", [401, 401, 404, 200, 200, 200, 404, 200]),
    ("listAudit", [401, 401, 403, 200, 200, 200, 403, 200]),
    ("exportAudit", [401, 401, 403, 200, 200, 200, 403, 200]),
    ("verifyAudit", [401, 401, 403, 200, 200, 200, 403, 200]),
];

/// Which callers may change the owner's task.
const OWNERS: [&str; 2] = ["the owner", "a service for the owner"];

pub async fn everybody_everything(world: &mut World) -> Result<()> {
    let described: Vec<(String, Method, String)> = world
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
        "without a row: {:?}; without an operation: {:?}",
        names.difference(&rows).collect::<Vec<_>>(),
        rows.difference(&names).collect::<Vec<_>>()
    );
    let mut wrong = Vec::new();
    for (path, method, name) in &described {
        let (_, row) = TABLE.iter().find(|(row, _)| row == name).context("a row")?;
        let cast = Cast::new(world).await?;
        for (who, expected) in CALLERS.iter().zip(row) {
            if let Err(error) = cast.ask(world, (path, method, name), who, *expected).await {
                wrong.push(format!("{name} by {who}: {error:#}"));
            }
        }
    }
    ensure!(
        wrong.is_empty(),
        "{} answers are wrong:\n  {}",
        wrong.len(),
        wrong.join("\n  ")
    );
    Ok(())
}

/// Fresh accounts for one operation, since some operations end them.
struct Cast {
    owner: Person,
    /// A token for each of the callers; none for the first.
    tokens: Vec<Option<String>>,
}

impl Cast {
    async fn new(world: &World) -> Result<Self> {
        let owner = world.api.newcomer("UTC").await?;
        let keys = world.system.token_keys();
        let mut tokens = vec![None, Some(tokens::signed(keys, owner.id, "user", -60)?)];
        let roles = ["user", "owner", "auditor", "admin", "service", "service"];
        for role in roles {
            let (id, role) = match role {
                "owner" => (owner.id, "user"),
                role => (member(world, &owner, role).await?, role),
            };
            tokens.push(Some(tokens::signed(keys, id, role, 600)?));
        }
        Ok(Self { owner, tokens })
    }

    /// Makes one request, on a task of its own, and looks whether a stranger changed that.
    async fn ask(
        &self,
        world: &World,
        (path, method, name): (&str, &Method, &str),
        who: &str,
        expected: u16,
    ) -> Result<()> {
        let tag = Uuid::new_v4().to_string();
        let fields = json!({"title": "The owner's", "tags": [tag]});
        // An account that deleted itself makes no more tasks, and none is needed for what it is asked then.
        let task = self.owner.post("/api/tasks").json(&fields).send().await?;
        let task = if task.status == 201 {
            task.json()?
        } else {
            json!({"id": Uuid::new_v4().to_string(), "version": 1})
        };
        let id = text(&task, "id")?;
        let id = if path.starts_with("/api/users/") {
            self.owner.id.to_string()
        } else {
            id
        };
        let mut path = path.replace("{id}", &id).replace("{tag}", &tag);
        if path.starts_with("/api/audit") {
            path.push_str(&format!("?user_id={}", self.owner.id));
        }
        let mut call = world.api.call(method.clone(), &path);
        let place = CALLERS.iter().position(|caller| *caller == who);
        if let Some(token) = place.and_then(|place| self.tokens.get(place)?.as_ref()) {
            call = call.bearer(token);
        }
        if who == "a service for the owner" {
            call = call.header("x-on-behalf-of", &self.owner.id.to_string());
        }
        if let Some(body) = self.body(name, &task) {
            call = call.json(&body);
        }
        call.send().await?.expect(expected)?;
        if !OWNERS.contains(&who) && name != "deleteMe" {
            let path = format!("/api/tasks/{}", text(&task, "id")?);
            let after = self.owner.get(&path).send().await?.expect(200)?.json()?;
            let version = number(&after, "version")?;
            ensure!(version == 1, "the owner's task was changed: {after}");
        }
        Ok(())
    }

    /// A body that is fine for whoever may send it.
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
            "updateMe" | "updateUser" => json!({"name": "Renamed"}),
            "createTask" | "replaceTask" | "updateTask" => json!({"title": "Written over"}),
            "batchTasks" => json!({"operations": [
                {"op": "update", "id": task["id"], "fields": {"title": "Written over"}},
            ]}),
            "renameTag" => json!({"name": "renamed"}),
            _ => return None,
        })
    }
}

/// Another account of this role, with the owner's password: hashing one for each would take most of the time.
async fn member(world: &World, owner: &Person, role: &str) -> Result<Uuid> {
    let row = world
        .database
        .query_one(include_str!("cast.sql"), &[&owner.id, &role])
        .await?;
    Ok(row.get(0))
}
