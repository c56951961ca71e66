//! Certificates and keys for TLS to Postgres, Redis and Kafka, read from the files that settings name.
//!
//! An error names the setting, because most of them are found at the start and concern nobody but who has set it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, InconsistentKeys, RootCertStore,
    SignatureScheme,
};

/// A setting whose value is the path of a file in PEM format.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub name: &'static str,
    pub file: Option<&'a Path>,
}

impl<'a> Setting<'a> {
    pub fn new(name: &'static str, file: Option<&'a Path>) -> Self {
        Self { name, file }
    }

    /// The contents of the file; none if the setting is not set.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(self) -> anyhow::Result<Option<Vec<u8>>> {
        self.file.map(|file| read(self.name, file)).transpose()
    }

    /// The authorities in the file; none if the setting is not set.
    ///
    /// # Errors
    /// When the file cannot be read, or contains no certificate that can be an authority.
    pub fn authorities(self) -> anyhow::Result<Option<RootCertStore>> {
        let Some(file) = self.file else {
            return Ok(None);
        };
        let mut store = RootCertStore::empty();
        for certificate in certificates(self.name, file)? {
            store.add(certificate).with_context(|| {
                let file = file.display();
                format!(
                    "{}: a certificate in {file} cannot be an authority",
                    self.name
                )
            })?;
        }
        Ok(Some(store))
    }
}

/// The certificate with which a client proves who it is, and its private key.
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

/// Reads the identity of a client; none if neither setting is set.
///
/// # Errors
/// When only one of the settings is set, when a file cannot be read, or when the key does not belong to the certificate.
pub fn identity(certificate: Setting<'_>, key: Setting<'_>) -> anyhow::Result<Option<Identity>> {
    let (chain_file, key_file) = match (certificate.file, key.file) {
        (None, None) => return Ok(None),
        (None, Some(_)) => bail!("{} is not set, although {} is", certificate.name, key.name),
        (Some(_), None) => bail!("{} is not set, although {} is", key.name, certificate.name),
        (Some(chain), Some(key)) => (chain, key),
    };
    let chain = certificates(certificate.name, chain_file)?;
    let private = PrivateKeyDer::from_pem_slice(&read(key.name, key_file)?).map_err(|_| {
        let file = key_file.display();
        anyhow::anyhow!(
            "{}: {file} contains no private key in PEM format without a password",
            key.name
        )
    })?;
    // Other errors mean that rustls does not know the kind of key, which OpenSSL may know.
    if let Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) = CertifiedKey::from_der(
        chain.clone(),
        private.clone_key(),
        &ring::default_provider(),
    ) {
        let certificate = certificate.name;
        bail!(
            "{}: the key does not belong to the certificate of {certificate}",
            key.name
        );
    }
    Ok(Some(Identity {
        chain,
        key: private,
    }))
}

fn read(setting: &str, file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("{setting}: cannot read {}", file.display()))
}

/// The certificates in a file, of which there is at least one.
fn certificates(setting: &str, file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let none = || {
        format!(
            "{setting}: {} contains no certificate in PEM format",
            file.display()
        )
    };
    let found: Vec<_> = CertificateDer::pem_slice_iter(&read(setting, file)?)
        .collect::<Result<_, _>>()
        .with_context(none)?;
    ensure!(!found.is_empty(), none());
    Ok(found)
}

/// The authorities that the operating system trusts. `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
///
/// # Errors
/// When none can be read.
pub fn system_authorities() -> anyhow::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        bail!(
            "the system has no certificates of trusted authorities {}",
            reasons.join(", ")
        );
    }
    Ok(store)
}

/// How the certificate of a server is checked.
#[derive(Debug)]
pub enum Check {
    /// Not at all.
    Nothing,
    /// One of these authorities has signed it.
    Chain(RootCertStore),
    /// One of these authorities has signed it, and it names the host.
    ChainAndHost(RootCertStore),
}

impl Check {
    /// The check as rustls performs it.
    ///
    /// # Errors
    /// When there are no authorities.
    pub fn verifier(
        self,
        provider: Arc<CryptoProvider>,
    ) -> anyhow::Result<Arc<dyn ServerCertVerifier>> {
        let webpki = |authorities: RootCertStore| {
            let provider = provider.clone();
            WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider).build()
        };
        let chain = match self {
            Self::Nothing => None,
            Self::Chain(authorities) => Some(webpki(authorities)?),
            Self::ChainAndHost(authorities) => return Ok(webpki(authorities)?),
        };
        Ok(Arc::new(AnyHost {
            chain,
            algorithms: provider.signature_verification_algorithms,
        }))
    }
}

/// Accepts certificates whatever host they name.
#[derive(Debug)]
struct AnyHost {
    /// Knows the authorities, one of which must have signed the certificate. None if that does not matter either.
    chain: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        // The name is what rustls checks last, so everything else is right if the name is wrong.
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
