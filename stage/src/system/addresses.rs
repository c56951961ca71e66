//! The addresses of a system: where its programs listen, and where its servers are.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use url::Url;

use super::options::SystemOptions;
use crate::ports;

pub(super) fn host_listens(options: &SystemOptions) -> Result<Vec<SocketAddr>> {
    let requested = |number| options.listen.filter(|_| number == 0);
    (0..options.hosts)
        .map(|number| listen_address("the API", requested(number)))
        .collect()
}

pub(super) fn bridge_listens(options: &SystemOptions) -> Result<Vec<SocketAddr>> {
    let requested = |number| options.bridge_listen.filter(|_| number == 0);
    (0..options.bridges)
        .map(|number| listen_address("the bridge", requested(number)))
        .collect()
}

pub(super) fn live_listens(options: &SystemOptions) -> Result<Vec<SocketAddr>> {
    let requested = |number| options.live_listen.filter(|_| number == 0);
    (0..options.bridges)
        .map(|number| listen_address("the gateway", requested(number)))
        .collect()
}

/// The requested address if it is free, or a free loopback port if no address is requested.
pub fn listen_address(who: &str, requested: Option<SocketAddr>) -> Result<SocketAddr> {
    let Some(address) = requested else {
        return Ok(SocketAddr::from(([127, 0, 0, 1], ports::free()?)));
    };
    std::net::TcpListener::bind(address).with_context(|| {
        format!("{who} cannot listen on {address} (another address: --listen, --bridge-listen, --live-listen)")
    })?;
    Ok(address)
}

/// `host:port` of a database's server.
pub(super) fn postgres_address(url: &Url) -> String {
    address(url, 5432)
}

/// `host:port` of Redis.
pub(super) fn redis_address(url: &Url) -> String {
    address(url, 6379)
}

/// `host:port` of a server. The URL was checked to name a host.
fn address(url: &Url, default_port: u16) -> String {
    let (host, port) = (url.host_str(), url.port());
    format!(
        "{}:{}",
        host.unwrap_or_default(),
        port.unwrap_or(default_port)
    )
}
