//! Which addresses may be connected to. The operator configured the host, so private networks and loopback are fine;
//! what hands out machine credentials, and what is no host at all, is never reachable, whatever a name resolves to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Metadata services outside of the link-local ranges: Azure's, Alibaba's, Oracle's.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
/// The metadata service of AWS over IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Why a name led to no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unresolved {
    #[error("`{host}` is the address {address}, which no plugin may reach (link-local, metadata service or no host)")]
    Forbidden { host: String, address: IpAddr },
    #[error("no address for `{host}`")]
    Unknown { host: String },
}

/// Whether `address` may be connected to.
pub(super) fn is_allowed(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_allowed_v4(v4),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) if v6 != Ipv6Addr::LOCALHOST => is_allowed_v4(v4),
            _ => !(v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local() || v6 == METADATA_V6),
        },
    }
}

fn is_allowed_v4(v4: Ipv4Addr) -> bool {
    let no_host = v4.octets()[0] == 0 || v4.is_multicast() || v4.is_broadcast();
    !(no_host || v4.is_link_local() || METADATA_V4.contains(&v4))
}

/// The IPv4 address inside of an IPv6 one: mapped, compatible, or translated (NAT64, 6to4).
fn embedded_v4(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => join(g, h),
        [0x2002, high, low, ..] => join(high, low),
        _ => None,
    }
}

/// Resolves names by the system and drops what may not be reached. Where one address of a name is forbidden the name
/// is refused as a whole: nobody configures such a host in good faith.
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let found: Vec<SocketAddr> = match tokio::net::lookup_host((host.as_str(), 0)).await {
                Ok(found) => found.collect(),
                Err(_) => Vec::new(),
            };
            check(&host, &found)?;
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

fn check(host: &str, found: &[SocketAddr]) -> Result<(), Unresolved> {
    if found.is_empty() {
        return Err(Unresolved::Unknown { host: host.to_owned() });
    }
    match found.iter().map(SocketAddr::ip).find(|address| !is_allowed(*address)) {
        Some(address) => Err(Unresolved::Forbidden { host: host.to_owned(), address }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(address: &str) -> bool {
        is_allowed(address.parse().unwrap())
    }

    #[test]
    fn private_networks_and_loopback_are_reachable() {
        for address in
            ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "8.8.8.8", "::1", "fd12::1", "2001:db8::1"]
        {
            assert!(allowed(address), "{address}");
        }
    }

    #[test]
    fn metadata_services_are_never_reachable_in_any_spelling() {
        let spellings = [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "168.63.129.16",
        ];
        for address in spellings {
            assert!(!allowed(address), "{address}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for address in ["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "255.255.255.255", "224.0.0.1", "ff02::1"] {
            assert!(!allowed(address), "{address}");
        }
    }

    #[test]
    fn a_name_with_one_forbidden_address_is_refused_as_a_whole() {
        let both = ["10.0.0.1:0".parse().unwrap(), "169.254.169.254:0".parse().unwrap()];
        let refused = check("acme.corp", &both).unwrap_err().to_string();
        assert!(refused.contains("`acme.corp` is the address 169.254.169.254"), "{refused}");
        assert!(check("acme.corp", &[]).unwrap_err().to_string().contains("no address for `acme.corp`"));
    }
}
