//! Keeps received instances in the database: one transaction per instance, committed before the sender hears of success.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;
use prometheus_client::metrics::counter::Counter;
use tocsin_domain::audit::{ActorKind, Event, Outcome};
use tocsin_domain::dimse;
use tocsin_domain::ids::{SiteId, StudyId, Uid};
use tocsin_domain::phi::{PatientIdentifier, Phi};
use tocsin_domain::priors::same_number;
use tocsin_domain::same_person::{Contradiction, Person, contradiction};
use tocsin_domain::study::InstanceFacts;
use tocsin_domain::work::Work;

use super::facts::TagProblem;
use super::sink::{
    AssociationEnd, ClosedAssociation, InstanceSink, ReceivedInstance, RejectedAssociation, StoreOutcome,
};
use crate::report::sr_read::is_document;
use crate::storage::associations::{self, Ended, Outcome as Came};
use crate::storage::entity::study;
use crate::storage::instances::{self, Kept, Received};
use crate::storage::jobs::{self, Terms};
use crate::storage::pauses::{self, Stopped};
use crate::storage::prior_searches::{self, Purpose};
use crate::storage::signs::{self, Sign};
use crate::storage::{Store, StoreError, Tx, audit, priors, studies, timeline};

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
            .write_first(move |tx| Box::pin(async move { signs::seen(tx, Sign::Echo, from).await }))
            .await;
        if let Err(error) = kept {
            tracing::warn!(%error, "a C-ECHO could not be noted");
        }
    }

    async fn paused(&self, calling_ae: &str) -> bool {
        let of = [Stopped::DicomSender(calling_ae), Stopped::AllDicom];
        // Where the database does not answer, storing will fail and say so.
        pauses::any(self.store.read(), &of).await.unwrap_or_default()
    }

    async fn store(&self, received: ReceivedInstance) -> StoreOutcome {
        let received = Received {
            site: (self.site_of)(&received.calling_ae),
            facts: received.facts,
            problems: problems(&received.problems),
            transfer_syntax: received.transfer_syntax.to_string(),
            sha256: received.blob.hash.to_string(),
            length: received.blob.len,
            calling_ae: received.calling_ae,
        };
        self.file(received).await
    }

    async fn association_closed(&self, closed: ClosedAssociation) {
        let site = (self.site_of)(&closed.calling_ae);
        let (studies, end) = (closed.studies.clone(), closed.end);
        // Nothing to record, and a caller that only knocks must not wait for the disk with its place taken.
        if studies.is_empty() && closed.refused == 0 {
            return;
        }
        let mut trace = trace(closed);
        let told = self
            .store
            .write_first(move |tx| {
                Box::pin(async move {
                    for uid in &studies {
                        if let Some(row) = studies::by_uid(tx.conn(), &site, uid.as_str()).await? {
                            ended(tx, studies::id_of(&row)?, end).await?;
                            trace.studies.extend(row.accession);
                        }
                    }
                    associations::ended(tx, trace).await
                })
            })
            .await;
        if let Err(error) = told {
            // Silence will show the series to be complete, a little later.
            tracing::warn!(%error, "the end of an association could not be recorded");
        }
    }

    async fn association_rejected(&self, rejected: RejectedAssociation) {
        let ended = Ended {
            id: rejected.association.0.to_string(),
            calling_ae: rejected.calling_ae,
            called_ae: rejected.called_ae,
            peer: rejected.peer.ip().to_canonical().to_string(),
            outcome: Came::Rejected,
            reason: Some(rejected.reason),
            stored: 0,
            refused: 0,
            studies: BTreeSet::new(),
        };
        let kept = self
            .store
            .write_first(move |tx| Box::pin(async move { associations::rejected(tx, ended).await }))
            .await;
        if let Err(error) = kept {
            tracing::warn!(%error, "that an association was turned away could not be recorded");
        }
    }
}

fn trace(closed: ClosedAssociation) -> Ended {
    Ended {
        id: closed.association.0.to_string(),
        calling_ae: closed.calling_ae,
        called_ae: closed.called_ae,
        peer: closed.peer.ip().to_canonical().to_string(),
        outcome: match closed.end {
            AssociationEnd::Released => Came::Released,
            AssociationEnd::Broken => Came::Broken,
        },
        reason: None,
        stored: closed.stored,
        refused: closed.refused,
        studies: closed.studies.iter().map(Uid::to_string).collect(),
    }
}

/// What a header says badly, in words.
pub(super) fn problems(found: &[TagProblem]) -> Vec<String> {
    found
        .iter()
        .map(|p| format!("{}: expected {}", p.tag, p.expected))
        .collect()
}

impl Rows {
    /// Files an instance whose bytes are on stable storage.
    pub(super) async fn file(&self, mut received: Received) -> StoreOutcome {
        if let Some(patient) = &mut received.facts.patient
            && patient.authority.is_empty()
        {
            patient.authority.clone_from(&self.default_authority);
        }
        let filed = self
            .store
            .write_first(move |tx| Box::pin(async move { file(tx, &received).await }))
            .await;
        match filed {
            Ok(Filed::Kept(Kept::New)) => {
                self.received.inc();
                StoreOutcome::Stored
            }
            Ok(Filed::Kept(Kept::Duplicate)) => StoreOutcome::Duplicate,
            Ok(Filed::Kept(Kept::Quarantined)) => StoreOutcome::Quarantined {
                reason: "the SOP Instance UID is taken by an instance with other bytes".to_owned(),
            },
            Ok(Filed::Stranger(why)) => StoreOutcome::Refused {
                status: dimse::STATUS_DATA_SET_MISMATCH,
                reason: format!("not of the patient whose earlier studies were asked for: {why}"),
            },
            // Out of resources (PS3.4 B.2.3): the sender keeps the instance and tries again.
            Err(error) => StoreOutcome::Refused {
                status: dimse::STATUS_OUT_OF_RESOURCES,
                reason: error.to_string(),
            },
        }
    }

    /// The images of a study that we fetched are all here, as far as they came.
    pub(super) async fn fetched(&self, site: &SiteId, uid: &Uid) -> Result<(), StoreError> {
        let (site, uid) = (site.clone(), uid.clone());
        self.store
            .write_first(move |tx| {
                Box::pin(async move {
                    match studies::by_uid(tx.conn(), &site, uid.as_str()).await? {
                        Some(row) => ended(tx, studies::id_of(&row)?, AssociationEnd::Released).await,
                        None => Ok(()),
                    }
                })
            })
            .await
    }
}

/// What became of an instance in its transaction.
enum Filed {
    Kept(Kept),
    /// It came as an earlier study of a patient, and is of somebody else.
    Stranger(&'static str),
}

async fn file(tx: &Tx, received: &Received) -> Result<Filed, StoreError> {
    let uid = &received.facts.study_uid;
    let asker = prior_searches::asker(tx, &received.site, uid, &received.calling_ae).await?;
    let Some(asker) = asker else {
        wanted_after_all(tx, received).await?;
        return keep(tx, received, Purpose::Reading).await.map(Filed::Kept);
    };
    match stranger(&asker, &received.facts) {
        Some(why) => Ok(Filed::Stranger(why)),
        None => keep(tx, received, Purpose::Comparison).await.map(Filed::Kept),
    }
}

/// An archive may hold studies under a number that is not this patient's, or no longer.
fn stranger(asker: &study::Model, facts: &InstanceFacts) -> Option<&'static str> {
    let text = |said: &Option<Phi<String>>| said.as_ref().map(|s| s.expose().clone());
    let said = &facts.demographics;
    let (name, birth_date, sex) = (text(&said.name), text(&said.birth_date), text(&said.sex));
    let asked = PatientIdentifier {
        value: asker.patient_identifier.clone().unwrap_or_default(),
        authority: asker.patient_authority.clone().unwrap_or_default(),
    };
    if !facts
        .patient
        .as_ref()
        .is_some_and(|found| same_number(found, &asked))
    {
        return Some("another number");
    }
    let theirs = Person {
        name: name.as_deref(),
        birth_date: birth_date.as_deref(),
        sex: sex.as_deref(),
    };
    contradiction(theirs, priors::person(asker)).map(Contradiction::text)
}

/// A study that was here to be compared with comes from somebody who wants it read.
async fn wanted_after_all(tx: &Tx, received: &Received) -> Result<(), StoreError> {
    let known = studies::by_uid(tx.conn(), &received.site, received.facts.study_uid.as_str()).await?;
    let Some(row) = known.filter(|row| Purpose::of(row) == Purpose::Comparison) else {
        return Ok(());
    };
    let id = studies::id_of(&row)?;
    prior_searches::promote(tx, row, &format!("sent by {}", received.calling_ae)).await?;
    jobs::enqueue(
        tx,
        &Work::AdmitStudy { study: id },
        Terms::once(format!("admit:{id}")),
    )
    .await
}

async fn keep(tx: &Tx, received: &Received, purpose: Purpose) -> Result<Kept, StoreError> {
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
        studies::place(tx, &received.site, &received.facts, &received.calling_ae, purpose).await?;
    let instance = instances::insert(tx, received, study, series).await?;
    if is_document(received.facts.sop_class_uid.as_str()) && purpose == Purpose::Reading {
        jobs::enqueue(tx, &Work::ReadDocument { instance }, Terms::now()).await?;
    }
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
