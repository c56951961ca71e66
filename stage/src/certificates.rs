//! Certificates for tests of TLS: an authority, and the certificates that it signs, as files in PEM format.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// An authority that signs certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
    /// The file with its own certificate.
    pub file: PathBuf,
}

/// A signed certificate.
pub struct Signed {
    /// The file with the certificate.
    pub certificate: PathBuf,
    /// The file with its private key.
    pub key: PathBuf,
    /// A file with both, the key first.
    pub both: PathBuf,
}

impl Authority {
    /// Creates an authority, which writes its files into `folder`.
    pub fn new(folder: &Path, name: &str) -> Result<Self> {
        let mut parameters = CertificateParams::default();
        // OpenSSL takes a certificate with the name of its authority for that authority's own.
        parameters
            .distinguished_name
            .push(DnType::CommonName, format!("authority {name}"));
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?;
        let file = folder.join(format!("{name}.pem"));
        fs::write(&file, issuer.pem())?;
        Ok(Self {
            issuer,
            folder: folder.to_owned(),
            file,
        })
    }

    /// Signs a certificate that names these hosts.
    pub fn sign(&self, name: &str, hosts: &[&str]) -> Result<Signed> {
        let key = KeyPair::generate()?;
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        let mut parameters = CertificateParams::new(hosts)?;
        parameters.distinguished_name.push(DnType::CommonName, name);
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        let (certificate, key) = (certificate.pem(), key.serialize_pem());
        let write = |extension: &str, text: &str| {
            let file = self.folder.join(format!("{name}.{extension}"));
            fs::write(&file, text)?;
            anyhow::Ok(file)
        };
        Ok(Signed {
            certificate: write("crt", &certificate)?,
            key: write("key", &key)?,
            both: write("both.pem", &format!("{key}{certificate}"))?,
        })
    }
}
