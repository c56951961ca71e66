//! Python environments for the tools that some commands run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use stage::components::{self, succeed};
use stage::progress;

/// Installs the requirements of this file into an environment of this name below `target/`, if they have changed. Returns the folder
/// of its programs.
///
/// # Errors
/// Python is missing, or a package cannot be installed.
pub fn environment(root: &Path, name: &str, requirements: &Path) -> Result<PathBuf> {
    let required = std::fs::read_to_string(requirements)?;
    let folder = components::target(root).join(name);
    let (done, programs) = (folder.join("installed.txt"), folder.join("bin"));
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == required) {
        return Ok(programs);
    }
    progress::step(format!("installing the tools of {name}"));
    let mut create = Command::new("python3");
    create.args(["-m", "venv", "--clear"]).arg(&folder);
    succeed(&mut create)
        .context("this needs Python 3.10 or later with venv (Debian: python3-venv)")?;
    let mut install = Command::new(programs.join("pip"));
    install
        .args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(requirements);
    succeed(&mut install)?;
    std::fs::write(done, required)?;
    Ok(programs)
}
