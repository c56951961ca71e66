//! The page of the document: markup, style and script in one answer, under a policy that lets these run and nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::{fs, io};

pub struct Page {
    pub html: String,
    /// The value of `Content-Security-Policy`.
    pub policy: String,
}

pub fn assemble(folder: &Path) -> io::Result<Page> {
    let read = |name: &str| fs::read_to_string(folder.join(name));
    let (style, script) = (read("page.css")?, read("page.js")?);
    let html = read("page.html")?
        .replace("{style}", &style)
        .replace("{script}", &script);
    let policy = format!(
        "default-src 'none'; connect-src 'self'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(&style),
        hash(&script)
    );
    Ok(Page { html, policy })
}

/// How the policy names the text of an element.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}
