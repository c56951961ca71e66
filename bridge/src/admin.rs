//! `bridge admin`: makes an account an admin, for nobody can ask the API to before there is one.

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use domain::account::Registration;
use domain::json::{Fault, Json};
use domain::passwords;
use rand::Rng;
use rand::distr::Alphanumeric;
use serde_json::json;
use uuid::Uuid;

use crate::config::Secret;
use crate::postgres;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an account that is an admin; prints a password made for it, unless one is read from standard input.
    Create {
        #[command(flatten)]
        who: Who,
        #[arg(long, default_value = "")]
        name: String,
        /// Read the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make an admin of an account that there is.
    Promote(Who),
}

#[derive(Args, Debug)]
pub struct Who {
    /// Postgres, as the owner of the database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Secret,
    #[arg(long)]
    email: String,
    /// Who does it, for the audit trail.
    #[arg(long, env = "USER", default_value = "operator")]
    actor: String,
}

/// Runs one of the commands.
pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create {
            who,
            name,
            password_stdin,
        } => create(&who, &name, password_stdin).await,
        Command::Promote(who) => promote(&who).await,
    }
}

async fn create(who: &Who, name: &str, from_stdin: bool) -> anyhow::Result<()> {
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
    let body = json!({ "email": who.email, "password": password, "name": name }).to_string();
    let account = Registration::parse(Json::parse(body.as_bytes())?).map_err(faults)?;
    let hash = passwords::hash(&account.password, Uuid::new_v4().into_bytes())
        .map_err(|error| anyhow::anyhow!("hashing the password: {error}"))?;
    let client = postgres::connect(&who.database_url, "bridge admin").await?;
    let email = account.email.into_string();
    let made: bool = client
        .query_one(
            include_str!("admin/create.sql"),
            &[&email, &hash, &account.name, &who.context(), &who.json()],
        )
        .await?
        .get(0);
    ensure!(
        made,
        "there is an account with the email {email}: `bridge admin promote` makes it an admin"
    );
    println!("{email} is an admin");
    if !from_stdin {
        println!("password: {password}");
    }
    Ok(())
}

async fn promote(who: &Who) -> anyhow::Result<()> {
    let client = postgres::connect(&who.database_url, "bridge admin").await?;
    let status: Option<i32> = client
        .query_one(
            include_str!("admin/promote.sql"),
            &[&who.email, &who.context(), &who.json()],
        )
        .await?
        .get(0);
    if status.is_none() {
        bail!("there is no account with the email {}", who.email);
    }
    println!("{} is an admin", who.email);
    Ok(())
}

impl Who {
    /// The members of an event's envelope that a request would bring.
    fn context(&self) -> String {
        let id = Uuid::new_v4();
        format!(r#""correlationid":"{id}","causationid":null,"traceparent":null"#)
    }

    fn json(&self) -> String {
        json!({ "type": "operator", "id": self.actor }).to_string()
    }
}

fn faults(faults: Vec<Fault>) -> anyhow::Error {
    let lines: Vec<String> = faults
        .iter()
        .map(|fault| format!("{} {}", fault.pointer.trim_start_matches('/'), fault.detail))
        .collect();
    anyhow::anyhow!("{}", lines.join("; "))
}
