//! What a release is made of: a bill of materials in CycloneDX 1.5 for each program and each function.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;
use stage::components::{self, cargo, succeed};
use stage::progress;
use stage::services::install;

const VERSION: &str = "0.5.9";
/// The packages of the programs that a release has.
const PROGRAMS: [&str; 2] = ["bridge", "client-cli"];

/// Writes the bills into a folder, `<package>.cdx.json`.
pub fn write(root: &Path, folder: &Path) -> Result<()> {
    let tool = tool(root)?;
    std::fs::create_dir_all(folder)?;
    let programs = PROGRAMS.map(str::to_owned);
    describe(&tool, root, None, &programs, folder)?;
    let functions = components::packages(root)?;
    describe(&tool, root, Some("wasm32-wasip1"), &functions, folder)?;
    progress::step(format!(
        "the bills of materials are in {}",
        folder.display()
    ));
    Ok(())
}

/// Builds cargo-cyclonedx, unless an earlier run has.
fn tool(root: &Path) -> Result<PathBuf> {
    let folder = install::cache(&format!("cargo-cyclonedx-{VERSION}"))?;
    let tool = folder.join("bin/cargo-cyclonedx");
    if !tool.is_file() {
        progress::step("building cargo-cyclonedx, which takes some minutes");
        let mut build = cargo(root);
        build.args(["install", "--quiet", "--locked", "--root"]);
        build.arg(&folder).arg(format!("cargo-cyclonedx@{VERSION}"));
        succeed(&mut build)?;
    }
    Ok(tool)
}

/// Describes these packages as they are built for a target, this machine if it is not named. The tool writes a file beside the manifest
/// of each package of the workspace.
fn describe(
    tool: &Path,
    root: &Path,
    target: Option<&str>,
    packages: &[String],
    folder: &Path,
) -> Result<()> {
    let mut describe = Command::new(tool);
    describe.current_dir(root);
    describe.args([
        "cyclonedx",
        "--quiet",
        "--format",
        "json",
        "--spec-version",
        "1.5",
    ]);
    describe.args(target.iter().flat_map(|target| ["--target", target]));
    let described = succeed(&mut describe);
    for (name, file) in written(root)? {
        if packages.contains(&name) {
            let to = folder.join(format!("{name}.cdx.json"));
            std::fs::copy(&file, &to).with_context(|| format!("no bill of {name}"))?;
        }
        // It has none if the tool has failed.
        let _ = std::fs::remove_file(&file);
    }
    described
}

/// The packages of the workspace, each with the file that the tool writes for it.
fn written(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut metadata = cargo(root);
    metadata.args(["metadata", "--no-deps", "--format-version=1"]);
    let metadata = metadata.output().context("running cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout)?;
    let packages = metadata["packages"].as_array();
    let files = packages.into_iter().flatten().filter_map(|package| {
        let name = package["name"].as_str()?.to_owned();
        let manifest = Path::new(package["manifest_path"].as_str()?);
        Some((
            name.clone(),
            manifest.with_file_name(format!("{name}.cdx.json")),
        ))
    });
    Ok(files.collect())
}
