//! `allowed_outbound_hosts`: which scheme, host and port a component may reach.
use anyhow::{Context, Result, bail};
use url::{Host, Url};

#[derive(Debug, Default)]
pub struct AllowedHosts(Vec<Allowed>);

#[derive(Debug)]
struct Allowed {
    /// `None` is any.
    scheme: Option<String>,
    host: AllowedHost,
    ports: AllowedPorts,
}

#[derive(Debug)]
enum AllowedHost {
    Any,
    /// The application itself, by a relative URL or as `self.alt`.
    Itself,
    /// Kept with its leading dot.
    Subdomains(String),
    Exactly(Host),
}

#[derive(Debug)]
enum AllowedPorts {
    Any,
    Range(std::ops::Range<u32>),
}

impl AllowedHosts {
    pub fn parse(hosts: &[String]) -> Result<Self> {
        let allowed = hosts.iter().map(|host| {
            Allowed::parse(host.trim()).with_context(|| format!("allowed_outbound_hosts: `{host}`"))
        });
        allowed.collect::<Result<_>>().map(Self)
    }

    /// Whether `url` may be reached; `scheme` is put before one that has none.
    pub fn allows(&self, url: &str, scheme: &str) -> bool {
        let parsed = match Url::parse(url) {
            Ok(parsed) if parsed.has_host() => Ok(parsed),
            _ => Url::parse(&format!("{scheme}://{url}")),
        };
        let Ok(url) = parsed else { return false };
        // A scheme that the URL standard does not know leaves even an IPv4 address a mere name.
        let host = url.host_str().and_then(|host| Host::parse(host).ok());
        let port = url.port().or_else(|| well_known_port(url.scheme()));
        host.is_some_and(|host| {
            self.0
                .iter()
                .any(|allowed| allowed.allows(url.scheme(), &host, port))
        })
    }

    pub fn allows_itself(&self) -> bool {
        let itself = |allowed: &Allowed| {
            matches!(allowed.host, AllowedHost::Any | AllowedHost::Itself)
                && allowed
                    .scheme
                    .as_deref()
                    .is_none_or(|scheme| matches!(scheme, "http" | "https"))
        };
        self.0.iter().any(itself)
    }
}

impl Allowed {
    fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text
            .split_once("://")
            .context("has no scheme; the form is <scheme>://<host>[:<port>]")?;
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
            (AllowedHost::Itself, _) => false,
            (AllowedHost::Subdomains(suffix), Host::Domain(name)) => name.ends_with(suffix),
            (AllowedHost::Subdomains(_), _) => false,
            (AllowedHost::Exactly(allowed), host) => allowed == host,
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
        bail!("this host lacks service chaining (*.spin.internal)");
    }
    match host {
        "*" => Ok(AllowedHost::Any),
        "self" | "self.alt" => Ok(AllowedHost::Itself),
        _ if host.contains('/') => {
            bail!("a host with a path or a network; this host takes single hosts only")
        }
        _ => match host.strip_prefix("*.") {
            Some(domain) if !domain.contains('*') => {
                Ok(AllowedHost::Subdomains(format!(".{domain}")))
            }
            None if !host.contains('*') => Ok(AllowedHost::Exactly(Host::parse(host)?)),
            _ => bail!("`*` may only stand for a whole host or its first part"),
        },
    }
}

fn parse_ports(port: &str, scheme: &str) -> Result<AllowedPorts> {
    if port == "*" {
        return Ok(AllowedPorts::Any);
    }
    let (first, end) = match port.split_once("..") {
        Some((first, end)) => (first.parse::<u16>()?, u32::from(end.parse::<u16>()?)),
        None if port.is_empty() => {
            let port = well_known_port(scheme)
                .context("names no port, and its scheme has no usual one")?;
            (port, u32::from(port) + 1)
        }
        None => {
            let port = port
                .parse::<u16>()
                .with_context(|| format!("`{port}` is not a port"))?;
            (port, u32::from(port) + 1)
        }
    };
    Ok(AllowedPorts::Range(first.into()..end))
}

fn well_known_port(scheme: &str) -> Option<u16> {
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
    fn a_host_is_allowed_by_its_scheme_its_name_and_its_port() {
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
        assert!(!allowed.allows_itself());
        assert!(AllowedHosts::parse(&["http://api.spin.internal".into()]).is_err());
    }
}
