use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tocsin::ingest::dicom::*;
use tocsin::storage::blobs::BlobStore;
use tocsin_domain::clock::*;
use tocsin_domain::ids::*;
struct C;
impl Clock for C {
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }
}
struct G;
impl IdGen for G {
    fn uuid(&self) -> uuid::Uuid {
        uuid::Uuid::new_v4()
    }
}
type Req = (Vec<u8>, tokio::sync::oneshot::Sender<()>);
struct Sink {
    seen: Mutex<HashMap<String, String>>,
    db: Option<std::sync::mpsc::Sender<Req>>,
    verbose: bool,
}
impl InstanceSink for Sink {
    async fn store(&self, r: ReceivedInstance) -> StoreOutcome {
        let sop = r.facts.sop_instance_uid.to_string();
        let h = r.blob.hash.to_string();
        if let Some(db) = &self.db {
            let (t, rx) = tokio::sync::oneshot::channel();
            db.send((vec![7u8; 2048], t)).unwrap();
            rx.await.unwrap();
        }
        let mut s = self.seen.lock().unwrap();
        let out = match s.get(&sop) {
            None => {
                s.insert(sop, h.clone());
                StoreOutcome::Stored
            }
            Some(x) if *x == h => StoreOutcome::Duplicate,
            Some(_) => StoreOutcome::Quarantined {
                reason: "other bytes".into(),
            },
        };
        if self.verbose {
            println!(
                "{out:?} {} {} problems {:?}",
                r.facts.modality, r.transfer_syntax, r.problems
            );
        }
        out
    }
    async fn association_closed(&self, c: ClosedAssociation) {
        if self.verbose {
            println!("closed {:?} {} {:?}", c.end, c.stored, c.studies.len());
        }
    }
}
#[tokio::main]
async fn main() {
    let a: Vec<String> = std::env::args().collect();
    let port = &a[1];
    let dir = &a[2];
    let opt = a.get(3).cloned().unwrap_or_default();
    tracing_subscriber::fmt()
        .with_env_filter(if opt.contains('v') { "info" } else { "warn" })
        .with_writer(std::io::stderr)
        .init();
    let blobs = BlobStore::open(std::path::Path::new(dir)).unwrap();
    let db = opt.contains('d').then(|| {
        let (t, r) = std::sync::mpsc::channel::<Req>();
        let p = format!("{dir}/wal");
        std::thread::spawn(move || {
            let mut f = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(p)
                .unwrap();
            let mut n = 0;
            while let Ok(first) = r.recv() {
                let mut b = vec![first];
                while let Ok(x) = r.try_recv() {
                    b.push(x);
                }
                for x in &b {
                    f.write_all(&x.0).unwrap();
                }
                f.sync_data().unwrap();
                n += 1;
                let _ = n;
                for x in b {
                    let _ = x.1.send(());
                }
            }
        });
        t
    });
    let env = Arc::new(Env {
        settings: ScpSettings::new("TOCSIN", Accept::Loopback),
        blobs: blobs.clone(),
        sink: Sink {
            seen: Default::default(),
            db,
            verbose: opt.contains('v'),
        },
        clock: Arc::new(C),
        ids: Arc::new(G),
    });
    let l = tokio::net::TcpListener::bind(("127.0.0.1", port.parse::<u16>().unwrap()))
        .await
        .unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let s2 = stop.clone();
    tokio::spawn(async move {
        let mut t = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        t.recv().await;
        s2.cancel();
    });
    serve(l, env, stop).await;
    eprintln!("syncs, objects: {:?}", blobs.syncs());
}
