//! The settings of the gateway, which serves live connections.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

/// Where live connections are served, and for whom.
#[derive(Args, Clone, Debug)]
pub struct LiveSettings {
    /// Address and port on which the gateway serves /live and /live/events. Without it this bridge has no gateway. A proxy in front
    /// of it does TLS.
    #[arg(long, env = "LIVE_LISTEN")]
    pub live_listen: Option<SocketAddr>,
    /// Origins of web pages that may open live connections, separated by commas, such as https://tasks.example.org. Clients
    /// that are no browsers need none.
    #[arg(long, env = "LIVE_ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub live_origins: Vec<String>,
    /// Seconds between two pings, 1 to 60. A client that does not answer is given up after as many seconds more. Proxies in
    /// between must allow a silence of this length.
    #[arg(long, env = "LIVE_PING_SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub live_ping_seconds: u64,
    /// Memory for the newest messages, with which clients resume that were away for a moment, in MiB, 1 to 4096.
    #[arg(long, env = "LIVE_RING_MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub live_ring_mib: u32,
}

impl LiveSettings {
    pub fn ping(&self) -> Duration {
        Duration::from_secs(self.live_ping_seconds)
    }

    pub fn ring_bytes(&self) -> usize {
        usize::try_from(self.live_ring_mib)
            .unwrap_or(usize::MAX)
            .saturating_mul(1024 * 1024)
    }
}

/// An origin in the form in which browsers send it.
fn origin(value: &str) -> Result<String, &'static str> {
    let value = value.trim();
    let host = value
        .strip_prefix("https://")
        .or_else(|| value.strip_prefix("http://"));
    let allowed = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-._:[]".contains(letter)
    };
    match host.is_some_and(|host| !host.is_empty() && host.chars().all(allowed)) {
        true => Ok(value.to_owned()),
        false => Err("expected https:// and a host in lower case, without a path"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_browsers_send() {
        for fine in ["https://a.org", " http://localhost:8080"] {
            assert_eq!(origin(fine).as_deref(), Ok(fine.trim()));
        }
        for wrong in [
            "",
            "*",
            "a.org",
            "https://",
            "https://a.org/",
            "https://A.org",
        ] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
