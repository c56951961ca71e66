//! TLS to Postgres, negotiated as `sslmode` says: `prefer` (the default), `require` or `disable`.
//!
//! As on Spin, a server that offers TLS must have a valid certificate in each mode but `disable`: it names the host and is signed by
//! an authority that the operating system trusts. `SSL_CERT_FILE` and `SSL_CERT_DIR` name other authorities.

use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::config::SslMode;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A length of 8 and the code of the request. (PostgreSQL documentation, "Message Formats", SSLRequest)
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const ACCEPTED: u8 = b'S';

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Asks the server for TLS, unless it is disabled. The stream is encrypted if the server accepts.
///
/// # Errors
/// When the server refuses although TLS is required, or when its certificate is not valid for the host.
pub async fn negotiate(
    mut stream: TcpStream,
    host: &str,
    mode: SslMode,
) -> Result<Box<dyn Stream>> {
    if mode == SslMode::Disable {
        return Ok(Box::new(stream));
    }
    stream.write_all(&SSL_REQUEST).await?;
    match stream.read_u8().await? {
        ACCEPTED => {
            let name = ServerName::try_from(host.to_owned())?;
            let encrypted = connector()?.connect(name, stream).await;
            let encrypted = encrypted.context("error performing TLS handshake")?;
            Ok(Box::new(encrypted))
        }
        _ if mode == SslMode::Prefer => Ok(Box::new(stream)),
        _ => bail!("error performing TLS handshake: the server does not support TLS"),
    }
}

/// The certificates are read once, because that takes milliseconds.
fn connector() -> Result<TlsConnector> {
    static TRUSTED: LazyLock<RootCertStore> = LazyLock::new(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            tracing::warn!("a trusted certificate cannot be read: {error}");
        }
        let mut trusted = RootCertStore::empty();
        trusted.add_parsable_certificates(found.certs);
        trusted
    });
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(TRUSTED.clone())
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
