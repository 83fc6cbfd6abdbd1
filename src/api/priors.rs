//! Earlier studies of a patient, the same part of the body first, with what changed since.

use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::compare::{Change, Earlier, changes};
use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::StudyId;
use tocsin_domain::priors::same_modality;
use tocsin_domain::same_person::{Contradiction, contradiction};

use super::error::ApiError;
use super::state::State;
use crate::storage::entity::{prior_search, study};
use crate::storage::{StoreError, prior_searches, priors, results, studies};

/// An earlier study of the same patient.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PriorView {
    pub study_id: StudyId,
    pub accession: Option<String>,
    pub modality: String,
    pub description: String,
    /// As the images say; when they arrived where they do not.
    pub taken_at: Timestamp,
    /// The same modality and part of the body, and nothing that speaks against one person.
    pub comparable: bool,
    /// What speaks against one person although the identifier is the same; nothing is compared with it.
    pub contradiction: Option<&'static str>,
    pub report_status: Option<String>,
}

/// An archive that was asked for earlier studies.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PriorSearchView {
    pub source: String,
    /// `asking`, `waiting` for another attempt, `done` or `given_up`.
    pub state: String,
    /// What came of it, or why nothing did.
    pub detail: String,
    pub at: Timestamp,
}

/// The archives that were asked about a study.
///
/// # Errors
/// A database that does not answer.
pub async fn searches(state: &State, id: StudyId) -> Result<Vec<PriorSearchView>, ApiError> {
    let rows = prior_searches::of_study(state.store.read(), id).await?;
    let view = |row: prior_search::Model| PriorSearchView {
        at: from_micros(row.updated_at),
        source: row.source,
        state: row.state,
        detail: row.detail,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// What there is to compare with.
pub struct Compared {
    pub priors: Vec<PriorView>,
    pub changes: Vec<Change>,
}

/// Earlier studies, those to compare with first, then the newest; and what changed in `records` since.
///
/// # Errors
/// A database that does not answer, or a row that cannot be read.
pub async fn of(state: &State, row: &study::Model, records: &[ResultRecord]) -> Result<Compared, ApiError> {
    let conn = state.store.read();
    let taken = taken_at(state, row).await?;
    let mut views = Vec::new();
    let mut before = Vec::new();
    for prior in priors::of(conn, row, &state.settings.default_authority).await? {
        let view = view(state, row, &prior).await?;
        if view.taken_at >= taken {
            continue;
        }
        if view.contradiction.is_some() {
            views.push(view);
            continue;
        }
        let found = results::of_studies(conn, std::slice::from_ref(&prior.id)).await?;
        for record in found.iter().map(results::record_of) {
            before.push((view.taken_at, record?));
        }
        views.push(view);
    }
    views.sort_by_key(|view| (!view.comparable, std::cmp::Reverse(view.taken_at)));
    let earlier: Vec<Earlier<'_>> = before
        .iter()
        .map(|(taken_at, record)| Earlier {
            taken_at: *taken_at,
            record,
        })
        .collect();
    Ok(Compared {
        priors: views,
        changes: records
            .iter()
            .flat_map(|record| changes(record, &earlier))
            .collect(),
    })
}

async fn view(state: &State, row: &study::Model, prior: &study::Model) -> Result<PriorView, ApiError> {
    let part = |row: &study::Model| -> Result<String, StoreError> {
        Ok(studies::facts_of(row)?
            .map(|facts| facts.body_part)
            .unwrap_or_default())
    };
    let contradiction = contradiction(priors::person(row), priors::person(prior)).map(Contradiction::text);
    Ok(PriorView {
        study_id: studies::id_of(prior)?,
        taken_at: taken_at(state, prior).await?,
        comparable: contradiction.is_none()
            && same_modality(&prior.modality, &row.modality)
            && part(prior)? == part(row)?,
        contradiction,
        accession: prior.accession.clone(),
        modality: prior.modality.clone(),
        description: prior.description.clone(),
        report_status: prior.report_status.clone(),
    })
}

async fn taken_at(state: &State, row: &study::Model) -> Result<Timestamp, ApiError> {
    Ok(priors::taken_at(state.store.read(), row, &state.settings.time_zone).await?)
}

#[cfg(test)]
mod tests {
    use tocsin_domain::clock::wall_clock;

    #[test]
    fn the_time_of_images_is_the_wall_clock_of_the_site() {
        let at = |date, time| wall_clock(date, time, &chrono_tz::Europe::Berlin).map(|at| at.to_rfc3339());
        assert_eq!(
            at("20260714", Some("143005.123")).as_deref(),
            Some("2026-07-14T12:30:05+00:00")
        );
        assert_eq!(
            at("20260114", Some("1430")).as_deref(),
            Some("2026-01-14T13:30:00+00:00")
        );
        assert_eq!(at("20260114", None).as_deref(), Some("2026-01-13T23:00:00+00:00"));
        assert_eq!(at("yesterday", None), None);
        assert_eq!(at("20260114", Some("9999")), None);
    }
}
