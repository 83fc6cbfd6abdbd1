//! Job: applies a stored HL7 message to patients, orders and reports, and looks again at the studies it concerns.
//! Never touches what images said.

mod answered;

use tocsin_domain::appointment::AppointmentEvent;
use tocsin_domain::ids::{MessageId, SiteId, StudyId};
use tocsin_domain::order::{Hl7Event, OrderEvent, PatientEvent, PatientMerge, ReportEvent};
use tocsin_domain::phi::PatientIdentifier;
use tocsin_domain::work::{Paging, Work};

use super::env::{Env, Settings};
use super::link::relink;
use super::reported;
use super::triage_study;
use super::vendor_results;
use crate::jobs::JobError;
use crate::storage::entity::{message, study};
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::messages::InboundState;
use crate::storage::{
    StoreError, Tx, answers, messages, orders, patients, replay, reports, studies, timeline,
};

pub async fn run(env: &Env, lease: &Lease, id: MessageId, paging: Paging) -> Result<(), JobError> {
    let (lease, settings, packs) = (lease.clone(), env.settings.clone(), env.packs.clone());
    env.store
        .write(move |tx| {
            Box::pin(async move {
                let row = messages::by_id(tx.conn(), id)
                    .await?
                    .ok_or(StoreError::Missing("message"))?;
                let (state, reason, touched) = match apply(tx, &row, &settings).await? {
                    Applied::To(touched) => (InboundState::Applied, None, touched),
                    Applied::ToNothing { reason } => (InboundState::Ignored, Some(reason), Vec::new()),
                };
                for study in &touched {
                    match paging {
                        Paging::AsUsual => look_again(tx, &settings, *study).await?,
                        // Decided here and not by a job of its own, which might find news that must page.
                        Paging::Withheld => {
                            vendor_results::adopt(tx, &settings, *study).await?;
                            triage_study::decide(tx, *study, &settings, &packs, paging).await?;
                        }
                    }
                }
                messages::set_state(tx, id, state.text(), reason, touched.first().copied()).await?;
                answers::due(tx, id).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

/// A message that cannot be applied stays, with the reason, for a person.
pub async fn given_up(env: &Env, id: MessageId, reason: &str) -> Result<(), StoreError> {
    let reason = reason.to_owned();
    env.store
        .write(move |tx| {
            Box::pin(async move {
                messages::set_state(tx, id, InboundState::Failed.text(), Some(reason), None).await?;
                answers::due(tx, id).await
            })
        })
        .await
}

/// What a message came to.
pub(super) enum Applied {
    /// The studies that it concerns.
    To(Vec<StudyId>),
    /// It is kept, and speaks of nothing that is known here.
    ToNothing { reason: String },
}

/// Runs the rules again; what other products said may be of the patient by now.
pub(super) async fn look_again(tx: &Tx, settings: &Settings, study: StudyId) -> Result<(), StoreError> {
    vendor_results::adopt(tx, settings, study).await?;
    jobs::enqueue(tx, &Work::TriageStudy { study }, Terms::triage(study)).await
}

pub(super) async fn apply(tx: &Tx, row: &message::Model, settings: &Settings) -> Result<Applied, StoreError> {
    let event = replay::event_of(row)?.ok_or(StoreError::Missing("event of the message"))?;
    let site = SiteId(row.site.clone());
    let scope = Scope {
        tx,
        site: &site,
        authority: &settings.default_authority,
    };
    Ok(Applied::To(match event {
        Hl7Event::Orders(events) => scope.orders(&events, "order message").await?,
        Hl7Event::Patient(event) => scope.patient(&event).await?,
        Hl7Event::Merge(merges) => scope.merges(&merges).await?,
        Hl7Event::Report(events) => scope.reports(message_id(row)?, &events).await?,
        Hl7Event::VendorResults(sent) => {
            vendor_results::take_message(tx, settings, &site, message_id(row)?, &sent).await?
        }
        Hl7Event::Appointment(event) => return scope.appointment(&event).await,
        Hl7Event::Answer(event) => return answered::apply(tx, &event, &row.raw).await,
        Hl7Event::Ignored { reason } => return Ok(Applied::ToNothing { reason }),
    }))
}

fn message_id(row: &message::Model) -> Result<MessageId, StoreError> {
    row.id.parse().map_err(|_| StoreError::Inconsistent {
        table: "message",
        column: "id",
        id: row.id.clone(),
    })
}

/// What every event of one message shares.
pub(super) struct Scope<'a> {
    pub tx: &'a Tx,
    pub site: &'a SiteId,
    pub authority: &'a str,
}

impl Scope<'_> {
    /// `from` is who says it, for the timelines of their studies.
    pub async fn orders(&self, events: &[OrderEvent], from: &str) -> Result<Vec<StudyId>, StoreError> {
        let mut touched = Vec::new();
        for event in events {
            let patient = self.upsert(&event.patient).await?;
            let order = orders::fold(self.tx, self.site, patient, event).await?;
            for study in self.studies_of(&order.id, event).await? {
                relink(self.tx, study, self.authority).await?;
                let what = format!("{from}: {}", format!("{:?}", event.control).to_lowercase());
                timeline::note(self.tx, study, "order_changed", what).await?;
                touched.push(study);
            }
        }
        Ok(touched)
    }

    /// Studies this order has, or may have now.
    async fn studies_of(&self, order: &str, event: &OrderEvent) -> Result<Vec<StudyId>, StoreError> {
        let mut found = studies::of_order(self.tx.conn(), order).await?;
        if let Some(uid) = &event.study_uid {
            found.extend(studies::by_uid(self.tx.conn(), self.site, uid.as_str()).await?);
        }
        if let Some(accession) = &event.accession {
            found.extend(studies::by_accession(self.tx.conn(), self.site, accession).await?);
        }
        ids_of(&found)
    }

    async fn patient(&self, event: &PatientEvent) -> Result<Vec<StudyId>, StoreError> {
        let Some(identifier) = &event.identifier else {
            return Ok(Vec::new());
        };
        let mut touched = self.visited(event).await?;
        touched.extend(self.relink_patient(identifier).await?);
        Ok(touched)
    }

    /// What rules read of the visit stands with the orders.
    async fn visited(&self, event: &PatientEvent) -> Result<Vec<StudyId>, StoreError> {
        let patient = self.upsert(event).await?;
        let Some(patient) = patient.filter(|_| event.speaks_of_visit()) else {
            return Ok(Vec::new());
        };
        let mut touched = Vec::new();
        for order in orders::visited(self.tx, &patient, event).await? {
            touched.extend(ids_of(&studies::of_order(self.tx.conn(), &order.id).await?)?);
        }
        Ok(touched)
    }

    async fn appointment(&self, event: &AppointmentEvent) -> Result<Applied, StoreError> {
        let (conn, accession) = (self.tx.conn(), event.accession.as_deref());
        let mut order = orders::find(
            conn,
            self.site,
            event.filler.as_ref(),
            event.placer.as_ref(),
            accession,
        )
        .await?;
        if let (None, Some(uid)) = (&order, &event.study_uid) {
            order = orders::candidates(conn, self.site, uid.as_str(), None)
                .await?
                .pop();
        }
        let Some(order) = order else {
            let reason = "the appointment is for an order that is not known".to_owned();
            return Ok(Applied::ToNothing { reason });
        };
        self.upsert(&event.patient).await?;
        let order = orders::scheduled(self.tx, order, event).await?;
        let touched = ids_of(&studies::of_order(conn, &order.id).await?)?;
        for study in &touched {
            let what = format!("appointment {}", event.state.text());
            timeline::note(self.tx, *study, "order_changed", what).await?;
        }
        Ok(Applied::To(touched))
    }

    async fn merges(&self, merges: &[PatientMerge]) -> Result<Vec<StudyId>, StoreError> {
        let mut touched = Vec::new();
        for merge in merges {
            let survivor_id = merge.survivor.qualified(self.authority);
            let now = self.tx.now();
            let said = &merge.survivor_demographics;
            let survivor = patients::upsert(self.tx, self.site, &survivor_id, said, &[], now).await?;
            for retired in &merge.retired {
                let retired_id = retired.qualified(self.authority);
                // A record we never heard of is made, so that late studies under the old id find their patient.
                let blank = Default::default();
                let row = patients::upsert(self.tx, self.site, &retired_id, &blank, &[], now).await?;
                patients::merge(self.tx, row, &survivor).await?;
                touched.extend(self.relink_patient(&retired_id).await?);
            }
            touched.extend(self.relink_patient(&survivor_id).await?);
        }
        Ok(touched)
    }

    async fn reports(&self, message: MessageId, events: &[ReportEvent]) -> Result<Vec<StudyId>, StoreError> {
        let mut touched = Vec::new();
        for event in events {
            let (tx, site) = (self.tx, self.site);
            let order = orders::find(
                tx.conn(),
                site,
                event.filler.as_ref(),
                event.placer.as_ref(),
                event.accession.as_deref(),
            )
            .await?;
            let study = self
                .reported_study(order.as_ref().map(|o| o.id.as_str()), event)
                .await?;
            let study_id = study.as_ref().map(|s| s.id.clone());
            reports::insert(tx, site, message, study_id, order.map(|o| o.id), event).await?;
            if let Some(study) = study {
                touched.push(reported::take(tx, study, reports::status_text(event.status)).await?);
            }
        }
        Ok(touched)
    }

    /// A report names its study by UID, else through its order, else by an accession number that only one study has.
    async fn reported_study(
        &self,
        order: Option<&str>,
        event: &ReportEvent,
    ) -> Result<Option<study::Model>, StoreError> {
        if let Some(uid) = &event.study_uid {
            return studies::by_uid(self.tx.conn(), self.site, uid.as_str()).await;
        }
        let mut found = match order {
            Some(order) => studies::of_order(self.tx.conn(), order).await?,
            None => Vec::new(),
        };
        if let (true, Some(accession)) = (found.is_empty(), &event.accession) {
            found = studies::by_accession(self.tx.conn(), self.site, accession).await?;
        }
        Ok(if found.len() == 1 { found.pop() } else { None })
    }

    pub async fn upsert(&self, event: &PatientEvent) -> Result<Option<String>, StoreError> {
        let Some(identifier) = &event.identifier else {
            return Ok(None);
        };
        let identifier = identifier.qualified(self.authority);
        let (said, deleted) = (&event.demographics, &event.deleted);
        let row = patients::upsert(self.tx, self.site, &identifier, said, deleted, event.at).await?;
        Ok(Some(row.id))
    }

    async fn relink_patient(&self, identifier: &PatientIdentifier) -> Result<Vec<StudyId>, StoreError> {
        let found = ids_of(&studies::of_patient(self.tx.conn(), self.site, &identifier.value).await?)?;
        for study in &found {
            relink(self.tx, *study, self.authority).await?;
        }
        Ok(found)
    }
}

fn ids_of(rows: &[study::Model]) -> Result<Vec<StudyId>, StoreError> {
    let mut ids = rows.iter().map(studies::id_of).collect::<Result<Vec<_>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
