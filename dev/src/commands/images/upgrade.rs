//! `cargo dev images --upgrade`: updates the programs of another release to those of this one under load, and takes them back.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use stage::components::{self, Profile};
use stage::scratch::Scratch;
use stage::system::workspace;

use super::{group, unpack};

/// The folder of another release, as an absolute path.
///
/// # Errors
/// It does not exist, or it is where the images of this release go.
pub fn other(release: &Path, current: &Path) -> Result<PathBuf> {
    let found = release.canonicalize();
    let found = found.with_context(|| format!("--upgrade: {}", release.display()))?;
    let own = current.canonicalize().is_ok_and(|current| current == found);
    ensure!(
        !own,
        "--upgrade: {} is where the images of this source go",
        release.display()
    );
    Ok(found)
}

pub async fn run(previous: &Path, current: &Path) -> Result<()> {
    let root = workspace();
    components::build_programs(&root, Profile::Gate, &["upgrade"])?;
    let scratch = Scratch::new("releases")?;
    let from = unpack::programs(previous, &scratch.path().join("from")).await?;
    let to = unpack::programs(current, &scratch.path().join("to")).await?;
    let mut upgrade = Command::new(components::program(&root, Profile::Gate, "upgrade"));
    upgrade.arg("--from-bridge").arg(from.bridge);
    upgrade.arg("--from-application").arg(from.application);
    upgrade.arg("--to-bridge").arg(to.bridge);
    upgrade.arg("--to-application").arg(to.application);
    group::succeed(upgrade).await
}
