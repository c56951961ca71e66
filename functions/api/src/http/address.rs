//! The client's IP address: that of the TCP peer, or the one that a trusted proxy reports in `X-Forwarded-For`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use guest::variables::{self, BadSetting};
use ipnet::IpNet;

use crate::http::request::Request;

/// The setting with the trusted proxies.
const SETTING: &str = "trusted_proxies";

/// The key of the client in the rate limit by address: an IPv4 address, or the /64 network of an IPv6 address, since one
/// customer has at least a /64 (RFC 6177, section 2). It is `unknown` if the host does not tell the peer.
pub fn of(request: &Request) -> Result<String, BadSetting> {
    let trusted = trusted_proxies()?;
    // The client may send a header of this name, too. Spin appends its own after it, so the last one counts.
    let peer = request
        .last_header("spin-client-addr")
        .and_then(|text| text.parse::<SocketAddr>().ok())
        .map(|peer| peer.ip().to_canonical());
    let Some(peer) = peer else {
        return Ok("unknown".to_owned());
    };
    let forwarded = request.all_headers("x-forwarded-for");
    Ok(rate_key(client(peer, &forwarded, &trusted)))
}

/// Reads the setting `trusted_proxies`: comma-separated addresses or CIDR blocks. It may be empty.
pub fn trusted_proxies() -> Result<Vec<IpNet>, BadSetting> {
    let setting = variables::get(SETTING)?;
    parse(&setting).map_err(|entry| {
        BadSetting::new(
            SETTING,
            format!("`{entry}` is neither an IP address nor a CIDR block"),
        )
    })
}

fn parse(setting: &str) -> Result<Vec<IpNet>, String> {
    setting
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let address = entry.parse::<IpAddr>().map(IpNet::from);
            address
                .or_else(|_| entry.parse::<IpNet>())
                .map_err(|_| entry.to_owned())
        })
        .collect()
}

/// Finds the client behind the trusted proxies.
///
/// Each proxy appends the address of its own peer to `X-Forwarded-For`. So the list is read from the right, for as long as
/// the address that reported an entry is trusted. The entries further left may be forged.
fn client(peer: IpAddr, forwarded: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer;
    let hops = forwarded.iter().flat_map(|value| value.split(','));
    for hop in hops.rev() {
        if !is_trusted(&client) {
            break;
        }
        match address(hop.trim()) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}

/// Reads an entry of `X-Forwarded-For`: an address, which some proxies write with the port of their peer. An IPv6 address with a
/// port is in brackets (RFC 3986, section 3.2.2), and some proxies write brackets always.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(entry);
    bare.parse()
        .or_else(|_| entry.parse().map(|peer: SocketAddr| peer.ip()))
        .ok()
}

/// See [`of`].
fn rate_key(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            format!("{}/64", Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(peer: &str, forwarded: &[&str], trusted: &str) -> String {
        rate_key(client(
            peer.parse().unwrap(),
            forwarded,
            &parse(trusted).unwrap(),
        ))
    }

    #[test]
    fn only_trusted_proxies_report_the_client() {
        let ours = "10.0.0.0/8, 192.0.2.1";
        assert_eq!(
            client_of("203.0.113.9", &["198.51.100.7"], ours),
            "203.0.113.9"
        );
        assert_eq!(
            client_of("10.1.2.3", &["198.51.100.7"], ours),
            "198.51.100.7"
        );
        // The client itself sent the entry further left.
        assert_eq!(
            client_of("10.1.2.3", &["1.1.1.1, 198.51.100.7"], ours),
            "198.51.100.7"
        );
        assert_eq!(
            client_of("10.1.2.3", &["1.1.1.1", "198.51.100.7, 192.0.2.1"], ours),
            "198.51.100.7"
        );
        assert_eq!(
            client_of("10.1.2.3", &["1.1.1.1, nonsense"], ours),
            "10.1.2.3"
        );
        assert_eq!(client_of("10.1.2.3", &[], ours), "10.1.2.3");
        assert_eq!(client_of("10.1.2.3", &["198.51.100.7"], ""), "10.1.2.3");
    }

    #[test]
    fn an_entry_may_have_a_port() {
        for (entry, client) in [
            ("198.51.100.7:1234", "198.51.100.7"),
            ("[2001:db8::1]:443", "2001:db8::/64"),
            ("[2001:db8::1]", "2001:db8::/64"),
            ("2001:db8::1", "2001:db8::/64"),
            ("[::ffff:198.51.100.7]:80", "198.51.100.7"),
            // Not addresses: the proxy itself is the client then.
            ("198.51.100.7:", "10.1.2.3"),
            ("[198.51.100.7", "10.1.2.3"),
            ("unknown", "10.1.2.3"),
        ] {
            let found = client_of("10.1.2.3", &[entry], "10.0.0.0/8");
            assert_eq!(found, client, "{entry}");
        }
    }

    #[test]
    fn an_ipv6_client_is_its_64_bit_network() {
        assert_eq!(
            client_of("2001:db8:1:2:3:4:5:6", &[], ""),
            "2001:db8:1:2::/64"
        );
    }

    #[test]
    fn a_malformed_setting_names_the_entry() {
        assert!(parse("").unwrap().is_empty());
        assert_eq!(parse("10.0.0.0/8, nonsense").unwrap_err(), "nonsense");
    }
}
