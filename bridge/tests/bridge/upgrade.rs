//! An upgrade of a large system that is in use: `bridge migrate` on a database of the previous release, while clients send the
//! statements of that release's API. `tests/previous` has its schema and its statements; migrations/README.md says when to replace
//! them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bridge::config::Secret;
use bridge::{migrate, postgres};
use stage::services::shared;
use stage::task_list::{self, TaskList, rate};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use tokio_util::sync::CancellationToken;

use crate::sql::settings_of;
use crate::support::wait::eventually;
use crate::support::{self, TIMEOUT};

/// Number of clients.
const CLIENTS: usize = 4;
/// Rounds of each client before the migration and after it.
const ROUNDS: u64 = 3;

macro_rules! previous {
    ($file:literal) => {
        include_str!(concat!("../../../tests/previous/", $file))
    };
}

/// One request of the previous API: the file of its statement, the statement and its parameters.
type Request = (
    &'static str,
    &'static str,
    Vec<Box<dyn ToSql + Sync + Send>>,
);

macro_rules! request {
    ($name:literal, $($parameter:expr),+ $(,)?) => {
        (
            $name,
            previous!($name),
            vec![$(Box::new($parameter) as Box<dyn ToSql + Sync + Send>),+],
        )
    };
}

/// A client of one user.
struct User {
    database: Client,
    id: String,
    actor: String,
    /// The slowest request.
    slowest: (&'static str, Duration),
}

impl User {
    async fn new(url: &str, number: usize) -> Self {
        let admin = postgres::connect(&Secret::new(url), "test").await.unwrap();
        let id = admin
            .query_one("select md5($1)::uuid::text", &[&number.to_string()])
            .await
            .unwrap()
            .get::<_, String>(0);
        let url = url.replace("postgres@", "spindle_api:spindle_api@");
        let database = postgres::connect(&Secret::new(url), "test").await.unwrap();
        // The settings of the API's role, which belong to the database and not to its schema.
        database
            .batch_execute("set statement_timeout = '10s'; set lock_timeout = '3s'; set jit = off")
            .await
            .unwrap();
        Self {
            database,
            actor: format!(r#"{{"type":"user","id":"{id}"}}"#),
            id,
            slowest: ("", Duration::ZERO),
        }
    }

    async fn send(&mut self, (name, statement, parameters): Request) -> Row {
        let parameters: Vec<_> = parameters
            .iter()
            .map(|parameter| &**parameter as &(dyn ToSql + Sync))
            .collect();
        let began = Instant::now();
        let answer = self.database.query_one(statement, &parameters).await;
        let took = began.elapsed();
        if took > self.slowest.1 {
            self.slowest = (name, took);
        }
        answer.unwrap_or_else(|error| panic!("{name} failed after {took:?}: {error:?}"))
    }

    /// Sends a request that writes, and checks its outcome. Returns the id of a new row.
    async fn write(&mut self, request: Request, expected: &str) -> Option<String> {
        let name = request.0;
        let row = self.send(request).await;
        assert_eq!(row.get::<_, String>("outcome"), expected, "{name}");
        row.get("id")
    }

    /// Sends every kind of request once.
    async fn round(&mut self) {
        let (user, actor) = (self.id.clone(), self.actor.clone());
        let context = r#""correlation_id":"upgrade""#;
        let rate = |policy| rate(policy, &user);
        let none = || None::<String>;
        let tags = || vec!["home".to_owned()];
        let create = request!(
            "sql/create.sql",
            user.clone(),
            none(),
            "New",
            "",
            "open",
            "medium",
            tags(),
            none(),
            none(),
            context,
            actor.clone(),
            none(),
            none(),
            rate("write")
        );
        let task = self.write(create, "made").await.unwrap();
        let get = request!("sql/get.sql", user.clone(), task.clone(), rate("read"));
        assert!(self.send(get).await.get::<_, Option<String>>(1).is_some());
        for (terms, sort) in [
            (None, "created_at"),
            (Some(vec!["*plan"]), "relevance"),
            (None, "title"),
        ] {
            let no_list = || None::<Vec<String>>;
            let list = request!(
                "sql/list.sql",
                user.clone(),
                no_list(),
                no_list(),
                no_list(),
                no_list(),
                none(),
                none(),
                None::<bool>,
                none(),
                none(),
                terms,
                sort,
                true,
                none(),
                none(),
                50_i64,
                rate("read")
            );
            assert!(self.send(list).await.get::<_, String>(0).len() > 1000);
        }
        let update = request!(
            "sql/update.sql",
            user.clone(),
            task.clone(),
            none(),
            "Changed",
            none(),
            "in_progress",
            none(),
            tags(),
            false,
            none(),
            none(),
            false,
            context,
            actor.clone(),
            none(),
            none(),
            rate("write")
        );
        self.write(update, "changed").await;
        let delete = request!(
            "sql/delete.sql",
            user.clone(),
            task.clone(),
            none(),
            context,
            actor.clone(),
            rate("write")
        );
        self.write(delete, "deleted").await;
        let restore = request!(
            "sql/restore.sql",
            user.clone(),
            task,
            none(),
            context,
            actor.clone(),
            none(),
            none(),
            rate("write")
        );
        self.write(restore, "changed").await;
        for (tag, name, outcome) in [("home", "house", "started"), ("nowhere", "here", "missing")] {
            let rename = request!(
                "sql/rename_tag.sql",
                user.clone(),
                tag,
                name,
                context,
                actor.clone(),
                rate("write")
            );
            // Later rounds find few tasks with the tag, and change them at once. Under the new functions, a rename waits for an
            // earlier job.
            let row = self.send(rename).await;
            let found: String = row.get("outcome");
            assert!(
                found == outcome || found == "started" || (tag == "home" && found == "changed"),
                "{tag}: {found}"
            );
        }
        let list = request!(
            "sql/tags.sql",
            user.clone(),
            none(),
            none(),
            50_i64,
            rate("read")
        );
        assert!(self.send(list).await.get::<_, String>(0).contains("house"));
        let me = request!("sql/me.sql", user.clone(), rate("read"));
        assert!(self.send(me).await.get::<_, Option<String>>(0).is_some());
    }
}

#[tokio::test]
async fn clients_of_the_previous_release_notice_no_upgrade() {
    // The first migration of a server creates the roles.
    support::database().await;
    let url = shared::database("upgrade").await.unwrap();
    let admin = postgres::connect(&Secret::new(&url), "test").await.unwrap();
    admin.batch_execute(previous!("schema.dump")).await.unwrap();
    admin
        .batch_execute(previous!("sql/insert_user.sql"))
        .await
        .unwrap();
    let mut first = User::new(&url, 1).await;
    let tags = vec!["home".to_owned()];
    let none = || None::<String>;
    let create = request!(
        "sql/create.sql",
        first.id.clone(),
        none(),
        "Water the plants",
        "All of them",
        "open",
        "medium",
        tags,
        r#"{"date":"2026-03-01"}"#,
        none(),
        r#""correlation_id":"upgrade""#,
        first.actor.clone(),
        none(),
        none(),
        rate("write", &first.id)
    );
    first.write(create, "made").await;
    admin
        .batch_execute("set session_replication_role = replica")
        .await
        .unwrap();
    let inserted = admin
        .execute(previous!("sql/insert_tasks.sql"), &[])
        .await
        .unwrap();
    assert_eq!(inserted, 200_000);

    let (counts, stop) = (
        Arc::new([const { AtomicU64::new(0) }; CLIENTS]),
        CancellationToken::new(),
    );
    let mut clients = Vec::new();
    for place in 0..CLIENTS {
        let mut user = User::new(&url, place + 1).await;
        let (counts, stop) = (counts.clone(), stop.clone());
        clients.push(tokio::spawn(async move {
            while !stop.is_cancelled() {
                user.round().await;
                counts[place].fetch_add(1, Ordering::Relaxed);
            }
            user.slowest
        }));
    }
    let rounds = || {
        counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .min()
            .unwrap_or(0)
    };
    let ended = |clients: &[JoinHandle<_>]| clients.iter().any(JoinHandle::is_finished);
    let what = "every client has sent all requests";
    eventually(TIMEOUT, what, async || {
        ended(&clients) || rounds() >= ROUNDS
    })
    .await;
    let report = migrate::run(&settings_of(&url)).await.unwrap();
    let before = rounds();
    eventually(TIMEOUT, what, async || {
        ended(&clients) || rounds() >= before + ROUNDS
    })
    .await;
    stop.cancel();
    for client in clients {
        let (name, took) = client.await.unwrap();
        println!("the slowest request was {name}: {took:?}");
    }
    assert!(
        !report.applied.is_empty(),
        "the database was of this release"
    );
    assert_eq!(report.version, migrate::newest_known());

    // The statements of this release work on the tasks of the previous one.
    let list = TaskList {
        sort: vec!["completed_at"],
        ..TaskList::newest()
    }
    .of(&first.id);
    let row = first
        .database
        .query_one(task_list::STATEMENT, &list.parameters())
        .await
        .unwrap();
    assert!(row.get::<_, String>(0).contains("Water the plants"));
}
