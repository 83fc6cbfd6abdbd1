//! Accepts MLLP connections and gives each its task. Never stops for one peer's fault, and gives nobody more connections
//! than their share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use tocsin_domain::clock::Clock;
use tocsin_domain::ids::IdGen;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::connection::Connection;
use super::settings::{MllpLimits, MllpSettings};
use super::sink::MessageSink;
use crate::deliver::channel::{Door, Incoming};

/// What a connection works with.
pub struct Env<S> {
    pub settings: MllpSettings,
    pub sink: S,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdGen>,
}

/// Serves MLLP at all doors until `stop`, then lets the messages under way be answered and returns.
pub async fn serve<S: MessageSink>(doors: Vec<Door>, env: Arc<Env<S>>, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let shares = Arc::new(Shares::default());
    let attended = doors
        .into_iter()
        .map(|door| attend(door, &env, &shares, &tasks, &stop));
    join_all(attended).await;
    tasks.close();
    tasks.wait().await;
    info!("MLLP listener stopped");
}

async fn attend<S: MessageSink>(
    door: Door,
    env: &Arc<Env<S>>,
    shares: &Arc<Shares>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    info!(address = ?door.listener.local_addr().ok(), tls = door.tls.is_some(), "MLLP listener ready");
    while let Some(incoming) = door.next("MLLP", stop).await {
        match shares.enter(incoming.peer.ip(), &env.settings.limits) {
            Some(share) => {
                tasks.spawn(connection(Arc::clone(env), incoming, share, stop.clone()));
            }
            None => debug!(peer = %incoming.peer, "MLLP: too many connections, closed"),
        }
    }
}

async fn connection<S: MessageSink>(
    env: Arc<Env<S>>,
    incoming: Incoming,
    share: Share,
    stop: CancellationToken,
) {
    let peer = incoming.peer;
    let Some(caller) = env.settings.recognise(peer.ip()).await else {
        warn!(%peer, "MLLP: not a known peer, closed");
        return;
    };
    if let Err(error) = incoming.socket.set_nodelay(true) {
        debug!(%peer, %error, "MLLP: the connection ended at once");
        return;
    }
    let Some(channel) = incoming.enter("MLLP", &stop).await else {
        return;
    };
    let mut connection = Connection::new(env, channel, peer, caller);
    let end = connection.run(&stop).await;
    connection.log(&end);
    connection.close().await;
    drop(share);
}

/// How many connections each address has.
#[derive(Debug, Default)]
struct Shares(Mutex<HashMap<IpAddr, usize>>);

/// One connection's share, given back when it ends.
#[derive(Debug)]
struct Share {
    shares: Arc<Shares>,
    address: IpAddr,
}

impl Shares {
    fn enter(self: &Arc<Self>, address: IpAddr, limits: &MllpLimits) -> Option<Share> {
        let mut counts = self.lock();
        let all: usize = counts.values().sum();
        let mine = counts.get(&address).copied().unwrap_or(0);
        if all >= limits.connections || mine >= limits.connections_per_peer {
            return None;
        }
        counts.insert(address, mine + 1);
        Some(Share {
            shares: Arc::clone(self),
            address,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut counts = self.shares.lock();
        let left = counts.get(&self.address).map_or(0, |n| n - 1);
        match left {
            0 => counts.remove(&self.address),
            _ => counts.insert(self.address, left),
        };
    }
}
