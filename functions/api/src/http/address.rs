//! The address that a request came from: the peer's, or what proxies of ours say that theirs was.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use guest::variables::{self, BadSetting};
use ipnet::IpNet;

use crate::http::request::Request;

/// The name of the setting, in messages.
const SETTING: &str = "trusted_proxies";

/// The address to count by: IPv4 whole, of IPv6 the network of 64 bits that one customer has (RFC 6177, section 2).
pub fn of(request: &Request) -> Result<String, BadSetting> {
    let trusted = trusted_proxies()?;
    // Spin adds its header after those of the client, who may have sent one of the same name.
    let peer = request
        .last_header("spin-client-addr")
        .and_then(|text| text.parse::<SocketAddr>().ok())
        .map(|peer| peer.ip().to_canonical());
    let Some(peer) = peer else {
        return Ok("unknown".to_owned());
    };
    let forwarded = request.all_headers("x-forwarded-for");
    Ok(counted(client(peer, &forwarded, &trusted)))
}

/// The networks of the setting `trusted_proxies`: addresses or CIDR blocks, comma-separated; empty for none.
pub fn trusted_proxies() -> Result<Vec<IpNet>, BadSetting> {
    let setting = variables::get(SETTING)?;
    parse(&setting).map_err(|entry| {
        BadSetting::new(
            SETTING,
            format!("`{entry}` is no address and no CIDR block"),
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

/// Each proxy adds on the right whom it was asked by. So read from the right: what a trusted one says is so, up to the first
/// that is not ours; what stands left of that anybody may have written.
fn client(peer: IpAddr, forwarded: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer;
    let hops = forwarded.iter().flat_map(|value| value.split(','));
    for hop in hops.rev() {
        if !is_trusted(&client) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => client = address.to_canonical(),
            Err(_) => break,
        }
    }
    client
}

fn counted(address: IpAddr) -> String {
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
        counted(client(
            peer.parse().unwrap(),
            forwarded,
            &parse(trusted).unwrap(),
        ))
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let ours = "10.0.0.0/8, 192.0.2.1";
        assert_eq!(
            client_of("203.0.113.9", &["198.51.100.7"], ours),
            "203.0.113.9"
        );
        assert_eq!(
            client_of("10.1.2.3", &["198.51.100.7"], ours),
            "198.51.100.7"
        );
        // What the client itself wrote stands further left.
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
    fn of_ipv6_the_network_counts() {
        assert_eq!(
            client_of("2001:db8:1:2:3:4:5:6", &[], ""),
            "2001:db8:1:2::/64"
        );
    }

    #[test]
    fn a_setting_that_does_not_read_names_its_entry() {
        assert!(parse("").unwrap().is_empty());
        assert_eq!(parse("10.0.0.0/8, nonsense").unwrap_err(), "nonsense");
    }
}
