//! `cargo dev images`: makes the images of a release, of the bridge and of the Spin application, as folders, and pushes them.
#![allow(
    clippy::indexing_slicing,
    reason = "indexing a JSON value with an absent member yields null"
)]

mod application;
mod bridge;
mod check;
mod layout;
mod registry;
mod sbom;
mod unpack;
mod upgrade;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use stage::components::{self, Profile};
use stage::progress;
use stage::system::{Runtime, workspace};

use self::registry::{Pushed, Registry};
use super::group;

/// The names of the images, which k8s/ has, too.
const BRIDGE: &str = "spindle-bridge";
const APPLICATION: &str = "spindle-app";

#[derive(Debug, Args)]
pub struct Arguments {
    /// Registry, and what comes before the images' names, to push them to, such as ghcr.io/owner
    #[arg(long)]
    push: Option<String>,
    /// Tag of the images
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
    /// Whether the registry is without TLS
    #[arg(long)]
    insecure: bool,
    /// Push to a registry on loopback, pull by digest, and run the system from what was pulled
    #[arg(long, conflicts_with_all = ["push", "insecure"])]
    check: bool,
    /// Run the release whose images are in this folder, update it to this one under load, and take it back
    #[arg(long, conflicts_with_all = ["push", "insecure", "check"], value_name = "FOLDER")]
    upgrade: Option<PathBuf>,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let root = workspace();
    let folder = components::target(&root).join("images");
    if arguments.check || arguments.upgrade.is_some() {
        let previous = arguments
            .upgrade
            .map(|release| upgrade::other(&release, &folder));
        let previous = previous.transpose()?;
        super::build(&root, Profile::Gate, &Runtime::Embedded).await?;
        make(&root, Profile::Gate, &folder)?;
        return match previous {
            Some(previous) => upgrade::run(&previous, &folder).await,
            None => check::run(&folder, &arguments.tag).await,
        };
    }
    components::build_programs(&root, Profile::Release, &["bridge"])?;
    components::build_wasm(&root, &components::packages(&root)?)?;
    make(&root, Profile::Release, &folder)?;
    sbom::write(&root, &folder.join("sbom"))?;
    if let Some(prefix) = arguments.push {
        let registry = Registry::new(prefix, arguments.insecure)?;
        let images = push(&registry, &folder, &arguments.tag).await?;
        let file = folder.join("kustomization.yaml");
        std::fs::write(&file, pinned(&images))?;
        progress::step(format!("{} pins the images", file.display()));
    }
    Ok(())
}

/// Writes both images into folders of this folder.
fn make(root: &Path, profile: Profile, folder: &Path) -> Result<()> {
    bridge::write(
        &components::program(root, profile, "bridge"),
        &folder.join(BRIDGE),
    )?;
    application::write(root, &folder.join(APPLICATION))?;
    progress::step(format!(
        "{BRIDGE} and {APPLICATION} are in {}",
        folder.display()
    ));
    Ok(())
}

/// Pushes both images, first that of the bridge.
async fn push(registry: &Registry, folder: &Path, tag: &str) -> Result<[Pushed; 2]> {
    let bridge = registry.push(&folder.join(BRIDGE), BRIDGE, tag).await?;
    let application = registry
        .push(&folder.join(APPLICATION), APPLICATION, tag)
        .await?;
    for image in [&bridge, &application] {
        progress::step(format!("pushed {}@{}", image.name, image.digest));
    }
    Ok([bridge, application])
}

/// A component of Kustomize that names the images by digest.
fn pinned(images: &[Pushed]) -> String {
    let mut text =
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages:\n".to_owned();
    for Pushed {
        image,
        name,
        digest,
    } in images
    {
        text += &format!("  - {{name: {image}, newName: {name}, digest: \"{digest}\"}}\n");
    }
    text
}
