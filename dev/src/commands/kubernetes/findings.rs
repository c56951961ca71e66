//! What checkov finds in the overlays. `k8s/tests/checkov.yaml` says why it does not look for some things.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;
use stage::scratch::Scratch;
use tokio::task::JoinHandle;

use crate::commands::{group, python};

/// Installs checkov, which takes half a minute. Returns the folder of its program.
pub fn install(root: &Path) -> JoinHandle<Result<PathBuf>> {
    let root = root.to_owned();
    tokio::task::spawn_blocking(move || {
        python::environment(&root, "checkov", &root.join("k8s/tests/checkov.txt"))
    })
}

/// The objects of overlays, in files that checkov reads.
pub struct Overlays(Scratch);

impl Overlays {
    pub fn new() -> Result<Self> {
        Ok(Self(Scratch::new("checkov")?))
    }

    /// Adds the objects of an overlay.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn add(&self, overlay: &Path, objects: &[Value]) -> Result<()> {
        let name = overlay.file_name().context("an overlay without a name")?;
        let file = self.0.path().join(name).with_extension("yaml");
        // Each is a document of YAML, because JSON is YAML, too.
        let documents = objects.iter().map(|object| format!("---\n{object}\n"));
        std::fs::write(&file, documents.collect::<String>())
            .with_context(|| file.display().to_string())
    }

    /// Runs checkov from this folder.
    ///
    /// # Errors
    /// It finds something.
    pub async fn check(&self, root: &Path, programs: &Path) -> Result<()> {
        let mut checkov = Command::new(programs.join("checkov"));
        checkov
            .arg("--config-file")
            .arg(root.join("k8s/tests/checkov.yaml"))
            .arg("--directory")
            .arg(self.0.path());
        group::succeed(checkov).await
    }
}
