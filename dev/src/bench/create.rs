//! Creating tasks: throughput of a saturated server, and latency below saturation.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use hyper::Method;
use stage::system::System;
use tokio_postgres::Client;
use uuid::Uuid;

use super::load::{Pace, RequestSpec};
use super::side_by_side::{self, Servers, Work, failed};
use super::{Plan, ms, tokens};

pub const SCRIPT: &str = include_str!("sql/pgbench_create.sql");

pub async fn run(plan: &Plan, system: &System, db: &Client) -> Result<()> {
    let users = tokens::users(db, system.token_keys(), 1000).await?;
    let servers = Servers::start(plan, system).await?;
    let work = Work {
        scripts: vec![(SCRIPT.to_owned(), 1)],
        requests: Arc::new(move |number| request(&users, number)),
    };
    println!(
        "\nCreate a task, closed loop, {} connections",
        plan.connections
    );
    let most = side_by_side::run(plan, system, &servers, &work).await?;

    println!("\nCreate a task, open loop: latency from the time at which a request was due");
    for share in [0.3, 0.6, 0.8] {
        let rate = most * share;
        for (name, address) in servers.addresses() {
            let outcome =
                side_by_side::send_requests(plan, address, Pace::Open(rate), &work).await?;
            println!(
                "  {rate:6.0}/s  {name:5} p50 {} p99 {} p99.9 {}{}",
                ms(outcome.percentile(0.5)),
                ms(outcome.percentile(0.99)),
                ms(outcome.percentile(0.999)),
                failed(&outcome),
            );
        }
    }
    Ok(())
}

/// A request that creates a task for one of the users in turn.
pub fn request(users: &[(Uuid, Arc<str>)], number: u64) -> RequestSpec {
    let token = users
        .get(number as usize % users.len().max(1))
        .map(|(_, token)| token.clone());
    RequestSpec {
        method: Method::POST,
        path: "/api/tasks".to_owned(),
        token: token.unwrap_or_default(),
        body: Bytes::from_static(
            br#"{"title":"Water the plants","description":"All of them, the small ones twice.","tags":["home","plants"]}"#,
        ),
    }
}
