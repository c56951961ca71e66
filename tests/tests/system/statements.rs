//! Every SQL statement of the functions and of the bridge is valid in the migrated database.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use tests::fixture::Fixture;

pub async fn every_statement_prepares(fixture: &mut Fixture) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut wrong = Vec::new();
    let mut prepared = 0;
    for path in statements(&[root.join("functions"), root.join("bridge")])? {
        let statement = std::fs::read_to_string(&path)?;
        prepared += 1;
        if let Err(error) = fixture.database.prepare(&statement).await {
            wrong.push(format!("{}: {error:?}", path.display()));
        }
    }
    ensure!(
        wrong.is_empty(),
        "{} of {prepared} statements do not prepare:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    ensure!(prepared > 5, "only {prepared} statements were found");
    Ok(())
}

/// All `.sql` files below the folders except `.fn.sql`, which the migration runs.
fn statements(folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = folders.to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.to_string_lossy();
            if path.is_dir() && !name.ends_with("/target") {
                folders.push(path);
            } else if name.ends_with(".sql") && !name.ends_with(".fn.sql") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
