//! `allowed_outbound_hosts`: the schemes, hosts and ports that a component may connect to.

use std::ops::Range;

use anyhow::{Context, Result, bail};
use url::{Host, Url};

/// The entries of one component's `allowed_outbound_hosts`.
#[derive(Debug, Default)]
pub struct AllowedHosts(Vec<Allowed>);

#[derive(Debug)]
struct Allowed {
    /// `None` allows every scheme.
    scheme: Option<String>,
    host: AllowedHost,
    ports: AllowedPorts,
}

#[derive(Debug)]
enum AllowedHost {
    Any,
    /// Self-requests only: requests to the application's own HTTP triggers.
    ToSelf,
    /// Every subdomain of a domain, which is stored with a leading dot.
    AnySubdomain(String),
    Exact(Host),
}

#[derive(Debug)]
enum AllowedPorts {
    Any,
    /// `u32`, because the end is exclusive and the last port is 65535.
    Range(Range<u32>),
}

impl AllowedHosts {
    /// Parses entries of the form `<scheme>://<host>[:<port>]`.
    ///
    /// # Errors
    /// When an entry is invalid or uses a feature that this host does not support.
    pub fn parse(hosts: &[String]) -> Result<Self> {
        let allowed = hosts.iter().map(|host| {
            Allowed::parse(host.trim())
                .with_context(|| format!("`allowed_outbound_hosts`: `{host}`"))
        });
        allowed.collect::<Result<_>>().map(Self)
    }

    /// Whether the component may connect to `url`. A URL without a scheme gets `scheme`.
    pub fn allows(&self, url: &str, scheme: &str) -> bool {
        let parsed = match Url::parse(url) {
            Ok(parsed) if parsed.has_host() => Ok(parsed),
            _ => Url::parse(&format!("{scheme}://{url}")),
        };
        let Ok(url) = parsed else { return false };
        // For schemes outside the URL standard, `Url` does not recognise IPv4 addresses. So the host is parsed again.
        let host = url.host_str().and_then(|host| Host::parse(host).ok());
        let port = url.port().or_else(|| default_port(url.scheme()));
        host.is_some_and(|host| {
            self.0
                .iter()
                .any(|allowed| allowed.allows(url.scheme(), &host, port))
        })
    }

    /// Whether the component may send HTTP requests to the application itself.
    pub fn allows_self_requests(&self) -> bool {
        let allows_self = |allowed: &Allowed| {
            matches!(allowed.host, AllowedHost::Any | AllowedHost::ToSelf)
                && allowed
                    .scheme
                    .as_deref()
                    .is_none_or(|scheme| matches!(scheme, "http" | "https"))
        };
        self.0.iter().any(allows_self)
    }
}

impl Allowed {
    fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text
            .split_once("://")
            .context("the scheme is missing; expected `<scheme>://<host>[:<port>]`")?;
        let (host, port) = rest.rsplit_once(':').unwrap_or((rest, ""));
        Ok(Self {
            ports: parse_ports(port.trim_end_matches('/'), scheme)?,
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: parse_host(host.trim_end_matches('/'))?,
        })
    }

    fn allows(&self, scheme: &str, host: &Host, port: Option<u16>) -> bool {
        let host_allowed = match (&self.host, host) {
            (AllowedHost::Any, _) => true,
            (AllowedHost::ToSelf, _) => false,
            (AllowedHost::AnySubdomain(suffix), Host::Domain(name)) => name.ends_with(suffix),
            (AllowedHost::AnySubdomain(_), _) => false,
            (AllowedHost::Exact(allowed), host) => allowed == host,
        };
        let port_allowed = match &self.ports {
            AllowedPorts::Any => true,
            AllowedPorts::Range(range) => port.is_some_and(|port| range.contains(&port.into())),
        };
        host_allowed
            && port_allowed
            && self
                .scheme
                .as_deref()
                .is_none_or(|allowed| allowed == scheme)
    }
}

fn parse_host(host: &str) -> Result<AllowedHost> {
    if host.ends_with("spin.internal") {
        bail!("this host does not support service chaining (`*.spin.internal`)");
    }
    match host {
        "*" => Ok(AllowedHost::Any),
        "self" | "self.alt" => Ok(AllowedHost::ToSelf),
        _ if host.contains('/') => {
            bail!("this host supports neither paths nor networks (CIDR)")
        }
        _ => match host.strip_prefix("*.") {
            Some(domain) if !domain.contains('*') => {
                Ok(AllowedHost::AnySubdomain(format!(".{domain}")))
            }
            None if !host.contains('*') => Ok(AllowedHost::Exact(Host::parse(host)?)),
            _ => bail!("`*` must be the whole host or its first label"),
        },
    }
}

/// One port, a range `<first>..<end>` without its end, or `*`; nothing means the default port of the scheme.
fn parse_ports(ports: &str, scheme: &str) -> Result<AllowedPorts> {
    if ports == "*" {
        return Ok(AllowedPorts::Any);
    }
    let (first, end) = match ports.split_once("..") {
        Some((first, end)) => (parse_port(first)?, u32::from(parse_port(end)?)),
        None if ports.is_empty() => {
            let port = default_port(scheme)
                .context("the port is missing, and the scheme has no default port")?;
            (port, u32::from(port) + 1)
        }
        None => {
            let port = parse_port(ports)?;
            (port, u32::from(port) + 1)
        }
    };
    Ok(AllowedPorts::Range(first.into()..end))
}

fn parse_port(port: &str) -> Result<u16> {
    port.parse()
        .with_context(|| format!("`{port}` is not a port"))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "postgres" => Some(5432),
        "redis" => Some(6379),
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_host_and_port_must_all_match() {
        let hosts = [
            "postgres://127.0.0.1:5433",
            "https://*.example.com",
            "redis://cache",
            "http://localhost:8000..8010",
        ];
        let allowed = AllowedHosts::parse(&hosts.map(String::from)).unwrap();
        for url in ["127.0.0.1:5433", "postgres://u:p%40@127.0.0.1:5433/db"] {
            assert!(allowed.allows(url, "postgres"), "{url}");
        }
        for url in [
            "https://a.example.com/x",
            "redis://cache:6379/1",
            "http://localhost:8009",
        ] {
            assert!(allowed.allows(url, "https"), "{url}");
        }
        for url in [
            "postgres://127.0.0.1",
            "https://example.com",
            "http://a.example.com",
            "redis://cache:1",
            "http://localhost:8010",
        ] {
            assert!(!allowed.allows(url, "https"), "{url}");
        }
        assert!(!allowed.allows_self_requests());
        assert!(AllowedHosts::parse(&["http://api.spin.internal".into()]).is_err());
    }
}
