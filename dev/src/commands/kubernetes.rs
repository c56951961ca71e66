//! `cargo dev kubernetes`: checks `k8s/` on a real API server, which has the definitions of all custom resources and the rules of SpinKube's
//! operator, but runs nothing.

mod apps;
mod broken;
mod cluster;
mod combinations;
mod findings;
mod lists;
mod pods;
mod program;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;
use stage::progress;
use stage::system::workspace;

use self::apps::Manifest;
use self::cluster::Cluster;
use self::findings::Overlays;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Folder with the definitions of the custom resources that k8s/ uses; `k8s/tests/definitions.sh` downloads them
    #[arg(long, env = "SPINDLE_CRDS", default_value = ".dev/crds")]
    crds: PathBuf,
}

pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    super::until_stopped(async { check(&arguments).await.map(|()| true) }).await
}

async fn check(arguments: &Arguments) -> Result<()> {
    let root = workspace();
    let crds = root.join(&arguments.crds);
    ensure!(
        crds.is_dir(),
        "{} is no folder: run k8s/tests/definitions.sh, or name another one with --crds",
        crds.display()
    );
    let manifest = Manifest::read(&root)?;
    let checkov = findings::install(&root);
    let overlays = Overlays::new()?;
    let cluster = Cluster::start(&root, &crds).await?;
    let checked = check_on(&cluster, &root, &manifest, &overlays).await;
    cluster.stop().await;
    checked?;
    overlays.check(&root, &checkov.await??).await?;
    progress::step("checkov finds nothing that has no answer");
    Ok(())
}

async fn check_on(
    cluster: &Cluster,
    root: &Path,
    manifest: &Manifest,
    overlays: &Overlays,
) -> Result<()> {
    let base = dry_run(cluster, &root.join("k8s/base"))
        .await
        .context("k8s/base")?;
    for overlay in folders(&root.join("k8s/overlays"))? {
        let name = overlay.strip_prefix(root)?.display().to_string();
        let objects = dry_run(cluster, &overlay).await;
        let objects = objects.and_then(|objects| whole(objects, &base, manifest));
        let objects = objects.with_context(|| name.clone())?;
        overlays.add(&overlay, &objects)?;
        progress::step(format!("{name}: {} objects", objects.len()));
    }
    let combinations = combinations::all(root)?;
    let copy = combinations::Copy::new(root)?;
    for components in &combinations {
        let objects = dry_run(cluster, &copy.write(components)?).await;
        let objects = objects.and_then(|objects| whole(objects, &base, manifest));
        objects.with_context(|| format!("the base with {}", components.join(", ")))?;
    }
    progress::step(format!("{} combinations of components", combinations.len()));
    let refused = broken::check(cluster, &root.join("k8s/tests/broken")).await?;
    progress::step(format!("{refused} broken manifests are refused"));
    pods::check(cluster, &root.join("k8s")).await?;
    progress::step("a Deployment of the operator gets what a SpinApp cannot say");
    Ok(())
}

/// Returns the objects, if no patch has lost what they need.
fn whole(objects: Vec<Value>, base: &[Value], manifest: &Manifest) -> Result<Vec<Value>> {
    manifest.check(&objects)?;
    lists::check(base, &objects)?;
    lists::check_logins(&objects)?;
    Ok(objects)
}

/// The folders in a folder, by name.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Lets the API server check all objects of a folder, without storing them. Returns them as the server would store them.
async fn dry_run(cluster: &Cluster, folder: &Path) -> Result<Vec<Value>> {
    let folder = folder.display().to_string();
    let text = cluster.kubectl(&["kustomize", &folder], None).await?;
    let answer = cluster
        .apply(&text.out, &["--dry-run=server", "-o", "json"])
        .await?;
    ensure!(answer.errors.is_empty(), "a warning: {}", answer.errors);
    let mut list: Value = serde_json::from_str(&answer.out)?;
    match list.get_mut("items").map(Value::take) {
        Some(Value::Array(objects)) => Ok(objects),
        _ => bail!("no list of objects: {}", answer.out),
    }
}
