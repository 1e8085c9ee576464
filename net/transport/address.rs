//! Where to connect, and whether that is safe.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A host and a port, written `tcp://HOST:PORT` or `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    host_and_port: String,
}

impl Address {
    /// This machine alone, any free port.
    pub fn loopback() -> Self {
        Self {
            host_and_port: "127.0.0.1:0".into(),
        }
    }

    /// As the system's resolver takes it.
    pub(in crate::net) fn host_and_port(&self) -> &str {
        &self.host_and_port
    }
}

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Self {
        Self {
            host_and_port: addr.to_string(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tcp://{}", self.host_and_port)
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = |what| BadAddress {
            text: text.escape_debug().collect(),
            what,
        };
        let rest = match text.split_once("://") {
            None => text,
            Some(("tcp", rest)) => rest,
            Some(_) => return Err(bad("only tcp:// is known")),
        };
        let (host, port) = rest
            .rsplit_once(':')
            .ok_or_else(|| bad("the port is missing"))?;
        port.parse::<u16>()
            .map_err(|_| bad("the port is not a number up to 65535"))?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if bare.is_none() && host.contains(':') {
            return Err(bad("an IPv6 address needs brackets"));
        }
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '/') {
            return Err(bad("the host is missing or is none"));
        }
        Ok(Self {
            host_and_port: rest.into(),
        })
    }
}

/// Why a text is not an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAddress {
    text: String,
    what: &'static str,
}

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, what } = self;
        write!(
            f,
            "`{text}` is not an address like tcp://127.0.0.1:8786: {what}"
        )
    }
}

impl Error for BadAddress {}

/// How far connections may reach. They are neither authenticated nor encrypted yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// This machine only.
    #[default]
    Loopback,
    /// Any machine: whoever can reach the port can run every task that this program has, and read every result.
    Insecure,
}

impl Reach {
    /// Whether a connection to or from this address is allowed.
    pub(super) fn allows(self, ip: IpAddr) -> bool {
        self == Self::Insecure || ip.to_canonical().is_loopback()
    }

    /// The sentence that says why not.
    pub(super) fn refusal(doing: &str, at: SocketAddr) -> String {
        format!(
            "refused to {doing} {at}: connections are neither authenticated nor encrypted yet, so only loopback addresses are allowed; say `insecure` to use this one all the same, on a network that you trust"
        )
    }
}
