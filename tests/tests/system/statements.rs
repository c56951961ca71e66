//! Every statement that the functions and the bridge send is one that the migrated database accepts.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use tests::stage::World;

pub async fn every_statement_prepares(world: &mut World) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut wrong = Vec::new();
    let mut prepared = 0;
    for path in statements(&[root.join("functions"), root.join("bridge")])? {
        let statement = std::fs::read_to_string(&path)?;
        // What cannot be prepared as it is has placeholders of its own or is a utility statement; both are checked by running.
        prepared += 1;
        if let Err(error) = world.database.prepare(&statement).await {
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
