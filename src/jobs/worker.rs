//! Takes due jobs lane by lane, keeps their leases alive while they run, and records how they ended. A job completes its
//! own lease in the transaction that holds its effects; whatever ends without that is tried again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tocsin_domain::work::Lane;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::error::JobError;
use crate::storage::leases::{self, Lease};
use crate::storage::{Store, StoreError};

/// How often a lane looks for jobs whose time has come; a commit that queues one wakes it at once.
const POLL: Duration = Duration::from_millis(200);
/// How long running jobs may go on after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(15);
/// How long handing leases back may take after that.
const HAND_BACK: Duration = Duration::from_secs(3);

/// What jobs do.
pub trait Handler: Send + Sync + 'static {
    /// Runs one job; on `Ok` its lease has been completed together with its effects.
    fn run(&self, lease: &Lease) -> impl Future<Output = Result<(), JobError>> + Send;

    /// A job was given up. Called before the row is buried, so that what it was about can be marked.
    fn given_up(&self, lease: &Lease, reason: &str) -> impl Future<Output = ()> + Send;
}

/// The workers of one process.
pub struct Workers<H> {
    store: Store,
    handler: Arc<H>,
    owner: String,
}

impl<H: Handler> Workers<H> {
    /// `owner` names this process on its leases.
    pub fn new(store: Store, handler: Arc<H>, owner: String) -> Self {
        Self {
            store,
            handler,
            owner,
        }
    }

    /// Works a lane with so many jobs at a time, until the stop is asked for; then lets running jobs finish, and hands back
    /// those that do not.
    pub async fn work(self: Arc<Self>, lane: Lane, width: usize, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(width));
        let mut running = JoinSet::new();
        let give_back = CancellationToken::new();
        while !stop.is_cancelled() {
            while running.try_join_next().is_some() {}
            let free = slots.available_permits();
            let leases = if free == 0 {
                Vec::new()
            } else {
                self.take(lane, free).await
            };
            let took_none = leases.is_empty();
            for lease in leases {
                let Ok(slot) = slots.clone().acquire_owned().await else {
                    return;
                };
                let (workers, give_back) = (self.clone(), give_back.clone());
                running.spawn(async move {
                    workers.run_one(lease, &give_back).await;
                    drop(slot);
                });
            }
            if took_none {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = self.store.woken(lane) => {}
                    Some(_) = running.join_next(), if free == 0 => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        }
        if !ended_within(DRAIN, &mut running).await {
            give_back.cancel();
            let returned = ended_within(HAND_BACK, &mut running).await;
            tracing::warn!(
                lane = lane.name(),
                returned,
                "jobs still ran at the end of the drain; another process takes them"
            );
        }
    }

    async fn take(&self, lane: Lane, free: usize) -> Vec<Lease> {
        let limit = i64::try_from(free).unwrap_or(i64::MAX);
        match leases::claim(&self.store, lane, &self.owner, limit).await {
            Ok(leases) => leases,
            Err(error) => {
                tracing::error!(lane = lane.name(), %error, "no jobs could be claimed");
                tokio::time::sleep(POLL).await;
                Vec::new()
            }
        }
    }

    /// Runs jobs that are due now, one after another, until none is left. For stories with a clock that is moved by hand.
    pub async fn run_due(&self) -> usize {
        let mut ran = 0;
        loop {
            let mut any = false;
            for lane in Lane::ALL {
                for lease in self.take(lane, 1).await {
                    self.run_one(lease, &CancellationToken::new()).await;
                    (any, ran) = (true, ran + 1);
                }
            }
            if !any {
                return ran;
            }
        }
    }

    #[tracing::instrument(name = "job", skip_all, fields(kind = lease.work.kind(), seq = lease.seq, attempt = lease.attempts))]
    async fn run_one(&self, lease: Lease, give_back: &CancellationToken) {
        if lease.deaths > lease.lane.max_deaths() {
            return self
                .give_up(&lease, "the process died under it again and again")
                .await;
        }
        let outcome = {
            let work = AssertUnwindSafe(self.handler.run(&lease)).catch_unwind();
            let beat = self.keep_alive(&lease);
            tokio::select! {
                outcome = work => outcome.unwrap_or_else(|_| Err(JobError::Retry("it panicked".to_owned()))),
                () = beat => Err(JobError::Fenced),
                () = give_back.cancelled() => return self.hand_back(&lease).await,
            }
        };
        match outcome {
            Ok(()) => {}
            Err(JobError::Fenced) => tracing::warn!("another worker took this job over"),
            Err(JobError::Fail(reason)) => self.give_up(&lease, &reason).await,
            Err(JobError::Retry(reason)) => self.again(&lease, &reason, None).await,
            Err(JobError::RetryAfter { reason, pause }) => self.again(&lease, &reason, Some(pause)).await,
        }
    }

    /// Renews the lease until it is lost.
    async fn keep_alive(&self, lease: &Lease) {
        let third = Duration::from_millis(u64::try_from(lease.lane.lease_seconds()).unwrap_or(10) * 333);
        loop {
            tokio::time::sleep(third).await;
            let held = lease.clone();
            let renewed = self
                .store
                .write(move |tx| Box::pin(async move { leases::fence(tx, &held).await }))
                .await;
            if matches!(renewed, Err(StoreError::Fenced)) {
                return;
            }
        }
    }

    /// The process stops: whoever comes next need not wait for the lease to run out.
    async fn hand_back(&self, lease: &Lease) {
        let held = lease.clone();
        self.record(move |tx| Box::pin(async move { leases::release(tx, &held).await }))
            .await;
    }

    async fn again(&self, lease: &Lease, reason: &str, pause: Option<Duration>) {
        if lease.attempts >= lease.lane.max_attempts() {
            return self.give_up(lease, reason).await;
        }
        tracing::warn!(reason, "the job will be tried again");
        let wait = pause
            .and_then(|pause| chrono::TimeDelta::from_std(pause).ok())
            .unwrap_or_else(|| lease.lane.backoff(lease.attempts, lease.seq));
        let (held, reason) = (lease.clone(), reason.to_owned());
        self.record(move |tx| {
            Box::pin(async move { leases::retry(tx, &held, tx.now() + wait, &reason).await })
        })
        .await;
    }

    async fn give_up(&self, lease: &Lease, reason: &str) {
        tracing::error!(reason, "the job is given up");
        self.handler.given_up(lease, reason).await;
        let (held, reason) = (lease.clone(), reason.to_owned());
        self.record(move |tx| Box::pin(async move { leases::bury(tx, &held, &reason).await }))
            .await;
    }

    async fn record<F>(&self, write: F)
    where
        F: for<'t> FnOnce(
                &'t crate::storage::Tx,
            ) -> futures_util::future::BoxFuture<'t, Result<(), StoreError>>
            + Send
            + 'static,
    {
        if let Err(error) = self.store.write(write).await {
            // The lease runs out by itself, and the job is taken up again.
            tracing::error!(%error, "the end of a job could not be recorded");
        }
    }
}

async fn ended_within(limit: Duration, running: &mut JoinSet<()>) -> bool {
    tokio::time::timeout(limit, async { while running.join_next().await.is_some() {} })
        .await
        .is_ok()
}
