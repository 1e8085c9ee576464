//! How a worker is to be.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::house::House;
use crate::net::server::NotStarted;
use crate::net::transport::{Address, Reach, Settings};
use crate::{Client, StartError, driver};

/// What is called before a worker's first task.
pub type Setup = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// How a worker is to be.
#[derive(Clone, Default)]
pub struct WorkerOptions {
    /// What people call it, for `.on(..)` too.
    pub name: String,
    /// The machine it is on, for `.on(..)`; empty is what the system says.
    pub host: String,
    /// Threads that run tasks at the same time; `None` is one for each core.
    pub threads: Option<usize>,
    /// How much of which resource it has.
    pub resources: Vec<(String, u64)>,
    /// Its named pools, and their threads.
    pub pools: Vec<(String, usize)>,
    /// Bytes of results that it may hold; 0 is without limit.
    pub memory_limit: u64,
    /// Called once, before the first task.
    pub setup: Option<Setup>,
    /// How far it may connect, and from how far others may fetch data.
    pub reach: Reach,
    /// Where it gives data out; empty is any port of the address by which it reaches the scheduler.
    pub data_address: String,
    /// How connections behave.
    pub settings: Settings,
}

/// A set-up function, whatever its errors are.
pub(in crate::net) fn setup_of<E: fmt::Display>(
    setup: impl Fn() -> Result<(), E> + Send + Sync + 'static,
) -> Setup {
    Arc::new(move || setup().map_err(|error| error.to_string()))
}

impl fmt::Debug for WorkerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerOptions")
            .field("name", &self.name)
            .field("threads", &self.threads)
            .field("resources", &self.resources)
            .finish_non_exhaustive()
    }
}

impl WorkerOptions {
    /// Calls the set-up function.
    pub(super) fn set_up(&self) -> Result<(), NotStarted> {
        let Some(setup) = &self.setup else {
            return Ok(());
        };
        let text = match catch_unwind(AssertUnwindSafe(|| setup())) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(text)) => text,
            // The panic hook has printed what it was.
            Err(_) => "it panicked".into(),
        };
        Err(NotStarted::saying(format!(
            "the worker's set-up function has failed, so it does not start: {text}"
        )))
    }

    /// Where its tasks run.
    pub(super) fn client(&self, house: &Arc<House>) -> Result<Client, StartError> {
        let mut builder = Client::builder().thread_name("tenter-task");
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
        }
        for (name, threads) in &self.pools {
            builder = builder.pool(name.clone(), *threads);
        }
        let speech = house.speech.clone();
        driver::when_blocked(builder, move |blocked| speech.slots(blocked)).build()
    }

    pub(super) fn host(&self) -> String {
        if !self.host.is_empty() {
            return self.host.clone();
        }
        driver::host_name().unwrap_or("localhost").to_owned()
    }

    /// Where to give data out: where others reach this machine as it reaches the scheduler.
    pub(super) fn data_address(&self, scheduler: &Address) -> Result<Address, NotStarted> {
        if !self.data_address.is_empty() {
            return self.data_address.parse().map_err(NotStarted::because);
        }
        if self.reach == Reach::Loopback {
            return Ok(Address::loopback());
        }
        let ip = own_ip(scheduler).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Ok(SocketAddr::new(ip, 0).into())
    }
}

/// The address of this machine from which the system would send to there. Nothing is sent.
fn own_ip(to: &Address) -> Option<IpAddr> {
    let to = to.host_and_port().to_socket_addrs().ok()?.next()?;
    let any: SocketAddr = if to.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(to).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
