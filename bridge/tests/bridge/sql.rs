//! The SQL files of the bridge against a migrated database, and `bridge migrate` itself.

use std::path::{Path, PathBuf};

use bridge::config::{Migrate, Secret};
use bridge::{migrate, postgres};

use crate::support;

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
    let admin_url = stage::services::shared::database("migrate").await.unwrap();
    let settings = Migrate {
        database_url: Secret::new(&admin_url),
        api_database_password: None,
        agent_database_password: None,
        // Other tests log in as this role meanwhile; they are not disturbed, because the test server trusts local
        // connections.
        bridge_database_password: Some(Secret::new("it's")),
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
