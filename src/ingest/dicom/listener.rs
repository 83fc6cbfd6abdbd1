//! Accepts connections and gives each association its task. Never stops for one peer's fault: what cannot be accepted is
//! waited out, and nobody gets more connections than their share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use tocsin_domain::clock::Clock;
use tocsin_domain::ids::IdGen;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info};

use super::association;
use super::negotiate::Load;
use super::services::Served;
use super::settings::ScpSettings;
use super::sink::InstanceSink;
use crate::deliver::channel::{Door, Incoming};
use crate::deliver::dicom::wire::{MAX_PDU_BYTES, Wire};
use crate::storage::blobs::BlobStore;

/// Connections of one address, and of all, may be this many times their associations, so that most surplus callers get a
/// rejection and not only a closed door.
const SURPLUS: usize = 2;

/// What an association works with.
pub struct Env<S> {
    pub settings: ScpSettings,
    pub blobs: BlobStore,
    pub sink: S,
    pub served: Option<Served>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdGen>,
}

/// Serves at all doors until `stop`, then lets the messages under way end and returns.
pub async fn serve<S: InstanceSink>(doors: Vec<Door>, env: Arc<Env<S>>, stop: CancellationToken) {
    let associations = TaskTracker::new();
    let connections = Arc::new(Connections::default());
    let attended = doors
        .into_iter()
        .map(|door| attend(door, &env, &connections, &associations, &stop));
    join_all(attended).await;
    associations.close();
    associations.wait().await;
    info!("DICOM listener stopped");
}

async fn attend<S: InstanceSink>(
    door: Door,
    env: &Arc<Env<S>>,
    connections: &Arc<Connections>,
    associations: &TaskTracker,
    stop: &CancellationToken,
) {
    info!(
        ae_title = env.settings.ae_title, address = ?door.listener.local_addr().ok(), tls = door.tls.is_some(),
        "DICOM listener ready"
    );
    while let Some(incoming) = door.next("DICOM", stop).await {
        match connections.enter(incoming.peer.ip(), &env.settings) {
            Some(place) => {
                associations.spawn(connection(Arc::clone(env), incoming, place, stop.clone()));
            }
            None => debug!(peer = %incoming.peer, "DICOM: too many connections, closed"),
        }
    }
}

async fn connection<S: InstanceSink>(
    env: Arc<Env<S>>,
    incoming: Incoming,
    place: Place,
    stop: CancellationToken,
) {
    let peer = incoming.peer;
    let Some(channel) = incoming.enter("DICOM", &stop).await else {
        return;
    };
    let wire = Wire::new(channel, MAX_PDU_BYTES);
    let accepted = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        accepted = association::accept(env, wire, peer, || place.claim()) => accepted,
    };
    if let Some(association) = accepted {
        association.serve(stop).await;
    }
}

/// Who is connected, and whose association was accepted.
#[derive(Debug, Default)]
struct Connections(Mutex<HashMap<IpAddr, Count>>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    connections: usize,
    associations: usize,
}

/// A connection's share, given back when it ends.
#[derive(Debug)]
struct Place {
    connections: Arc<Connections>,
    address: IpAddr,
    claimed: Mutex<bool>,
}

impl Connections {
    fn enter(self: &Arc<Self>, address: IpAddr, settings: &ScpSettings) -> Option<Place> {
        let mut counts = self.lock();
        let all: usize = counts.values().map(|count| count.connections).sum();
        let of_peer = counts.get(&address).map_or(0, |count| count.connections);
        let limits = &settings.limits;
        if all >= limits.associations * SURPLUS || of_peer >= limits.associations_per_peer * SURPLUS {
            return None;
        }
        counts.entry(address).or_default().connections += 1;
        Some(Place {
            connections: Arc::clone(self),
            address,
            claimed: Mutex::new(false),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Counts this connection as an association and tells how many others there are.
    fn claim(&self) -> Load {
        let mut counts = self.connections.lock();
        let all = counts.values().map(|count| count.associations).sum();
        let mine = counts.entry(self.address).or_default();
        let load = Load {
            all,
            of_peer: mine.associations,
        };
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *claimed, true) {
            mine.associations += 1;
        }
        load
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.connections.lock();
        let claimed = *self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mine) = counts.get_mut(&self.address) else {
            return;
        };
        mine.connections = mine.connections.saturating_sub(1);
        mine.associations = mine.associations.saturating_sub(usize::from(claimed));
        if mine.connections == 0 {
            counts.remove(&self.address);
        }
    }
}
