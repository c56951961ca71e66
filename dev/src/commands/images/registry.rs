//! A registry of images, which skopeo speaks to. It takes the login that `docker login` or `buildah login` has stored.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use stage::services::install;

use super::{group, layout};

pub struct Registry {
    /// What comes before the images' names, such as `ghcr.io/owner`.
    prefix: String,
    /// Whether the registry is without TLS.
    insecure: bool,
    skopeo: PathBuf,
}

/// A pushed image.
pub struct Pushed {
    /// Its name without the registry.
    pub image: &'static str,
    /// `registry/image`
    pub name: String,
    /// `sha256:…`
    pub digest: String,
}

impl Registry {
    pub fn new(prefix: String, insecure: bool) -> Result<Self> {
        let advice = "images are pushed with skopeo (Debian and Homebrew: skopeo)";
        let skopeo = install::ensure(|| install::find("skopeo", &[]), &["skopeo"], advice)?;
        Ok(Self {
            prefix,
            insecure,
            skopeo,
        })
    }

    /// Pushes the image of a layout.
    pub async fn push(&self, layout: &Path, image: &'static str, tag: &str) -> Result<Pushed> {
        let name = format!("{}/{image}", self.prefix);
        let (from, to) = (oci(layout), format!("docker://{name}:{tag}"));
        self.copy("--dest-tls-verify", &from, &to).await?;
        let digest = layout::digest(layout)?;
        Ok(Pushed {
            image,
            name,
            digest,
        })
    }

    /// Pulls an image by its digest into a layout.
    pub async fn pull(&self, image: &Pushed, layout: &Path) -> Result<()> {
        let from = format!("docker://{}@{}", image.name, image.digest);
        self.copy("--src-tls-verify", &from, &oci(layout)).await
    }

    async fn copy(&self, verify: &str, from: &str, to: &str) -> Result<()> {
        let mut copy = Command::new(&self.skopeo);
        copy.args(["copy", "--quiet", "--preserve-digests"]);
        copy.arg(format!("{verify}={}", !self.insecure));
        copy.args([from, to]);
        group::succeed(copy).await
    }
}

fn oci(layout: &Path) -> String {
    format!("oci:{}", layout.display())
}
