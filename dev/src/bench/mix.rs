//! A mix of four reads for each write: lists, single tasks and searches in equal parts, and creates.

use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use hyper::Method;
use stage::system::System;
use stage::task_list::{STATEMENT, TaskList};
use tokio_postgres::Client;
use uuid::Uuid;

use super::load::RequestSpec;
use super::side_by_side::{self, Servers, Work};
use super::{Plan, create, tokens};

const USERS: i64 = 1000;
/// Fifteen requests: four of each kind of read, and three writes.
const KINDS: [(Kind, u32); 4] = [
    (Kind::List, 4),
    (Kind::Get, 4),
    (Kind::Search, 4),
    (Kind::Create, 3),
];

#[derive(Clone, Copy)]
enum Kind {
    List,
    Get,
    Search,
    Create,
}

pub async fn run(plan: &Plan, system: &System, db: &Client) -> Result<()> {
    let users = tokens::users(db, system.token_keys(), USERS).await?;
    db.execute(include_str!("sql/mix_tasks.sql"), &[]).await?;
    db.batch_execute("vacuum analyze tasks").await?;
    let rows = db.query(include_str!("sql/mix_ids.sql"), &[]).await?;
    let ids: Vec<(Uuid, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut readers = Vec::new();
    for (user, token) in &users {
        let task = ids.iter().find(|(owner, _)| owner == user);
        readers.push((
            token.clone(),
            task.context("a user without tasks")?.1.clone(),
        ));
    }

    let servers = Servers::start(plan, system).await?;
    let work = Work {
        scripts: KINDS
            .iter()
            .map(|(kind, weight)| (script(*kind), *weight))
            .collect(),
        requests: Arc::new(move |number| {
            let kind = kind(number);
            // The step has no common factor with the number of users or of kinds, so each user sends all kinds of requests.
            let number = number.wrapping_mul(7919);
            let reader = readers.get(number as usize % readers.len().max(1));
            let (token, task) = reader.cloned().unwrap_or_default();
            let path = match kind {
                Kind::Create => return create::request(&users, number),
                Kind::List => "/api/tasks".to_owned(),
                Kind::Get => format!("/api/tasks/{task}"),
                Kind::Search => "/api/tasks?q=water+pla".to_owned(),
            };
            RequestSpec {
                method: Method::GET,
                path,
                token,
                body: Bytes::new(),
            }
        }),
    };
    println!(
        "\n80 % reads (list, get, search), 20 % creates, closed loop, {} connections, users with 100 tasks and more",
        plan.connections
    );
    side_by_side::run(plan, system, &servers, &work).await?;
    Ok(())
}

fn kind(number: u64) -> Kind {
    let kinds = KINDS
        .iter()
        .flat_map(|(kind, weight)| std::iter::repeat_n(*kind, *weight as usize));
    // Fifteen consecutive numbers give all fifteen requests.
    kinds
        .into_iter()
        .nth((number % 15) as usize)
        .unwrap_or(Kind::Create)
}

/// The API's statement for a random user, with its parameters as literals.
fn script(kind: Kind) -> String {
    let user = "md5(:n::text)::uuid::text";
    let list = |list: TaskList| with_literals(&list, user);
    let statement = match kind {
        Kind::Create => return create::SCRIPT.to_owned(),
        Kind::Get => {
            let rate = rate(user);
            format!(
                "call read_task({user}, md5(:n || ' 50')::uuid::text, {rate}, null, null, null, null)"
            )
        }
        Kind::List => list(TaskList::newest()),
        Kind::Search => list(TaskList::search(&["+water", "*pla"])),
    };
    format!("\\set n random(1, {USERS})\n{statement};\n")
}

/// The parameter for a rate limit that pgbench does not reach.
fn rate(user: &str) -> String {
    format!("array['read/' || {user}, '1000000', '1', '1', '64', {user}]")
}

/// The list statement with literals as parameters. `user` is a SQL expression.
fn with_literals(list: &TaskList, user: &str) -> String {
    let mut values = vec![user.to_owned()];
    values.extend(std::iter::repeat_n("null".to_owned(), 4));
    values.push("'{}'".to_owned());
    values.extend(std::iter::repeat_n("null".to_owned(), 3));
    values.push(list.deleted.to_string());
    values.push(list.terms.as_ref().map_or("null".to_owned(), |terms| {
        format!("'{{{}}}'", terms.join(","))
    }));
    values.extend([
        format!("'{{{}}}'", list.sort.join(",")),
        format!("'{{{}}}'", list.order.join(",")),
        "null".to_owned(),
        "null".to_owned(),
        list.limit.to_string(),
        list.count.to_string(),
        rate(user),
    ]);
    // The last parameter comes first, so that `$1` does not match the beginning of `$12`.
    let numbered = values.iter().enumerate().rev();
    numbered.fold(STATEMENT.to_owned(), |text, (place, value)| {
        text.replace(&format!("${}", place + 1), value)
    })
}
