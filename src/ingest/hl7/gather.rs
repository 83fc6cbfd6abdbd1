//! Messages that arrive while others are being stored are stored together, with few statements and under one commit. Each hears what
//! became of it once that is committed, and one that cannot be stored takes no other with it.

use tokio::sync::{mpsc, oneshot};

use super::sink::OwedLater;
use crate::storage::jobs::{self, Terms};
use crate::storage::messages::{self, Inbound, InboundState, Intake};
use crate::storage::{Store, StoreError, Tx, answers, document};
use tocsin_domain::work::{Paging, Work};

/// Messages that share their statements at most. Each binds 17 values and up to 70 keys of three; a statement of PostgreSQL takes 65,535.
const TOGETHER: usize = 128;
/// Messages that may wait while others are stored; more wait on their connections.
const WAITING: usize = 512;

const STOPPED: StoreError = StoreError::Unavailable("the intake has stopped");

/// A message as it is stored, and what it asks for.
#[derive(Clone)]
pub struct Arrival {
    pub inbound: Inbound,
    /// Messages of one key are applied one after another.
    pub order_key: Option<String>,
    pub later: Option<OwedLater>,
}

struct Waiting {
    arrival: Arrival,
    told: oneshot::Sender<Result<Intake, StoreError>>,
}

/// Where messages are handed in. What stores them ends with the last of its handles.
#[derive(Clone)]
pub struct Gathering {
    waiting: mpsc::Sender<Waiting>,
}

impl Gathering {
    pub fn start(store: Store) -> Self {
        let (waiting, arriving) = mpsc::channel(WAITING);
        tokio::spawn(run(store, arriving));
        Self { waiting }
    }

    /// Returns once the message has its place; messages are stored in the order in which they are handed in.
    pub async fn hand_in(&self, arrival: Arrival) -> Result<HandedIn, StoreError> {
        let (told, outcome) = oneshot::channel();
        let waiting = Waiting { arrival, told };
        self.waiting.send(waiting).await.map_err(|_| STOPPED)?;
        Ok(HandedIn { outcome })
    }
}

/// A message that will be stored.
pub struct HandedIn {
    outcome: oneshot::Receiver<Result<Intake, StoreError>>,
}

impl HandedIn {
    /// Returns when what became of the message is committed.
    pub async fn outcome(self) -> Result<Intake, StoreError> {
        self.outcome.await.map_err(|_| STOPPED)?
    }
}

async fn run(store: Store, mut arriving: mpsc::Receiver<Waiting>) {
    let mut gathered = Vec::with_capacity(TOGETHER);
    while arriving.recv_many(&mut gathered, TOGETHER).await > 0 {
        let (arrivals, told): (Vec<_>, Vec<_>) =
            gathered.drain(..).map(|one| (one.arrival, one.told)).unzip();
        for (told, outcome) in told.into_iter().zip(outcomes(&store, arrivals).await) {
            // The connection may be gone; the message stands all the same.
            let _ = told.send(outcome);
        }
    }
}

/// One outcome for each, in their order.
async fn outcomes(store: &Store, arrivals: Vec<Arrival>) -> Vec<Result<Intake, StoreError>> {
    let singly = if arrivals.len() > 1 {
        arrivals.clone()
    } else {
        Vec::new()
    };
    match write(store, arrivals).await {
        Ok(intakes) => intakes.into_iter().map(Ok).collect(),
        Err(error) if singly.is_empty() => vec![Err(error)],
        Err(StoreError::Unavailable(why)) => {
            let unavailable = singly.iter().map(|_| Err(StoreError::Unavailable(why)));
            unavailable.collect()
        }
        // One of them holds what the database refuses; the others are sound.
        Err(_) => {
            let mut outcomes = Vec::with_capacity(singly.len());
            for arrival in singly {
                let kept = write(store, vec![arrival]).await;
                outcomes.push(kept.and_then(|mut one| one.pop().ok_or(StoreError::Missing("message"))));
            }
            outcomes
        }
    }
}

async fn write(store: &Store, arrivals: Vec<Arrival>) -> Result<Vec<Intake>, StoreError> {
    store
        .write_first(move |tx| Box::pin(async move { keep_all(tx, arrivals).await }))
        .await
}

async fn keep_all(tx: &Tx, arrivals: Vec<Arrival>) -> Result<Vec<Intake>, StoreError> {
    let mut inbound = Vec::with_capacity(arrivals.len());
    let mut asked = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        asked.push((arrival.inbound.state, arrival.order_key, arrival.later));
        inbound.push(arrival.inbound);
    }
    let intakes = messages::receive_all(tx, inbound).await?;
    let mut to_apply = Vec::with_capacity(asked.len());
    for (intake, (state, order_key, later)) in intakes.iter().zip(asked) {
        let Intake::New { id, .. } = *intake else { continue };
        let owes = later.is_some();
        if let Some(OwedLater { promise, route }) = later {
            answers::owe(tx, id, route.peer, document::write(&promise)?).await?;
        }
        if state == InboundState::Received {
            let work = Work::ApplyMessage {
                message: id,
                paging: Paging::AsUsual,
            };
            let terms = Terms {
                order_key,
                ..Terms::now()
            };
            to_apply.push((work, terms));
        } else if owes {
            answers::due(tx, id).await?;
        }
    }
    jobs::enqueue_all(tx, to_apply).await?;
    Ok(intakes)
}
