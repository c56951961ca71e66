//! A migrated database of a test's own, and events to put on its trail.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use stage::components::Profile;
use tokio::process::Command;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

pub struct Trail {
    url: String,
    /// The owner of the tables, and a superuser.
    pub owner: Client,
}

impl Trail {
    pub async fn new() -> Result<Self> {
        let url = stage::services::shared::database("audit").await?;
        migrate(&url).await?;
        let owner = connect(&url).await?;
        Ok(Self { url, owner })
    }

    /// Another connection, with the rights of `role`.
    pub async fn client_as(&self, role: &str) -> Result<Client> {
        let client = connect(&self.url).await?;
        client.batch_execute(&format!("set role {role}")).await?;
        Ok(client)
    }

    pub async fn append(&self, events: &[Value]) -> Result<Vec<Value>> {
        append(&self.owner, &Value::from(events).to_string()).await
    }

    pub async fn count(&self, from_where: &str) -> Result<i64> {
        let row = self
            .owner
            .query_one(&format!("select count(*) from {from_where}"), &[])
            .await?;
        Ok(row.get(0))
    }

    /// The answer of `GET /api/audit/verify` for this user.
    pub async fn verify(&self, user: Uuid) -> Result<Value> {
        let sql = include_str!("../../../api/src/audit/verify.sql");
        let row = self
            .owner
            .query_one(sql, &[&user.to_string(), &None::<Vec<String>>])
            .await?;
        Ok(serde_json::from_str(row.get(0))?)
    }

    /// Does what only somebody with the database's keys can: edits past the refusing triggers.
    pub async fn tamper(&self, sql: &str) -> Result<()> {
        let partitions = self
            .owner
            .query(
                "select relid::text from pg_partition_tree('audit_logs')",
                &[],
            )
            .await?;
        let mut script = String::new();
        for partition in &partitions {
            script.push_str(&format!(
                "alter table {} disable trigger all;",
                partition.get::<_, String>(0)
            ));
        }
        self.owner
            .batch_execute(&format!("{script}{sql}"))
            .await
            .context("tampering")
    }
}

/// The results of one frame, by the statement that the agent sends.
pub async fn append(client: &Client, events: &str) -> Result<Vec<Value>> {
    let row = client
        .query_one(include_str!("../../src/append.sql"), &[&events])
        .await?;
    Ok(serde_json::from_str(row.get(0))?)
}

pub fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

pub fn event(user: Uuid, at: DateTime<Utc>) -> Value {
    let task = Uuid::new_v4();
    json!({
        "specversion": "1.0", "id": Uuid::now_v7(), "source": "/spindle/api", "type": "task.created", "subject": task,
        "time": at.to_rfc3339_opts(SecondsFormat::Micros, true), "datacontenttype": "application/json",
        "userid": user, "seq": 1, "correlationid": Uuid::new_v4(), "causationid": null, "traceparent": null,
        "data": {"task": {"id": task, "title": "Water the plants 🌱"}, "actor": {"type": "user", "id": user}},
    })
}

pub fn events(user: Uuid, how_many: usize) -> Vec<Value> {
    (0..how_many).map(|_| event(user, now())).collect()
}

pub fn done(results: &[Value]) -> bool {
    results.iter().all(|result| result["outcome"] == "done")
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Brings a database to the newest schema, as everybody does it.
async fn migrate(url: &str) -> Result<()> {
    let root = stage::system::workspace();
    let bridge = stage::components::program(&root, Profile::Gate, "bridge");
    let migrated = Command::new(&bridge)
        .arg("migrate")
        .env("DATABASE_URL", url)
        .output()
        .await
        .with_context(|| format!("running {}", bridge.display()))?;
    ensure!(
        migrated.status.success(),
        "bridge migrate: {}",
        String::from_utf8_lossy(&migrated.stderr)
    );
    Ok(())
}
