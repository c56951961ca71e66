//! Addresses of push services. Clients send them, so only those of known services are used: otherwise a client could make the server
//! send requests to any address.

use std::net::Ipv4Addr;

/// The known push services, as the setting `push_hosts` lists them: `fcm.googleapis.com, *.push.services.mozilla.com`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushHosts(Vec<Pattern>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Host(String),
    /// All hosts below this one, but not this one.
    Below(String),
    /// The origin of a push service on this machine, which is for development. It needs no certificate, so its scheme is http.
    Loopback(String),
}

impl PushHosts {
    /// Parses the setting: names of hosts, separated by commas. `*.` before a name stands for all hosts below it. An entry can also be an
    /// origin on this machine with its port, such as `http://127.0.0.1:8025`. An empty setting allows none.
    ///
    /// # Errors
    /// A message that names the wrong entry.
    pub fn parse(setting: &str) -> Result<Self, String> {
        let entries = setting.split(',').map(str::trim);
        let patterns = entries.filter(|entry| !entry.is_empty()).map(|entry| {
            let lower = entry.to_ascii_lowercase();
            if is_loopback_origin(&lower) {
                return Ok(Pattern::Loopback(lower));
            }
            let (name, is_below) = match lower.strip_prefix("*.") {
                Some(name) => (name, true),
                None => (lower.as_str(), false),
            };
            if !is_host_name(name) {
                return Err(format!(
                    "`{entry}` is neither the name of a host, such as fcm.googleapis.com or *.push.services.mozilla.com, nor an origin on this machine, such as http://127.0.0.1:8025"
                ));
            }
            Ok(match is_below {
                true => Pattern::Below(name.to_owned()),
                false => Pattern::Host(name.to_owned()),
            })
        });
        patterns.collect::<Result<_, _>>().map(Self)
    }

    fn allows_host(&self, host: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            Pattern::Host(name) => host == name,
            Pattern::Below(name) => host
                .strip_suffix(name.as_str())
                .is_some_and(|labels| labels.len() > 1 && labels.ends_with('.')),
            Pattern::Loopback(_) => false,
        })
    }

    fn allows_loopback(&self, origin: &str) -> bool {
        self.0
            .iter()
            .any(|pattern| matches!(pattern, Pattern::Loopback(known) if known == origin))
    }
}

/// Whether a text in lower case is the origin of a server that only this machine can reach: a literal name, and a port that browsers print.
fn is_loopback_origin(text: &str) -> bool {
    ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"]
        .iter()
        .filter_map(|start| text.strip_prefix(start))
        // Browsers leave 80 out, which is the port of http.
        .any(|port| match port.parse::<u16>() {
            Ok(number) => number != 0 && number != 80 && number.to_string() == port,
            Err(_) => false,
        })
}

/// A name of at least two labels, whose last one is no number, so that it is not an IP address.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(is_allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && name.contains('.')
        && name.split('.').all(is_label)
        && !top.bytes().all(|byte| byte.is_ascii_digit())
}

/// The address of a subscription at a known push service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    origin: String,
}

impl Endpoint {
    /// Parses an https URL, or an http URL at an origin on this machine that `hosts` lists.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str, hosts: &PushHosts) -> Result<Self, &'static str> {
        const NOT_HTTPS: &str = "must be a URL that begins with https://";
        let (is_secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://"))
        {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(NOT_HTTPS),
        };
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if !text.bytes().all(is_allowed) {
            return Err("must be a URL, in which other characters are percent-encoded");
        }
        if text.contains('#') {
            return Err("must not have a fragment");
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let path = rest.strip_prefix(authority).unwrap_or_default();
        let host = authority.to_ascii_lowercase();
        let origin = match is_secure {
            true => format!("https://{}", known_host(&host, hosts)?),
            false => Some(format!("http://{host}"))
                .filter(|origin| hosts.allows_loopback(origin))
                .ok_or(NOT_HTTPS)?,
        };
        Ok(Self {
            url: format!("{origin}{path}"),
            origin,
        })
    }

    /// The URL, with the host in lower case.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The origin, such as `https://fcm.googleapis.com`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// Checks the authority of an https URL, in lower case.
fn known_host<'a>(authority: &'a str, hosts: &PushHosts) -> Result<&'a str, &'static str> {
    if authority.contains('@') {
        return Err("must not have a user name or password");
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if authority.contains('[') || is_number(authority) || authority.parse::<Ipv4Addr>().is_ok() {
        return Err("must have the name of a host, not an IP address");
    }
    if authority.contains(':') {
        return Err("must not have a port");
    }
    match hosts.allows_host(authority) {
        true => Ok(authority),
        false => Err("must be the address of a push service that this server knows"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Result<Endpoint, &'static str> {
        let setting = "fcm.googleapis.com, *.push.services.mozilla.com,*.Notify.Windows.com,";
        Endpoint::parse(text, &PushHosts::parse(setting).unwrap())
    }

    #[test]
    fn known_services_are_allowed() {
        for (text, origin) in [
            (
                "https://fcm.googleapis.com/fcm/send/c:APA91-_x",
                "https://fcm.googleapis.com",
            ),
            (
                "https://updates.push.services.mozilla.com/wpush/v2/gAAA?a=b%20c",
                "https://updates.push.services.mozilla.com",
            ),
            (
                "https://a.b.push.services.mozilla.com/",
                "https://a.b.push.services.mozilla.com",
            ),
            (
                "https://WNS2-db5p.notify.windows.com/w/?token=BQY",
                "https://wns2-db5p.notify.windows.com",
            ),
            ("https://fcm.googleapis.com", "https://fcm.googleapis.com"),
        ] {
            let endpoint = endpoint(text).unwrap();
            assert_eq!(endpoint.origin(), origin);
            assert!(endpoint.url().eq_ignore_ascii_case(text));
            assert!(endpoint.url().starts_with(origin));
        }
    }

    #[test]
    fn other_addresses_are_refused_with_the_reason() {
        for (text, reason) in [
            ("", "begins with https://"),
            ("http://fcm.googleapis.com/x", "begins with https://"),
            ("HTTPS://fcm.googleapis.com/x", "begins with https://"),
            ("//fcm.googleapis.com/x", "begins with https://"),
            ("https://fcm.googleapis.com:443/x", "port"),
            ("https://fcm.googleapis.com:/x", "port"),
            ("https://fcm.googleapis.com@evil.example/x", "user name"),
            ("https://a:b@fcm.googleapis.com/x", "user name"),
            ("https://127.0.0.1/x", "IP address"),
            ("https://2130706433/x", "IP address"),
            ("https://[::1]/x", "IP address"),
            ("https://[::1]:443/x", "IP address"),
            ("https://0x7f.1/x", "push service"),
            ("https://localhost/x", "push service"),
            ("https:///fcm.googleapis.com/x", "push service"),
            ("https://evil.example/fcm.googleapis.com", "push service"),
            ("https://fcm.googleapis.com.evil.example/", "push service"),
            ("https://evilfcm.googleapis.com/", "push service"),
            ("https://a.fcm.googleapis.com/", "push service"),
            ("https://fcm.googleapis.com./x", "push service"),
            ("https://push.services.mozilla.com/x", "push service"),
            ("https://.push.services.mozilla.com/x", "push service"),
            ("https://evilpush.services.mozilla.com/x", "push service"),
            ("https://fcm.googleapis.com%2eevil.example/", "push service"),
            ("https://evil.example?.notify.windows.com/x", "push service"),
            ("https://evil.example\\.notify.windows.com/", "characters"),
            ("https://evil.example#.notify.windows.com/", "fragment"),
            ("https://fcm.googleapis.com/a b", "characters"),
            ("https://fcm.googleapis.com/a\r\nHost: x", "characters"),
            ("https://fcm.googleapis.com/é", "characters"),
            ("https://fcm.googleapis.com/x#y", "fragment"),
        ] {
            let detail = endpoint(text).unwrap_err();
            assert!(detail.contains(reason), "{text}: {detail}");
        }
        let url = "https://fcm.googleapis.com/x";
        assert!(Endpoint::parse(url, &PushHosts::parse(" ").unwrap()).is_err());
    }

    #[test]
    fn a_listed_origin_on_this_machine_is_allowed() {
        for origin in [
            "http://127.0.0.1:8025",
            "http://[::1]:8025",
            "http://localhost:65535",
        ] {
            let hosts = PushHosts::parse(&format!("fcm.googleapis.com, {origin}")).unwrap();
            for path in ["", "/", "/push/1?a=b", "/a:b@c"] {
                let endpoint = Endpoint::parse(&format!("{origin}{path}"), &hosts).unwrap();
                assert_eq!(endpoint.origin(), origin);
                assert_eq!(endpoint.url(), format!("{origin}{path}"));
            }
            for (wrong, reason) in [
                (origin.replace("http:", "https:"), ""),
                (format!("{origin}0/"), "begins with https://"),
                (format!("{origin}@evil.example/"), "begins with https://"),
                (format!("{origin}.evil.example/"), "begins with https://"),
                (origin.replace("//", "//a@"), "begins with https://"),
                (format!("{origin}/#a"), "fragment"),
                (format!("{origin}/a b"), "characters"),
                ("http://127.0.0.1/".to_owned(), "begins with https://"),
                ("http://127.1:8025/".to_owned(), "begins with https://"),
                (
                    "http://fcm.googleapis.com/x".to_owned(),
                    "begins with https://",
                ),
            ] {
                let detail = Endpoint::parse(&wrong, &hosts).unwrap_err();
                assert!(detail.contains(reason), "{wrong}: {detail}");
            }
        }
        // No other origin than the listed one.
        let hosts = PushHosts::parse("http://127.0.0.1:8025").unwrap();
        for other in ["http://127.0.0.1:8026/", "http://localhost:8025/"] {
            assert!(Endpoint::parse(other, &hosts).is_err(), "{other}");
        }
    }

    #[test]
    fn a_setting_lists_names_of_hosts() {
        for wrong in [
            "*",
            "*.com",
            "localhost",
            "127.0.0.1",
            "*.0.0.1",
            "[::1]",
            "fcm.googleapis.com:443",
            "https://fcm.googleapis.com",
            "http://fcm.googleapis.com:8025",
            "http://127.0.0.1",
            "http://127.0.0.1:",
            "http://127.0.0.1:0",
            "http://127.0.0.1:80",
            "http://127.0.0.1:+1",
            "http://127.0.0.1:08025",
            "http://127.0.0.1:65536",
            "http://127.0.0.1:8025/",
            "http://127.0.0.2:8025",
            "https://127.0.0.1:8025",
            "http://a@127.0.0.1:8025",
            "http://10.0.0.1:8025",
            "a.*.com",
            "-a.com",
            "a..com",
            "fcm.googleapis.com *.b.com",
        ] {
            let message = PushHosts::parse(&format!("a.com,{wrong}")).unwrap_err();
            assert!(message.contains(wrong), "{message}");
        }
    }
}
