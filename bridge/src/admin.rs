//! `bridge admin`: creates or promotes an admin directly in the database, because only an admin can do that over the
//! API.

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use domain::account::Registration;
use domain::json::{Fault, Json};
use domain::passwords;
use domain::text::username;
use rand::Rng;
use rand::distr::Alphanumeric;
use serde_json::json;
use uuid::Uuid;

use crate::config::Secret;
use crate::postgres;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create an account that is an admin.
    ///
    /// Generates a password and prints it, unless --password-stdin is given.
    Create {
        #[command(flatten)]
        account: Account,
        /// Display name of the account.
        #[arg(long, default_value = "")]
        name: String,
        /// Read the password from the first line of standard input instead of generating one.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make an existing account an admin.
    Promote(Account),
}

/// The account to create or promote, and who does it.
#[derive(Args, Debug)]
pub struct Account {
    /// URL of the Postgres database, as its owner: postgres://user:password@host:port/database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Secret,
    /// Email address of the account.
    #[arg(long)]
    email: String,
    /// Name of the operator for the audit trail.
    #[arg(long, env = "USER", default_value = "operator")]
    actor: String,
}

/// Runs one of the commands.
///
/// # Errors
/// When Postgres fails, when the email or the password is not valid, when the account to create exists already, or when
/// the account to promote does not exist.
pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create {
            account,
            name,
            password_stdin,
        } => create(&account, &name, password_stdin).await,
        Command::Promote(account) => promote(&account).await,
    }
}

async fn create(target: &Account, name: &str, from_stdin: bool) -> anyhow::Result<()> {
    let password = if from_stdin {
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .context("reading the password from standard input")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    } else {
        rand::rng()
            .sample_iter(Alphanumeric)
            .take(24)
            .map(char::from)
            .collect()
    };
    let body = json!({ "email": target.email, "password": password, "name": name }).to_string();
    let account = Registration::parse(Json::parse(body.as_bytes())?).map_err(invalid)?;
    let hash = passwords::hash(&account.password, Uuid::new_v4().into_bytes())
        .map_err(|error| anyhow::anyhow!("hashing the password: {error}"))?;
    let client = postgres::connect(&target.database_url, "bridge admin").await?;
    let email = account.email.into_string();
    let created: bool = client
        .query_one(
            include_str!("admin/create.sql"),
            &[
                &email,
                &hash,
                &account.name,
                &target.context(),
                &target.actor_json(),
            ],
        )
        .await?
        .get(0);
    ensure!(
        created,
        "there is an account with the email {email} already; make it an admin with `bridge admin promote`"
    );
    println!("{email} is an admin");
    if !from_stdin {
        println!("password: {password}");
    }
    Ok(())
}

async fn promote(target: &Account) -> anyhow::Result<()> {
    let client = postgres::connect(&target.database_url, "bridge admin").await?;
    let outcome: Option<String> = client
        .query_one(
            include_str!("admin/promote.sql"),
            &[
                &username(&target.email),
                &target.context(),
                &target.actor_json(),
            ],
        )
        .await?
        .get(0);
    if outcome.is_none() {
        bail!("there is no account with the email {}", target.email);
    }
    println!("{} is an admin", target.email);
    Ok(())
}

impl Account {
    /// The context members of an event, as JSON text: those that the API takes from the request.
    fn context(&self) -> String {
        let id = Uuid::new_v4();
        format!(r#""correlationid":"{id}","causationid":null,"traceparent":null"#)
    }

    /// The actor of an event, as JSON text.
    fn actor_json(&self) -> String {
        json!({ "type": "operator", "id": self.actor }).to_string()
    }
}

/// One error that names every field that is not valid.
fn invalid(faults: Vec<Fault>) -> anyhow::Error {
    let lines: Vec<String> = faults
        .iter()
        .map(|fault| format!("{} {}", fault.pointer.trim_start_matches('/'), fault.detail))
        .collect();
    anyhow::anyhow!("{}", lines.join("; "))
}
