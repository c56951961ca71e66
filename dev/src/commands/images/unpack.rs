//! Makes programs that can be run of the images of a release.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{APPLICATION, BRIDGE, application, group, layout};

/// What runs a release.
pub struct Programs {
    pub bridge: PathBuf,
    /// The application in Spin's locked form.
    pub application: PathBuf,
}

/// Unpacks the images that are in a folder into another one. Their layers stay where they are.
pub async fn programs(images: &Path, folder: &Path) -> Result<Programs> {
    let application = folder.join("spin.lock");
    std::fs::create_dir_all(folder)?;
    application::unlock(&images.join(APPLICATION), &application)?;
    Ok(Programs {
        bridge: bridge(&images.join(BRIDGE), folder).await?,
        application,
    })
}

/// Unpacks the bridge's image. Returns a program that runs it in its own root folder, as the user that the image names.
async fn bridge(layout: &Path, folder: &Path) -> Result<PathBuf> {
    ensure!(
        nix::unistd::geteuid().is_root(),
        "only root can run the bridge as the user of its image"
    );
    let root = folder.join("root");
    std::fs::create_dir_all(&root)?;
    let manifest = layout::manifest(layout)?;
    for layer in manifest["layers"].as_array().into_iter().flatten() {
        let mut extract = Command::new("tar");
        extract.arg("--extract").arg("--directory").arg(&root);
        extract.arg("--file").arg(layout::content(layout, layer)?);
        group::succeed(extract).await?;
    }
    let config = layout::json(layout, &manifest["config"])?;
    let user = config["config"]["User"].as_str();
    let program = config["config"]["Entrypoint"][0].as_str();
    let script = format!(
        "#!/bin/sh\nexec chroot --userspec={} {} {} \"$@\"\n",
        user.context("the image names no user")?,
        root.display(),
        program.context("the image names no program")?,
    );
    let file = folder.join("run-bridge");
    std::fs::write(&file, script)?;
    std::fs::set_permissions(&file, Permissions::from_mode(0o755))?;
    Ok(file)
}
