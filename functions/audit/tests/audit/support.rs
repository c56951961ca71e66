//! What several tests share: a migrated database, and events to record in it.

use anyhow::{Context, Result, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// The audit trail in a migrated database that one test uses alone.
pub struct Trail {
    url: String,
    /// Connected as the superuser, who owns the tables.
    pub owner: Client,
}

impl Trail {
    pub async fn new() -> Result<Self> {
        let url = stage::services::shared::migrated("audit").await?;
        let owner = connect(&url).await?;
        Ok(Self { url, owner })
    }

    /// Another connection, with the rights of `role`.
    pub async fn client_as(&self, role: &str) -> Result<Client> {
        let client = connect(&self.url).await?;
        client.batch_execute(&format!("set role {role}")).await?;
        Ok(client)
    }

    /// Appends the events as one frame. Returns one result per event.
    pub async fn append(&self, events: &[Value]) -> Result<Vec<Value>> {
        append(&self.owner, &Value::from(events).to_string()).await
    }

    /// The number of rows that `select … from <source>` finds. `source` may have a `where` clause.
    pub async fn count(&self, source: &str) -> Result<i64> {
        let row = self
            .owner
            .query_one(&format!("select count(*) from {source}"), &[])
            .await?;
        Ok(row.get(0))
    }

    /// The names of `audit_logs` and of all its partitions.
    pub async fn tables(&self) -> Result<Vec<String>> {
        let rows = self
            .owner
            .query(include_str!("sql/partitions.sql"), &[])
            .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Maintains the partitions as the bridge does. Returns the report.
    pub async fn maintain(&self) -> Result<Value> {
        maintain(&self.owner).await
    }

    /// The verdict that `GET /api/audit/verify` returns for this user.
    pub async fn verify(&self, user: Uuid) -> Result<Value> {
        let sql = include_str!("../../../api/src/audit/verify.sql");
        let row = self
            .owner
            .query_one(
                sql,
                &[
                    &user.to_string(),
                    &None::<i64>,
                    &50_000_i64,
                    &None::<Vec<String>>,
                ],
            )
            .await?;
        Ok(serde_json::from_str(row.get(0))?)
    }

    /// Runs `sql` with all triggers disabled. Only an attacker with the owner's rights can do so.
    pub async fn tamper(&self, sql: &str) -> Result<()> {
        let mut script = String::new();
        for table in self.tables().await? {
            script.push_str(&format!("alter table {table} disable trigger all;"));
        }
        self.owner
            .batch_execute(&format!("{script}{sql}"))
            .await
            .context("tampering")
    }
}

/// Appends a JSON array of events with the statement that the agent sends. Returns one result per event.
pub async fn append(client: &Client, events: &str) -> Result<Vec<Value>> {
    match try_append(client, events).await? {
        Ok(results) => Ok(results),
        Err((code, reason)) => bail!("Postgres refused the events: {reason} (SQLSTATE {code})"),
    }
}

/// Like [`append`]. The inner error is the SQLSTATE and the reason if the statement blames the events.
pub async fn try_append(
    client: &Client,
    events: &str,
) -> Result<Result<Vec<Value>, (String, String)>, tokio_postgres::Error> {
    let row = client
        .query_one(include_str!("../../src/append.sql"), &[&events])
        .await?;
    Ok(match row.get::<_, Option<&str>>(0) {
        Some(results) => Ok(serde_json::from_str(results).unwrap()),
        None => Err((row.get(1), row.get(2))),
    })
}

/// Like [`Trail::maintain`], on any connection.
pub async fn maintain(client: &Client) -> Result<Value> {
    let row = client
        .query_one(include_str!("sql/maintain.sql"), &[])
        .await?;
    Ok(serde_json::from_str(row.get(0))?)
}

pub fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// A valid event of a new task.
pub fn event(user: Uuid, time: DateTime<Utc>) -> Value {
    let task = Uuid::new_v4();
    json!({
        "specversion": "1.0", "id": Uuid::now_v7(), "source": "/spindle/api", "type": "task.created", "subject": task,
        "time": time.to_rfc3339_opts(SecondsFormat::Micros, true), "datacontenttype": "application/json",
        "userid": user, "seq": 1, "correlationid": Uuid::new_v4(), "causationid": null, "traceparent": null,
        "data": {"task": {"id": task, "title": "Water the plants 🌱"}, "actor": {"type": "user", "id": user}},
    })
}

/// `count` events of a user, with the current time.
pub fn events(user: Uuid, count: usize) -> Vec<Value> {
    (0..count).map(|_| event(user, now())).collect()
}

/// Whether each event was recorded, by this frame or by an earlier one.
pub fn all_done(results: &[Value]) -> bool {
    results.iter().all(|result| result["outcome"] == "done")
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
