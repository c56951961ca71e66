//! Others beside a hostile user: the latency of their requests while one user renames a tag of many large tasks, 90 times at once.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use hyper::Method;
use stage::system::System;
use tokio_postgres::Client;
use uuid::Uuid;

use super::load::{self, Outcome, Pace, RequestSpec};
use super::{Plan, create, ms, tokens};

const RENAMES: u64 = 90;

/// The limits of a system whose operator has changed none.
pub fn limits() -> [(String, String); 3] {
    [
        ("RATE_READ", "1200/60"),
        ("RATE_WRITE", "600/60"),
        ("REQUESTS_AT_ONCE", "8"),
    ]
    .map(|(name, value)| (format!("SPIN_VARIABLE_{name}"), value.to_owned()))
}

pub async fn run(plan: &Plan, system: &System, db: &Client) -> Result<()> {
    let users = tokens::users(db, system.token_keys(), 1000).await?;
    let address = system.api_url().trim_start_matches("http://").to_owned();
    let Some((hostile, others)) = users.split_first() else {
        return Ok(());
    };
    db.execute(include_str!("sql/heavy_tasks.sql"), &[&hostile.0])
        .await?;
    db.batch_execute("vacuum analyze tasks").await?;

    println!(
        "\nOthers beside a hostile user: {} clients (creates and accounts); {RENAMES} renames at once, each of a tag of 200 tasks of \
         20 kB",
        plan.connections
    );
    // The first requests fill caches.
    let others_alone = || {
        let others = others.to_vec();
        load::run(
            &address,
            plan.connections,
            Pace::Closed,
            plan.length,
            move |number| match number % 2 {
                0 => create::request(&others, number),
                _ => account(&others, number),
            },
        )
    };
    others_alone().await?;
    let without = others_alone().await?;
    let token = hostile.1.clone();
    let attack = load::run(
        &address,
        RENAMES as usize,
        Pace::Burst(RENAMES),
        plan.length,
        move |number| {
            let (from, to) = match number % 2 {
                0 => ("a", "b"),
                _ => ("b", "a"),
            };
            RequestSpec {
                method: Method::PATCH,
                path: format!("/api/tags/{from}"),
                token: token.clone(),
                body: format!(r#"{{"name":"{to}"}}"#).into(),
            }
        },
    );
    let (attack, with) = tokio::try_join!(attack, others_alone())?;
    show("alone", &without);
    show("beside", &with);
    show("renames", &attack);
    let ratio = with.percentile(0.99).as_secs_f64() / without.percentile(0.99).as_secs_f64();
    println!("  the others' p99 is {ratio:.1} times what it is without");
    Ok(())
}

/// A request of one of the users for the user's account.
fn account(users: &[(Uuid, Arc<str>)], number: u64) -> RequestSpec {
    RequestSpec {
        method: Method::GET,
        path: "/api/auth/me".to_owned(),
        body: Bytes::new(),
        ..create::request(users, number)
    }
}

fn show(name: &str, outcome: &Outcome) {
    println!(
        "  {name:8} {:6.0}/s  p50 {} p99 {} worst {}  {} refused or failed",
        outcome.rate(),
        ms(outcome.percentile(0.5)),
        ms(outcome.percentile(0.99)),
        ms(outcome.percentile(1.0)),
        outcome.failures,
    );
}
