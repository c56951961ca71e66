//! The components of `k8s/components`, together as an installation may combine them: one event log, one Postgres, and any of the others.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use stage::components::succeed;
use stage::scratch::Scratch;

/// A component that others include.
const PART: &str = "kafka-login";

/// All combinations worth checking: each log with each Postgres, without other components and with all; and each other component alone.
///
/// # Errors
/// The components cannot be listed.
pub fn all(root: &Path) -> Result<Vec<Vec<String>>> {
    let folders = super::folders(&root.join("k8s/components"))?;
    let names = folders
        .iter()
        .filter_map(|folder| folder.file_name()?.to_str());
    let names: Vec<_> = names.filter(|name| *name != PART).collect();
    let (logs, others): (Vec<_>, Vec<_>) = names
        .into_iter()
        .partition(|name| name.starts_with("kafka-"));
    let (databases, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|name| name.contains("postgres"));
    // Without a log of Kafka, Postgres keeps it.
    let logs = logs.into_iter().map(Some).chain([None]);
    let mut combinations: Vec<Vec<&str>> = others.iter().map(|other| vec![*other]).collect();
    for log in logs {
        for database in &databases {
            let pair: Vec<_> = log.into_iter().chain([*database]).collect();
            combinations.push(pair.iter().chain(&others).copied().collect());
            combinations.push(pair);
        }
    }
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    Ok(combinations.into_iter().map(owned).collect())
}

/// A copy of `k8s/`, beside which combinations are written: Kustomize takes relative paths only.
pub struct Copy(Scratch);

impl Copy {
    pub fn new(root: &Path) -> Result<Self> {
        let scratch = Scratch::new("combinations")?;
        let mut copy = Command::new("cp");
        copy.arg("-r").arg(root.join("k8s")).arg(scratch.path());
        succeed(&mut copy)?;
        Ok(Self(scratch))
    }

    /// Writes the base with these components. Returns the folder.
    pub fn write(&self, components: &[String]) -> Result<std::path::PathBuf> {
        let mut text = "resources: [../k8s/base]\nnamespace: spindle\ncomponents:\n".to_owned();
        for component in components {
            writeln!(text, "  - ../k8s/components/{component}")?;
        }
        let folder = self.0.path().join("combination");
        std::fs::create_dir_all(&folder)?;
        let file = folder.join("kustomization.yaml");
        std::fs::write(&file, text).with_context(|| file.display().to_string())?;
        Ok(folder)
    }
}
