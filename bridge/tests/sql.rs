//! Every statement that lies in a `.sql` file is one that the migrated database understands.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod support;

use std::path::{Path, PathBuf};

use bridge::config::{Migrate, Secret};
use bridge::{migrate, postgres};

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
async fn migrating_twice_and_at_once_changes_nothing_more() {
    let admin_url = stage::services::shared::database("migrate").await.unwrap();
    let settings = Migrate {
        database_url: Secret::new(&admin_url),
        api_database_password: None,
        agent_database_password: None,
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
        .execute("insert into refinery_schema_history (version, name, applied_on, checksum) values (999, 'later', '2026-01-01T00:00:00Z', '1')", &[])
        .await
        .unwrap();
    let refused = migrate::run(&settings).await.unwrap_err().to_string();
    assert!(refused.contains("999"), "{refused}");
}
