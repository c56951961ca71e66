//! Builds the workspace's test programs, and with them the programs that tests start, and lists their tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use stage::components::{self, Profile};
use stage::progress;

/// One test program.
#[derive(Debug, Clone)]
pub struct Program {
    /// The package's name.
    pub package: String,
    /// The name of the library, program or test that it was built from.
    pub target: String,
    /// Whether it is an integration test. Unit tests touch nothing outside their process.
    pub integration: bool,
    pub executable: PathBuf,
    /// The package's folder, in which `cargo test` would run it.
    pub folder: PathBuf,
}

/// A line of `cargo test --message-format=json`.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Built>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
struct Built {
    test: bool,
}

/// Builds all test programs with one cargo call. Cargo shows what it compiles.
pub fn build(root: &Path) -> Result<Vec<Program>> {
    components::ensure_libraries()?;
    progress::step("building the programs and their tests");
    let output = components::cargo(root)
        .args([
            "test",
            "--no-run",
            "--workspace",
            "--profile",
            Profile::Gate.name(),
        ])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("starting cargo test")?;
    ensure!(
        output.status.success(),
        "the build failed ({})",
        output.status
    );
    let mut programs = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Message>(line) else {
            continue;
        };
        programs.extend(program(message));
    }
    Ok(programs)
}

/// The test program that a message is about, if it is about one.
fn program(message: Message) -> Option<Program> {
    let target = message.target?;
    let folder = message.manifest_path?.parent()?.to_owned();
    (message.reason == "compiler-artifact" && message.profile?.test).then_some(())?;
    Some(Program {
        package: folder.file_name()?.to_str()?.to_owned(),
        target: target.name,
        integration: target.kind.iter().any(|kind| kind == "test"),
        executable: message.executable?,
        folder,
    })
}

impl Program {
    /// The names of its tests.
    pub fn tests(&self) -> Result<Vec<String>> {
        let output = Command::new(&self.executable)
            .args(["--list", "--format", "terse"])
            .current_dir(&self.folder)
            .output()
            .with_context(|| format!("listing the tests of {}", self.executable.display()))?;
        let listed = String::from_utf8(output.stdout)?;
        let names = listed
            .lines()
            .filter_map(|line| line.strip_suffix(": test"));
        Ok(names.map(str::to_owned).collect())
    }
}
