//! An image in a folder: an OCI image layout (OCI image specification 1.0, "Image Layout") with one image.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Writes a layout.
pub struct Writer<'f>(&'f Path);

impl<'f> Writer<'f> {
    /// A layout in this folder. What was there is removed.
    pub fn new(folder: &'f Path) -> Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder.join("blobs/sha256"))?;
        let version = json!({"imageLayoutVersion": "1.0.0"});
        std::fs::write(folder.join("oci-layout"), version.to_string())?;
        Ok(Self(folder))
    }

    /// Stores content, and returns its descriptor.
    pub fn add(&self, media_type: &str, content: &[u8]) -> Result<Value> {
        let digest = sha256(content);
        std::fs::write(file(self.0, &digest)?, content)?;
        Ok(json!({"mediaType": media_type, "digest": digest, "size": content.len()}))
    }

    /// Makes an image of a configuration, its layers and annotations.
    pub fn finish(self, config: &Value, layers: Vec<Value>, annotations: Value) -> Result<()> {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.add(CONFIG, config.to_string().as_bytes())?,
            "layers": layers,
            "annotations": annotations,
        });
        let manifest = self.add(MANIFEST, manifest.to_string().as_bytes())?;
        let index = json!({"schemaVersion": 2, "manifests": [manifest]});
        std::fs::write(self.0.join("index.json"), index.to_string())?;
        Ok(())
    }
}

/// The digest of content.
pub fn sha256(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hash}")
}

/// The digest of the image in a layout.
pub fn digest(layout: &Path) -> Result<String> {
    let index = json_of(&layout.join("index.json"))?;
    let digest = index["manifests"][0]["digest"].as_str();
    digest.map(str::to_owned).context("the layout has no image")
}

/// The manifest of the image in a layout.
pub fn manifest(layout: &Path) -> Result<Value> {
    json_of(&file(layout, &digest(layout)?)?)
}

/// The JSON that a descriptor describes.
pub fn json(layout: &Path, descriptor: &Value) -> Result<Value> {
    json_of(&content(layout, descriptor)?)
}

/// The file with what a descriptor describes.
pub fn content(layout: &Path, descriptor: &Value) -> Result<PathBuf> {
    let digest = descriptor["digest"].as_str();
    file(layout, digest.context("a descriptor has a digest")?)
}

fn file(layout: &Path, digest: &str) -> Result<PathBuf> {
    let hash = digest.strip_prefix("sha256:");
    let hash = hash.with_context(|| format!("{digest} is no SHA-256 digest"))?;
    Ok(layout.join("blobs/sha256").join(hash))
}

fn json_of(path: &Path) -> Result<Value> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&bytes).with_context(|| path.display().to_string())
}
