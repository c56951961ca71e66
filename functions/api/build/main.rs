//! Makes the OpenAPI document and the page that shows it, so that a request only has to send them.
//!
//! `openapi/` holds the document in parts; every file is a part of the whole. What is true of every operation is added
//! here, so that it is written once and cannot be forgotten.
#![allow(
    clippy::indexing_slicing,
    reason = "a member that a JSON value lacks reads as null, and a panic here stops the build"
)]

mod complete;
mod merge;
mod problems;
mod shorthand;

use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    for folder in ["build", "openapi", "docs"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut document = merge::folder(Path::new("openapi"))?;
    problems::expand(&mut document)?;
    shorthand::expand(&mut document);
    complete::timezones(&mut document);
    complete::operations(&mut document)?;
    let text = serde_json::to_string(&document)?;
    keep(&out, "openapi.json", &text)?;
    let read = |name: &str| fs::read_to_string(Path::new("docs").join(name));
    let page = read("page.html")?
        .replace("{style}", &read("page.css")?)
        .replace("{script}", &read("page.js")?);
    keep(&out, "docs.html", &page)
}

/// Writes a file and, beside it, the entity tag that it is served with.
fn keep(out: &Path, name: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    fs::write(out.join(name), text)?;
    fs::write(out.join(format!("{name}.etag")), tag)?;
    Ok(())
}
