//! How the bridge reaches Redis.

use anyhow::ensure;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo, TlsCertificates};

use crate::config::RedisSettings;
use crate::postgres::{PROBE_AFTER, PROBE_INTERVAL, PROBES, UNACKNOWLEDGED};
use crate::tls::{self, Setting};

/// A client whose connections notice a server that vanished without a word. It connects to nothing yet.
///
/// # Errors
/// When the settings are not valid.
pub fn open(settings: &RedisSettings) -> anyhow::Result<Client> {
    let wrong = |_| anyhow::anyhow!("REDIS_URL is not a Redis URL");
    let keepalive = TcpKeepalive::new()
        .with_time(PROBE_AFTER)
        .with_interval(PROBE_INTERVAL)
        .with_retries(PROBES);
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(UNACKNOWLEDGED);
    let server = settings
        .redis_url
        .expose()
        .into_connection_info()
        .map_err(wrong)?
        .set_tcp_settings(tcp);
    match (server.addr(), certificates(settings)?) {
        (ConnectionAddr::TcpTls { insecure, .. }, certificates) => {
            ensure!(
                !insecure,
                "REDIS_URL must not end with #insecure: name the authorities in REDIS_CA_FILE"
            );
            Client::build_with_tls(server, certificates).map_err(wrong)
        }
        (
            _,
            TlsCertificates {
                client_tls: None,
                root_cert: None,
            },
        ) => Client::open(server).map_err(wrong),
        _ => anyhow::bail!(
            "REDIS_CA_FILE, REDIS_CERTIFICATE_FILE and REDIS_KEY_FILE have no effect, because REDIS_URL does not begin with rediss://"
        ),
    }
}

/// Reads the files that the settings name. They are checked here, because the client's errors do not name the settings.
fn certificates(settings: &RedisSettings) -> anyhow::Result<TlsCertificates> {
    let authorities = Setting::new("REDIS_CA_FILE", settings.redis_ca_file.as_deref());
    let certificate = settings.redis_certificate_file.as_deref();
    let certificate = Setting::new("REDIS_CERTIFICATE_FILE", certificate);
    let key = Setting::new("REDIS_KEY_FILE", settings.redis_key_file.as_deref());
    authorities.authorities()?;
    tls::identity(certificate, key)?;
    let client_tls = match (certificate.read()?, key.read()?) {
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig {
            client_cert,
            client_key,
        }),
        _ => None,
    };
    Ok(TlsCertificates {
        client_tls,
        root_cert: authorities.read()?,
    })
}
