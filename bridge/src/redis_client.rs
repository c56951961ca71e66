//! How the bridge reaches Redis.

use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{Client, IntoConnectionInfo};

use crate::config::RedisSettings;
use crate::postgres::{PROBE_AFTER, PROBE_INTERVAL, PROBES, UNACKNOWLEDGED};

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
        .map_err(wrong)?;
    Client::open(server.set_tcp_settings(tcp)).map_err(wrong)
}
