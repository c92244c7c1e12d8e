//! Addresses, one or many, as people write them.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// An IP address or a block of them (CIDR).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

impl Network {
    /// Reads `203.0.113.7` or `203.0.113.0/24`; none where it is neither.
    ///
    /// ```
    /// use filing_operator::domain::Network;
    ///
    /// let pool = Network::parse("203.0.113.0/24").unwrap();
    /// assert!(pool.meets(Network::parse("203.0.113.7").unwrap()));
    /// assert_eq!(Network::parse("203.0.113.999"), None);
    /// ```
    pub fn parse(typed: &str) -> Option<Self> {
        let typed = typed.trim();
        let address = typed.parse::<IpAddr>().map(IpNet::from);
        address.or_else(|_| typed.parse()).ok().map(Self)
    }

    /// Whether it is not on the Internet: private, shared by a carrier (100.64.0.0/10), link-local or loopback.
    pub fn is_private(self) -> bool {
        match self.0.addr() {
            IpAddr::V4(v4) => {
                let [first, second, ..] = v4.octets();
                let is_shared = first == 100 && (64..128).contains(&second);
                v4.is_private() || v4.is_loopback() || v4.is_link_local() || is_shared
            }
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        }
    }

    /// Whether some address is in both.
    pub fn meets(self, other: Self) -> bool {
        self.0.contains(&other.0) || other.0.contains(&self.0)
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(IpNet::from(address))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_same("203.0.113.7", "203.0.113.7", true)]
    #[case::in_a_block("203.0.113.7", "203.0.113.0/24", true)]
    #[case::around_it("203.0.113.0/24", "203.0.113.128/25", true)]
    #[case::beside_it("203.0.114.7", "203.0.113.0/24", false)]
    #[case::of_the_other_family("::1", "0.0.0.0/0", false)]
    #[case::in_a_block_of_six("2001:db8::1", "2001:db8::/32", true)]
    fn two_meet_where_they_share_an_address(#[case] a: &str, #[case] b: &str, #[case] expected: bool) {
        let (a, b) = (Network::parse(a).unwrap(), Network::parse(b).unwrap());
        assert_eq!(a.meets(b), expected);
        assert_eq!(b.meets(a), expected);
    }

    #[rstest]
    #[case::of_a_private_network("10.1.2.3", true)]
    #[case::of_a_carrier("100.127.0.1", true)]
    #[case::beside_the_carriers("100.128.0.1", false)]
    #[case::of_the_internet("203.0.113.7", false)]
    #[case::local("fd00::1", true)]
    #[case::of_the_internet_of_six("2001:db8::1", false)]
    fn what_is_not_on_the_internet_is_private(#[case] address: &str, #[case] expected: bool) {
        assert_eq!(Network::parse(address).unwrap().is_private(), expected);
    }

    #[rstest]
    #[case::an_address("203.0.113.7", "203.0.113.7")]
    #[case::a_block("203.0.113.0/24", "203.0.113.0/24")]
    #[case::a_block_of_one("203.0.113.7/32", "203.0.113.7")]
    fn it_is_written_as_it_is_read(#[case] typed: &str, #[case] written: &str) {
        assert_eq!(Network::parse(typed).unwrap().to_string(), written);
    }
}
