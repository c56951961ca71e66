//! The URL of the database, with the parameters of libpq that say how the connection is encrypted: `sslmode`, `sslrootcert`,
//! `sslcert` and `sslkey`. They mean what they mean in libpq, and tokio-postgres knows only a part of them.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::config::Secret;
use crate::tls::{self, Check, Identity, Setting};

/// The protocol's name in TLS, which a server requires if `sslnegotiation` is `direct`.
const PROTOCOL: &[u8] = b"postgresql";

/// Reads the URL and the files that it names.
///
/// # Errors
/// When the URL is not valid, or when a file is missing or not valid.
pub(super) fn read(url: &Secret) -> anyhow::Result<(Config, MakeRustlsConnect)> {
    let (rest, encryption) = take_apart(url.expose())?;
    let mut config: Config = rest
        .parse()
        .map_err(|_| anyhow::anyhow!("DATABASE_URL is not a Postgres URL"))?;
    config.ssl_mode(match encryption.mode {
        Mode::Disable => SslMode::Disable,
        Mode::Prefer => SslMode::Prefer,
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
    });
    let connector = encryption.connector().context("DATABASE_URL")?;
    Ok((config, connector))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    Disable,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Encryption {
    mode: Mode,
    authorities: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Encryption {
    fn connector(&self) -> anyhow::Result<MakeRustlsConnect> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(self.check()?.verifier(provider)?);
        let mut config = match self.identity()? {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain, identity.key)
                .context("sslkey")?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(MakeRustlsConnect::new(config))
    }

    fn check(&self) -> anyhow::Result<Check> {
        let named = match &self.authorities {
            // The word that libpq has for them.
            Some(file) if file.as_os_str() == "system" => Some(tls::system_authorities()?),
            file => Setting::new("sslrootcert", file.as_deref()).authorities()?,
        };
        Ok(match (self.mode, named) {
            // Nothing is encrypted, so no certificate is seen.
            (Mode::Disable, _) => Check::Nothing,
            (Mode::Prefer | Mode::Require, None) => Check::Nothing,
            (Mode::Prefer | Mode::Require, Some(authorities)) => Check::Chain(authorities),
            (Mode::VerifyCa, named) => Check::Chain(or_system(named)?),
            (Mode::VerifyFull, named) => Check::ChainAndHost(or_system(named)?),
        })
    }

    fn identity(&self) -> anyhow::Result<Option<Identity>> {
        let certificate = Setting::new("sslcert", self.certificate.as_deref());
        tls::identity(certificate, Setting::new("sslkey", self.key.as_deref()))
    }
}

fn or_system(named: Option<RootCertStore>) -> anyhow::Result<RootCertStore> {
    named.map_or_else(tls::system_authorities, Ok)
}

/// Splits a URL into one without the parameters for encryption, and these.
fn take_apart(url: &str) -> anyhow::Result<(String, Encryption)> {
    let mut encryption = Encryption::default();
    // A password may contain a question mark, so the parameters begin at one after the login.
    let after_login = url.find('@').unwrap_or(0);
    let Some((address, parameters)) = url
        .split_at_checked(after_login)
        .and_then(|(login, rest)| Some((login, rest.split_once('?')?)))
        .map(|(login, (rest, parameters))| (format!("{login}{rest}"), parameters))
    else {
        return Ok((url.to_owned(), encryption));
    };
    let mut others = Vec::new();
    for parameter in parameters.split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = || percent_decode_str(value).decode_utf8_lossy().into_owned();
        let file = || Some(PathBuf::from(value()));
        match name {
            "sslmode" => encryption.mode = mode(&value())?,
            "sslrootcert" => encryption.authorities = file(),
            "sslcert" => encryption.certificate = file(),
            "sslkey" => encryption.key = file(),
            _ => others.push(parameter),
        }
    }
    let rest = match others.as_slice() {
        [] => address,
        others => format!("{address}?{}", others.join("&")),
    };
    Ok((rest, encryption))
}

fn mode(name: &str) -> anyhow::Result<Mode> {
    Ok(match name {
        "disable" => Mode::Disable,
        "prefer" => Mode::Prefer,
        "require" => Mode::Require,
        "verify-ca" => Mode::VerifyCa,
        "verify-full" => Mode::VerifyFull,
        _ => bail!(
            "DATABASE_URL: sslmode must be disable, prefer, require, verify-ca or verify-full"
        ),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn parameters_for_encryption_are_taken_out_of_the_url() {
        let url = "postgres://me:a?b@db:6432/x?sslmode=verify-full&connect_timeout=5&sslrootcert=/ca%20s/a.pem&sslcert=c&sslkey=k";
        let (rest, encryption) = take_apart(url).unwrap();
        assert_eq!(rest, "postgres://me:a?b@db:6432/x?connect_timeout=5");
        let expected = Encryption {
            mode: Mode::VerifyFull,
            authorities: Some("/ca s/a.pem".into()),
            certificate: Some("c".into()),
            key: Some("k".into()),
        };
        assert_eq!(encryption, expected);
    }

    #[test]
    fn other_urls_stay_as_they_are() {
        for url in [
            "postgres://db/x",
            "postgres://me@db/x?connect_timeout=5&options=-c%20a%3Db",
            "postgres://me:p?w@db/x",
        ] {
            let (rest, encryption) = take_apart(url).unwrap();
            assert_eq!((rest.as_str(), encryption), (url, Encryption::default()));
        }
        let (rest, _) = take_apart("postgres://db/x?sslmode=disable").unwrap();
        assert_eq!(rest, "postgres://db/x");
    }

    #[test]
    fn errors_say_what_is_wrong_but_not_the_password() {
        for (parameters, reason) in [
            ("sslmode=allow", "DATABASE_URL: sslmode must be"),
            (
                "sslrootcert=/missing.pem",
                "DATABASE_URL: sslrootcert: cannot read /missing.pem",
            ),
            (
                "sslkey=/k",
                "DATABASE_URL: sslcert is not set, although sslkey is",
            ),
            ("sslpassword=x", "DATABASE_URL is not a Postgres URL"),
        ] {
            let url = Secret::new(format!("postgres://me:hunter2@db/x?{parameters}"));
            let error = format!("{:#}", read(&url).err().unwrap());
            assert!(
                error.starts_with(reason) && !error.contains("hunter2"),
                "{parameters}: {error}"
            );
        }
    }
}
