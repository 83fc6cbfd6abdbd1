//! What the DICOM stories share: a listener on a free port with a sink in memory, and objects made by hand.

pub mod objects;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tocsin::deliver::channel::Door;
use tocsin::deliver::dicom::DicomPeer;
use tocsin::ingest::dicom::{
    Accept, ClosedAssociation, Env, InstanceSink, ReceivedInstance, RejectedAssociation, ScpLimits,
    ScpSettings, StoreOutcome, serve,
};
use tocsin::storage::blobs::{BlobHash, BlobStore};
use tocsin_domain::clock::{ManualClock, Timestamp};
use tocsin_domain::ids::CountingIds;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Keeps what arrives in memory, as the rules of the store are: same UID and bytes nothing, other bytes apart.
#[derive(Clone)]
pub struct Memory {
    known: Arc<Mutex<HashMap<String, BlobHash>>>,
    received: Arc<Mutex<Vec<(ReceivedInstance, StoreOutcome)>>>,
    closed: mpsc::UnboundedSender<ClosedAssociation>,
}

impl InstanceSink for Memory {
    async fn echoed(&self, _: &str) {}

    async fn store(&self, received: ReceivedInstance) -> StoreOutcome {
        let uid = received.facts.sop_instance_uid.to_string();
        let mut known = self.known.lock().unwrap();
        let outcome = match known.get(&uid) {
            None => {
                known.insert(uid, received.blob.hash);
                StoreOutcome::Stored
            }
            Some(hash) if *hash == received.blob.hash => StoreOutcome::Duplicate,
            Some(_) => StoreOutcome::Quarantined {
                reason: "the same UID with other bytes".into(),
            },
        };
        self.received.lock().unwrap().push((received, outcome.clone()));
        outcome
    }

    async fn association_closed(&self, closed: ClosedAssociation) {
        self.closed.send(closed).unwrap();
    }

    async fn association_rejected(&self, _: RejectedAssociation) {}
}

/// A running listener.
pub struct Scp {
    pub port: u16,
    pub blobs: BlobStore,
    memory: Memory,
    closed: mpsc::UnboundedReceiver<ClosedAssociation>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    folder: TempDir,
}

/// Limits for tests: nothing waits long, and no disk is too full.
pub fn limits() -> ScpLimits {
    ScpLimits {
        artim: Duration::from_millis(300),
        pdu: Duration::from_secs(5),
        idle: Duration::from_secs(20),
        disk_reserve_bytes: 0,
        ..ScpLimits::default()
    }
}

impl Scp {
    pub async fn start(limits: ScpLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path()).unwrap();
        let (sender, closed) = mpsc::unbounded_channel();
        let memory = Memory {
            known: Arc::default(),
            received: Arc::default(),
            closed: sender,
        };
        let env = Env {
            settings: ScpSettings {
                limits,
                ..ScpSettings::new("TOCSIN", Accept::Loopback(Vec::new()))
            },
            blobs: blobs.clone(),
            sink: memory.clone(),
            served: None,
            clock: Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH)),
            ids: Arc::new(CountingIds::default()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(vec![Door::plain(listener)], Arc::new(env), stop.clone()));
        Self {
            port,
            blobs,
            memory,
            closed,
            stop,
            task,
            folder,
        }
    }

    pub fn peer(&self) -> DicomPeer {
        peer(self.port, "TOCSIN")
    }

    pub fn received(&self) -> Vec<(ReceivedInstance, StoreOutcome)> {
        self.memory.received.lock().unwrap().clone()
    }

    /// The next association that ends.
    pub async fn next_closed(&mut self) -> ClosedAssociation {
        let closed = tokio::time::timeout(Duration::from_secs(20), self.closed.recv()).await;
        closed.expect("no association ended within 20 s").unwrap()
    }

    /// Stops the listener; nothing half-received may be left.
    pub async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(20), self.task)
            .await
            .expect("did not stop within 20 s")
            .unwrap();
        let left = std::fs::read_dir(self.folder.path().join("incoming"))
            .unwrap()
            .count();
        assert_eq!(left, 0, "files of unfinished instances were left behind");
    }
}

pub fn peer(port: u16, ae_title: &str) -> DicomPeer {
    DicomPeer {
        ae_title: ae_title.into(),
        host: "127.0.0.1".into(),
        port,
        our_ae: "CT1".into(),
        tls: None,
    }
}

/// Whether a command line tool is here; says so when it is not.
pub fn tool(name: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| Path::new(&folder).join(name).is_file())
    });
    if !found {
        eprintln!("SKIPPED: {name} is not installed");
    }
    found
}
