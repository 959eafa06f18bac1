//! Ranges of addresses.

use std::net::IpAddr;

/// An address with the number of its leading bits that name the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads `address` or `address/prefix`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, rest)| (address, Some(rest)));
        let address: IpAddr = address.parse().ok()?;
        let width = width(address);
        let prefix = match prefix {
            None => width,
            Some(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().ok()?
            }
            Some(_) => return None,
        };
        (prefix <= width).then_some(Self { address, prefix })
    }

    /// Whether the other address, or all of the other network, lies in this one.
    pub(super) fn contains(&self, other: &Self) -> bool {
        let shift = width(self.address) - self.prefix;
        let within = || network(self.address, shift) == network(other.address, shift);
        self.address.is_ipv4() == other.address.is_ipv4()
            && (self.address == other.address || (other.prefix >= self.prefix && within()))
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The leading bits; none of them if all are shifted out.
fn network(address: IpAddr, shift: u32) -> u128 {
    let bits = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    bits.checked_shr(shift).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> Option<bool> {
        Some(Network::parse(range)?.contains(&Network::parse(address)?))
    }

    /// Membership by Python's `ipaddress` (strict=False).
    #[test]
    fn membership() {
        for (range, address, expected) in [
            ("192.168.1.77/24", "192.168.1.5", true),
            ("192.168.1.0/24", "192.168.2.5", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("::/0", "8.8.8.8", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("2001:DB8::1", "2001:db8:0::1", true),
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.1.0.0/16", "10.2.0.0/8", false),
        ] {
            assert_eq!(contains(range, address), Some(expected), "{range} {address}");
        }
        for text in ["", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "::/129", "1.2.3.4/+8", "host"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
