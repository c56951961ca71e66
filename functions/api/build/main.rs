//! Builds the OpenAPI document and the HTML page that shows it. The API sends them as they are.
//!
//! `openapi/` contains the document in parts. Headers, parameters and problems that many operations share are added here, so
//! that no operation lacks them.
#![allow(
    clippy::indexing_slicing,
    reason = "indexing a JSON value by a missing member gives null, and a panic here only fails the build"
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
    write(&out, "openapi.json", &text)?;
    let read = |name: &str| fs::read_to_string(Path::new("docs").join(name));
    let page = read("page.html")?
        .replace("{style}", &read("page.css")?)
        .replace("{script}", &read("page.js")?);
    write(&out, "docs.html", &page)
}

/// Writes a file, and its entity tag to another file beside it.
fn write(out: &Path, name: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    fs::write(out.join(name), text)?;
    fs::write(out.join(format!("{name}.etag")), tag)?;
    Ok(())
}
