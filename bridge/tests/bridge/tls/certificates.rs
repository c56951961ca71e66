//! The certificates of one test.

use std::path::Path;

use stage::certificates::{Authority, Signed};
use stage::scratch::Scratch;

/// Two authorities, of which clients trust one, and certificates.
pub struct Certificates {
    pub trusted: Authority,
    /// An authority that has signed nothing here.
    pub other: Authority,
    /// The certificate of a server at 127.0.0.1.
    pub server: Signed,
    /// The certificate of a server elsewhere.
    pub elsewhere: Signed,
    /// The certificate of a client.
    pub client: Signed,
    _folder: Scratch,
}

impl Certificates {
    pub fn new() -> Self {
        let folder = Scratch::new("certificates").unwrap();
        let trusted = Authority::new(folder.path(), "trusted").unwrap();
        Self {
            other: Authority::new(folder.path(), "other").unwrap(),
            server: trusted.sign("server", &["127.0.0.1"]).unwrap(),
            elsewhere: trusted.sign("elsewhere", &["elsewhere.test"]).unwrap(),
            client: trusted.sign("client", &["bridge"]).unwrap(),
            trusted,
            _folder: folder,
        }
    }
}

/// The path as text.
pub fn text(file: &Path) -> &str {
    file.to_str().unwrap()
}
