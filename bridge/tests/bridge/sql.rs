//! The SQL files of the bridge against a migrated database, and `bridge migrate` itself.

use std::path::{Path, PathBuf};

use bridge::config::{Migrate, Secret};
use bridge::postgres::Session;
use bridge::{migrate, postgres};
use stage::services::shared;
use tokio::time::timeout;

use crate::support;
use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, TIMEOUT};

/// Adds every `.sql` file below `dir` that holds a single statement; a `.fn.sql` file holds a function and cannot be
/// prepared.
fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "sql")
            && !path.to_string_lossy().ends_with(".fn.sql")
        {
            found.push(path);
        }
    }
}

#[tokio::test]
async fn every_statement_prepares_as_the_role_that_sends_it() {
    let (admin_url, bridge_url) = support::database().await;
    let admin = postgres::connect(&Secret::new(admin_url), "test")
        .await
        .unwrap();
    let bridge = postgres::connect(&Secret::new(bridge_url), "test")
        .await
        .unwrap();
    let mut files = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    assert!(files.len() > 20);
    for file in files {
        let statement = std::fs::read_to_string(&file).unwrap();
        let by_owner = file
            .parent()
            .is_some_and(|dir| dir.ends_with("migrate") || dir.ends_with("admin"));
        let client = if by_owner { &admin } else { &bridge };
        if let Err(error) = client.prepare(&statement).await {
            panic!("{}: {error:?}", file.display());
        }
    }
}

#[tokio::test]
async fn concurrent_migrations_apply_once_and_a_newer_schema_is_refused() {
    let admin_url = shared::database("migrate").await.unwrap();
    let settings = Migrate {
        // Other tests log in as this role meanwhile; they are not disturbed, because the test server trusts local
        // connections.
        bridge_database_password: Some(Secret::new("it's")),
        ..settings_of(&admin_url)
    };
    let (one, two) = tokio::join!(migrate::run(&settings), migrate::run(&settings));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(
        one.applied.is_empty() != two.applied.is_empty(),
        "one of them applied everything"
    );
    assert_eq!(one.version, migrate::newest_known());

    let admin = postgres::connect(&settings.database_url, "test")
        .await
        .unwrap();
    admin
        .execute(include_str!("sql/future_migration.sql"), &[])
        .await
        .unwrap();
    let refused = migrate::run(&settings).await.unwrap_err().to_string();
    assert!(refused.contains("999"), "{refused}");
}

pub fn settings_of(admin_url: &str) -> Migrate {
    Migrate {
        database_url: Secret::new(admin_url),
        api_database_password: None,
        agent_database_password: None,
        bridge_database_password: None,
    }
}

/// Others could wait behind a migration that waits for a lock. So it waits in short attempts.
#[tokio::test]
async fn a_migration_that_finds_a_lock_gives_up_and_tries_again() {
    let admin_url = shared::database("migrate_lock").await.unwrap();
    let settings = settings_of(&admin_url);
    let mut holder = postgres::connect(&settings.database_url, "test")
        .await
        .unwrap();
    let create = include_str!("sql/create_history.sql");
    holder.batch_execute(create).await.unwrap();
    let holder = holder.transaction().await.unwrap();
    let lock = "lock table refinery_schema_history in share mode";
    holder.batch_execute(lock).await.unwrap();
    let other = postgres::connect(&settings.database_url, "test")
        .await
        .unwrap();
    let waits = async || -> bool {
        let sql = include_str!("sql/migrations_waiting.sql");
        other.query_one(sql, &[]).await.unwrap().get(0)
    };
    let running = tokio::spawn(async move { migrate::run(&settings).await });
    eventually(TIMEOUT, "a migration waits", async || waits().await).await;
    eventually(TIMEOUT, "it gives up", async || !waits().await).await;
    holder.rollback().await.unwrap();
    let report = running.await.unwrap().unwrap();
    assert_eq!(report.version, migrate::newest_known());
    assert!(!report.applied.is_empty());
}

/// An index that is missing, or that an interrupted run has left unfinished, is created by the next run. Meanwhile others write.
#[tokio::test]
async fn missing_indexes_are_created_while_others_write() {
    let admin_url = shared::database("migrate_indexes").await.unwrap();
    let settings = settings_of(&admin_url);
    migrate::run(&settings).await.unwrap();
    let connect = async || {
        postgres::connect(&settings.database_url, "test")
            .await
            .unwrap()
    };
    let (admin, mut writer) = (connect().await, connect().await);
    let broken = include_str!("sql/break_indexes.sql");
    admin.batch_execute(broken).await.unwrap();
    let working = async || -> i64 {
        let sql = include_str!("sql/working_indexes.sql");
        admin.query_one(sql, &[]).await.unwrap().get(0)
    };
    assert_eq!(working().await, 0);

    // While a transaction that has written is open, an index cannot be finished, and CREATE INDEX would block all other writers.
    let insert = include_str!("sql/insert_task.sql");
    let open = writer.transaction().await.unwrap();
    open.execute(insert, &[]).await.unwrap();
    let again = settings.clone();
    let running = tokio::spawn(async move { migrate::run(&again).await });
    let waits = async || -> bool {
        let sql = include_str!("sql/migrations_waiting.sql");
        admin.query_one(sql, &[]).await.unwrap().get(0)
    };
    eventually(TIMEOUT, "an index waits", async || waits().await).await;
    timeout(TIMEOUT, admin.execute(insert, &[]))
        .await
        .expect("a writer is blocked")
        .unwrap();
    open.commit().await.unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(working().await, 2);
}

/// Tasks without words get them in chunks. A task that is locked holds up nobody, and gets them when it is free.
#[tokio::test]
async fn tasks_of_an_older_release_become_searchable() {
    let settings = settings_of(&shared::database("rebuild").await.unwrap());
    migrate::run(&settings).await.unwrap();
    let admin = postgres::connect(&settings.database_url, "test")
        .await
        .unwrap();
    admin
        .batch_execute("set session_replication_role = replica")
        .await
        .unwrap();
    admin
        .execute(include_str!("sql/insert_old_tasks.sql"), &[])
        .await
        .unwrap();
    let mut writer = postgres::connect(&settings.database_url, "test")
        .await
        .unwrap();
    let transaction = writer.transaction().await.unwrap();
    transaction
        .batch_execute("select from tasks where title = 'task 300' for update")
        .await
        .unwrap();

    let migration = tokio::spawn(async move { migrate::run(&settings).await });
    let left = async || -> i64 {
        let statement = include_str!("sql/tasks_without_words.sql");
        admin.query_one(statement, &[]).await.unwrap().get(0)
    };
    let what = "the tasks that are not locked have words";
    eventually(TIMEOUT, what, async || left().await == 1).await;
    transaction.commit().await.unwrap();
    migration.await.unwrap().unwrap();
    assert_eq!(left().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_of_a_session_are_not_compiled() {
    let fixture = LogFixture::new(LogKind::Postgres).await;
    let session = Session::open(&fixture.settings.database_url, "test")
        .await
        .unwrap();
    session
        .batch_execute("set enable_seqscan = off")
        .await
        .unwrap();
    let sql = include_str!("sql/plan_that_looks_expensive.sql");
    let plan = session.query(sql, &[]).await.unwrap();
    let plan: Vec<&str> = plan.iter().map(|row| row.get(0)).collect();
    assert!(
        plan.iter().any(|line| line.contains("Seq Scan")),
        "{plan:?}"
    );
    assert!(!plan.iter().any(|line| line.contains("JIT")), "{plan:?}");
}
