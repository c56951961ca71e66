//! `cargo dev fuzz`: runs Schemathesis against a system of its own. It sends requests that the OpenAPI document allows, and
//! others that it does not allow.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};
use stage::components::Profile;
use stage::progress;
use stage::scratch::Scratch;
use stage::system::{self, LogKind, Runtime, System, SystemOptions};
use tokio_postgres::NoTls;
use uuid::Uuid;

use super::{group, python};
use crate::bench::tokens;

/// The minimum number of requests. A run with fewer would prove little, so it fails.
const REQUESTS: u64 = 2000;
/// The number of accounts that requests may use up. Some requests delete their account or sign it out.
const ACCOUNTS: i64 = 400;
/// The password of all these accounts.
const PASSWORD: &str = "correct horse battery staple";

#[derive(Debug, Args)]
pub struct Arguments {
    /// Additional arguments for Schemathesis, after `--`
    #[arg(last = true)]
    schemathesis: Vec<String>,
}

pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    super::until_stopped(async { fuzz(&arguments).await.map(|()| true) }).await
}

async fn fuzz(arguments: &Arguments) -> Result<()> {
    let root = system::workspace();
    let folder = root.join("tests/schemathesis");
    // The download waits for the network, so it runs during the build.
    let install = tokio::task::spawn_blocking({
        let (root, requirements) = (root.clone(), folder.join("requirements.txt"));
        move || python::environment(&root, "schemathesis", &requirements)
    });
    super::build(&root, Profile::Gate, &Runtime::Embedded).await?;
    let program = install.await??.join("schemathesis");
    let scratch = Scratch::new("fuzz")?;
    let system = System::start(SystemOptions {
        built: true,
        ..SystemOptions::new(scratch.path(), LogKind::Postgres)
    })
    .await?;
    let accounts = create_accounts(&system).await?;
    let accounts_file = scratch.path().join("accounts.json");
    std::fs::write(&accounts_file, accounts.to_string())?;
    let token = accounts.pointer("/admin/token").and_then(Value::as_str);
    let token = token.context("the admin has no token")?;
    let counted = scratch.path().join("requests");

    progress::step("schemathesis");
    let mut command = Command::new(program);
    command
        .current_dir(&folder)
        .args(["--config-file", "schemathesis.toml", "run"])
        .arg(format!("{}/api/openapi.json", system.api_url()))
        .args(&arguments.schemathesis)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SPINDLE_ACCOUNTS", &accounts_file)
        .env("SPINDLE_TOKEN", token)
        .env("SPINDLE_REQUESTS", &counted);
    let status = group::attached(command).await?;
    system.stop().await;
    ensure!(status.success(), "schemathesis failed ({status})");
    let requests: u64 = std::fs::read_to_string(&counted)
        .context("the hooks counted no requests")?
        .trim()
        .parse()?;
    progress::step(format!("{requests} requests without a failure"));
    ensure!(
        requests >= REQUESTS || !arguments.schemathesis.is_empty(),
        "a run must send at least {REQUESTS} requests"
    );
    Ok(())
}

/// Creates an admin and the accounts that requests may use up. Returns them as JSON, with an access token each and their
/// password.
async fn create_accounts(system: &System) -> Result<Value> {
    let email = format!("{}@example.org", Uuid::new_v4().simple());
    let body = json!({ "email": email, "password": PASSWORD });
    let register = format!("{}/api/auth/register", system.api_url());
    let client = reqwest::Client::new();
    let answer = client.post(register).json(&body).send().await?;
    answer.error_for_status().context("registering")?;
    let (db, connection) = tokio_postgres::connect(&system.database_url(), NoTls).await?;
    // The task ends when the client is dropped.
    let _connection = tokio::spawn(connection);
    let keys = system.token_keys();
    let made = db
        .query(include_str!("fuzz_accounts.sql"), &[&email, &ACCOUNTS])
        .await?;
    let mut users = Vec::new();
    for row in &made {
        let (id, email, role): (Uuid, String, String) = (row.get(0), row.get(1), row.get(2));
        let token = tokens::signed(keys, id, &role)?;
        users.push(json!({ "id": id, "email": email, "token": token }));
    }
    let admin = users.pop().context("no accounts were created")?;
    Ok(json!({ "password": PASSWORD, "admin": admin, "accounts": users }))
}
