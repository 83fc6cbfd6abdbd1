//! What is known here of a patient whom an EHR names: their studies and orders, under every number that was merged into theirs.

use std::collections::{BTreeMap, BTreeSet};

use tocsin_domain::advice::{Known, KnownState, Recommended};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::SiteId;
use tocsin_domain::phi::PatientIdentifier;
use tocsin_domain::triage::Recommendation;

use crate::api::described::verdicts_of;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::storage::entity::{imaging_order, study};
use crate::storage::patients::Imaged;
use crate::storage::prior_searches::Purpose;
use crate::storage::{StoreError, holds, orders, patients, priors, reports};

/// Orders that are looked at; the newest go first.
const ORDERS: u64 = 100;

/// Everything about one patient.
#[derive(Default)]
pub struct Chart {
    pub studies: Vec<study::Model>,
    orders: Vec<imaging_order::Model>,
    /// Studies of which a result waits for a radiologist: what rules make of it is not said.
    held: BTreeSet<String>,
}

/// An examination, with the study that it has.
pub struct Examination {
    pub known: Known,
    pub study: Option<String>,
}

/// A recommendation, with the study that it was made for.
pub struct Advised {
    pub recommended: Recommended,
    pub recommendation: Recommendation,
    pub study: String,
    pub label: String,
}

pub async fn load(state: &State, identifiers: &[PatientIdentifier]) -> Result<Chart, StoreError> {
    let (conn, site) = (state.store.read(), &state.settings.site);
    let mut chart = Chart::default();
    let mut seen = BTreeSet::new();
    for identifier in identifiers {
        let whom = whom(state, site, identifier).await?;
        if let Imaged::Record(record) = &whom {
            let records = priors::records_of(conn, record).await?;
            let ids: Vec<String> = records.into_iter().map(|row| row.id).collect();
            let found = orders::of_patients(conn, site, &ids, ORDERS).await?;
            chart
                .orders
                .extend(found.into_iter().filter(|order| seen.insert(order.id.clone())));
        }
        let found = priors::of_whom(conn, site, &whom, &state.settings.default_authority).await?;
        // What was fetched to compare with came lately and was done long ago.
        let read_here = found
            .into_iter()
            .filter(|study| Purpose::of(study) == Purpose::Reading);
        chart
            .studies
            .extend(read_here.filter(|study| seen.insert(study.id.clone())));
    }
    let studies: Vec<String> = chart.studies.iter().map(|study| study.id.clone()).collect();
    chart.held = holds::among(conn, &studies).await?;
    Ok(chart)
}

async fn whom(state: &State, site: &SiteId, identifier: &PatientIdentifier) -> Result<Imaged, StoreError> {
    let conn = state.store.read();
    match patients::find(conn, site, identifier).await? {
        Some(row) => Ok(Imaged::Record(patients::survivor(conn, row).await?.id)),
        None => Ok(Imaged::Unknown(identifier.clone())),
    }
}

/// A radiologist's report on it stands.
pub fn is_read(study: &study::Model) -> bool {
    study.report_status.as_deref().is_some_and(reports::is_read)
}

/// What people call an examination.
pub fn label(study: &study::Model) -> String {
    match study.description.trim() {
        "" => study.modality.clone(),
        said => said.to_owned(),
    }
}

impl Chart {
    /// Examinations that were ordered or came, the newest first within each kind.
    pub fn examinations(&self) -> Result<Vec<Examination>, ApiError> {
        let mut of_order: BTreeMap<&str, &study::Model> = BTreeMap::new();
        for study in &self.studies {
            if let Some(order) = &study.order_id {
                of_order.entry(order).or_insert(study);
            }
        }
        let mut found = Vec::new();
        for order in &self.orders {
            if order.state != "cancelled" {
                found.push(ordered(order, of_order.get(order.id.as_str()).copied())?);
            }
        }
        let known: BTreeSet<&str> = self.orders.iter().map(|order| order.id.as_str()).collect();
        let unordered = self.studies.iter().filter(|study| {
            !study
                .order_id
                .as_deref()
                .is_some_and(|order| known.contains(order))
        });
        found.extend(unordered.map(|study| Examination {
            known: Known {
                code: String::new(),
                placer: String::new(),
                text: words_of(study),
                at: from_micros(study.arrived_at),
                state: state_of(study),
            },
            study: Some(study.id.clone()),
        }));
        Ok(found)
    }

    /// What the rules recommend for the studies of this patient, as they stand now.
    pub fn advised(&self) -> Result<Vec<Advised>, ApiError> {
        let mut found = Vec::new();
        for study in self.studies.iter().filter(|study| !self.held.contains(&study.id)) {
            for recommendation in verdicts_of(study)?
                .into_iter()
                .flat_map(|verdict| verdict.recommends)
            {
                found.push(Advised {
                    recommended: Recommended {
                        text: recommendation.text.clone(),
                        at: from_micros(study.arrived_at),
                    },
                    recommendation,
                    study: study.id.clone(),
                    label: label(study),
                });
            }
        }
        Ok(found)
    }
}

fn ordered(order: &imaging_order::Model, study: Option<&study::Model>) -> Result<Examination, ApiError> {
    let record = orders::record_of(order)?;
    let (at, state): (Timestamp, KnownState) = match study {
        Some(study) => (from_micros(study.arrived_at), state_of(study)),
        None if order.state == "completed" => (from_micros(order.updated_at), KnownState::Read),
        None => (from_micros(order.created_at), KnownState::Ordered),
    };
    let modality = record.modality.unwrap_or_default();
    let images = study.map(words_of).unwrap_or_default();
    Ok(Examination {
        known: Known {
            code: record.procedure.code,
            placer: record.placer.map(|placer| placer.number).unwrap_or_default(),
            text: format!("{} {modality} {images}", record.procedure.text)
                .trim()
                .to_owned(),
            at,
            state,
        },
        study: study.map(|study| study.id.clone()),
    })
}

fn words_of(study: &study::Model) -> String {
    format!("{} {}", study.description, study.modality)
}

fn state_of(study: &study::Model) -> KnownState {
    match study.on_worklist {
        true => KnownState::Waits,
        false => KnownState::Read,
    }
}
