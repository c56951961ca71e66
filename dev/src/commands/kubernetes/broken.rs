//! Manifests that must be refused. The first line of each is a comment with what the refusal says.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::cluster::Cluster;

/// Applies each manifest of a folder, and returns how many there are.
pub async fn check(cluster: &Cluster, folder: &Path) -> Result<usize> {
    let (mut count, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        let expected = text.lines().next().and_then(|line| line.strip_prefix("# "));
        let expected = expected.with_context(|| format!("{}: no comment", path.display()))?;
        let path = path.display();
        match cluster.apply(&text, &["--dry-run=server"]).await {
            Ok(_) => wrong.push(format!("{path} is accepted")),
            Err(refusal) if refusal.to_string().contains(expected) => {}
            Err(refusal) => wrong.push(format!("{path}: {refusal} does not say: {expected}")),
        }
        count += 1;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(count)
}
