//! The connections between the parts of a system, each through a proxy that can break it.

use anyhow::{Context, Result};

use super::plan::{bridge_name, host_name};
use crate::ports;
use crate::proxy::Proxy;

/// The name of the clients of the API, which are no part of the system.
pub const CLIENTS: &str = "clients";

/// The proxy between two parts.
#[derive(Debug)]
pub struct Link {
    /// The part that connects, such as `bridge-0`. Agents of `functions` connect to their own API.
    from: String,
    /// The part that it connects to: `functions` or a server.
    to: &'static str,
    proxy: Proxy,
}

impl Link {
    pub fn from(&self) -> &str {
        &self.from
    }

    pub fn to(&self) -> &str {
        self.to
    }

    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }
}

/// All proxies of a system. A system without proxies has none.
#[derive(Debug, Default)]
pub(super) struct Links(Vec<Link>);

/// The addresses of what the parts connect to.
pub(super) struct Servers {
    /// Of each program that runs the functions.
    pub(super) functions: Vec<String>,
    pub(super) postgres: String,
    pub(super) redis: String,
    /// For each bridge, the port at which Kafka advertises itself, and the address behind it.
    pub(super) kafka: Vec<(u16, String)>,
}

impl Links {
    /// Puts a proxy between the clients and the API, between the agents of each process and its own API, and between each of Spindle's
    /// programs and each server that it uses.
    pub(super) async fn connect(&mut self, servers: &Servers, bridges: usize) -> Result<()> {
        let api = servers.functions.first().context("there is no API")?;
        self.add(CLIENTS, "functions", ports::free()?, api).await?;
        for (number, api) in servers.functions.iter().enumerate() {
            self.add(&host_name(number), "functions", ports::free()?, api)
                .await?;
        }
        let hosts = (0..servers.functions.len()).map(host_name);
        for name in hosts.chain((0..bridges).map(bridge_name)) {
            let (postgres, redis) = (&servers.postgres, &servers.redis);
            self.add(&name, "postgres", ports::free()?, postgres)
                .await?;
            self.add(&name, "redis", ports::free()?, redis).await?;
        }
        for (number, (port, address)) in servers.kafka.iter().enumerate() {
            self.add(&bridge_name(number), "kafka", *port, address)
                .await?;
        }
        Ok(())
    }

    async fn add(&mut self, from: &str, to: &'static str, port: u16, target: &str) -> Result<()> {
        let proxy = Proxy::start_on(port, target).await?;
        let from = from.to_owned();
        self.0.push(Link { from, to, proxy });
        Ok(())
    }

    pub(super) fn all(&self) -> &[Link] {
        &self.0
    }

    pub(super) fn find(&self, from: &str, to: &str) -> Result<&Link> {
        let mut links = self.0.iter();
        links
            .find(|link| link.from == from && link.to == to)
            .with_context(|| format!("there is no proxy between {from} and {to}"))
    }

    /// The address at which `from` reaches `to`: that of the proxy between them, or else the server's own.
    pub(super) fn address(&self, from: &str, to: &str, own: String) -> String {
        self.find(from, to).map_or(own, |link| link.proxy.address())
    }
}
