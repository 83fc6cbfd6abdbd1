//! Keeps received instances in the database: one transaction per instance, committed before the sender hears of success.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;
use prometheus_client::metrics::counter::Counter;
use tocsin_domain::audit::{ActorKind, Event, Outcome};
use tocsin_domain::ids::{SiteId, StudyId};
use tocsin_domain::work::Work;

use super::sink::{AssociationEnd, ClosedAssociation, InstanceSink, ReceivedInstance, StoreOutcome};
use crate::storage::instances::{self, Kept, Received};
use crate::storage::jobs::{self, Terms};
use crate::storage::signs::{self, Sign};
use crate::storage::{Store, StoreError, Tx, audit, studies, timeline};

/// Assembly looks at a study at most this often while its images arrive; the end of an association makes it look at once.
const ASSEMBLE_EVERY: TimeDelta = TimeDelta::milliseconds(700);

/// Which site an AE title belongs to.
pub type SiteOf = Arc<dyn Fn(&str) -> SiteId + Send + Sync>;

/// The sink in front of the database.
pub struct Rows {
    pub store: Store,
    pub site_of: SiteOf,
    /// Of patient identifiers whose images name no issuer, as those of most scanners: the site's own. The same one holds
    /// for messages, or an order and its images would never be of one patient.
    pub default_authority: String,
    /// Counts what was stored and acknowledged.
    pub received: Counter,
    pub echoes: Echoes,
}

/// When a C-ECHO was last kept, in seconds since 1970: a monitor that asks every second writes no row each time.
#[derive(Debug, Default)]
pub struct Echoes(AtomicI64);

const ECHO_KEPT_EVERY: i64 = 60;

impl Echoes {
    fn is_news(&self, now: i64) -> bool {
        let kept = self.0.load(Ordering::Relaxed);
        now - kept >= ECHO_KEPT_EVERY
            && self
                .0
                .compare_exchange(kept, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

impl InstanceSink for Rows {
    async fn echoed(&self, calling_ae: &str) {
        if !self.echoes.is_news(self.store.now().timestamp()) {
            return;
        }
        let from = calling_ae.to_owned();
        let kept = self
            .store
            .write(move |tx| Box::pin(async move { signs::seen(tx, Sign::Echo, from).await }))
            .await;
        if let Err(error) = kept {
            tracing::warn!(%error, "a C-ECHO could not be noted");
        }
    }

    async fn store(&self, mut received: ReceivedInstance) -> StoreOutcome {
        if let Some(patient) = &mut received.facts.patient
            && patient.authority.is_empty()
        {
            patient.authority.clone_from(&self.default_authority);
        }
        let received = Received {
            site: (self.site_of)(&received.calling_ae),
            facts: received.facts,
            problems: received
                .problems
                .iter()
                .map(|p| format!("{}: expected {}", p.tag, p.expected))
                .collect(),
            transfer_syntax: received.transfer_syntax.to_string(),
            sha256: received.blob.hash.to_string(),
            length: received.blob.len,
            calling_ae: received.calling_ae,
        };
        let kept = self
            .store
            .write(move |tx| Box::pin(async move { keep(tx, &received).await }))
            .await;
        match kept {
            Ok(Kept::New) => {
                self.received.inc();
                StoreOutcome::Stored
            }
            Ok(Kept::Duplicate) => StoreOutcome::Duplicate,
            Ok(Kept::Quarantined) => StoreOutcome::Quarantined {
                reason: "the SOP Instance UID is taken by an instance with other bytes".to_owned(),
            },
            // Out of resources (PS3.4 B.2.3): the sender keeps the instance and tries again.
            Err(error) => StoreOutcome::Refused {
                status: 0xA700,
                reason: error.to_string(),
            },
        }
    }

    async fn association_closed(&self, closed: ClosedAssociation) {
        let site = (self.site_of)(&closed.calling_ae);
        let (studies, end) = (closed.studies, closed.end);
        // Nothing to record, and a caller that only knocks must not wait for the disk with its place taken.
        if studies.is_empty() {
            return;
        }
        let told = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    for uid in &studies {
                        if let Some(row) = studies::by_uid(tx.conn(), &site, uid.as_str()).await? {
                            ended(tx, studies::id_of(&row)?, end).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await;
        if let Err(error) = told {
            // Silence will show the series to be complete, a little later.
            tracing::warn!(%error, "the end of an association could not be recorded");
        }
    }
}

async fn keep(tx: &Tx, received: &Received) -> Result<Kept, StoreError> {
    if let Some(kept) = instances::known(tx, received).await? {
        if kept == Kept::Quarantined {
            let event = Event {
                actor: received.calling_ae.clone(),
                actor_kind: ActorKind::Peer,
                action: "instance.quarantine".to_owned(),
                object: format!("blob:{}", received.sha256),
                site: received.site.0.clone(),
                outcome: Outcome::Refused,
                request_id: String::new(),
                detail: serde_json::json!({ "length": received.length }),
            };
            audit::record(tx, event).await?;
        }
        return Ok(kept);
    }
    let (study, series, is_new) =
        studies::place(tx, &received.site, &received.facts, &received.calling_ae).await?;
    instances::insert(tx, received, study, series).await?;
    if is_new {
        timeline::note(tx, study, "first_image", format!("from {}", received.calling_ae)).await?;
    }
    let soon = Terms::assembly(study).at(tx.now() + ASSEMBLE_EVERY);
    jobs::enqueue(tx, &Work::AssembleStudy { study }, soon).await?;
    Ok(Kept::New)
}

async fn ended(tx: &Tx, study: StudyId, end: AssociationEnd) -> Result<(), StoreError> {
    match end {
        AssociationEnd::Released => studies::released(tx, study).await?,
        AssociationEnd::Broken => {
            timeline::note(tx, study, "association_broken", "the sender did not release").await?
        }
    }
    jobs::enqueue(tx, &Work::AssembleStudy { study }, Terms::assembly(study)).await
}
