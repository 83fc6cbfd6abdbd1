//! Studies found by a number that names them, whether they wait to be read or not: what left the worklist, or never was on
//! it, is found again.

use actix_web::web::{Data, Json, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::StudyId;

use super::auth::Principal;
use super::error::ApiError;
use super::page::Page;
use super::patient::PatientView;
use super::state::State;
use super::views;
use crate::storage::entity::study;
use crate::storage::prior_searches::Purpose;
use crate::storage::{StoreError, reports, studies};

/// A number that names more studies than these names none of them well.
const MOST: u64 = 100;

/// Where a study stands with those who read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// On the worklist.
    Waits,
    /// A person has reported it.
    Read,
    /// Fetched to compare others with.
    Comparison,
    /// None of its objects is an image that somebody reads.
    NothingToRead,
}

impl Standing {
    fn of(row: &study::Model) -> Self {
        let read = row.report_status.as_deref().is_some_and(reports::is_read);
        match (row.on_worklist, Purpose::of(row)) {
            (true, _) => Self::Waits,
            (false, Purpose::Comparison) => Self::Comparison,
            (false, Purpose::Reading) if read => Self::Read,
            (false, Purpose::Reading) => Self::NothingToRead,
        }
    }
}

/// A study that a number names.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FoundStudy {
    pub study_id: StudyId,
    pub study_uid: String,
    pub accession: Option<String>,
    pub modality: String,
    pub description: String,
    /// As the images say.
    pub patient: PatientView,
    pub arrived_at: Timestamp,
    pub report_status: Option<String>,
    pub standing: Standing,
}

impl FoundStudy {
    fn of(row: &study::Model) -> Result<Self, StoreError> {
        Ok(Self {
            study_id: studies::id_of(row)?,
            study_uid: row.study_uid.clone(),
            accession: row.accession.clone(),
            modality: row.modality.clone(),
            description: row.description.clone(),
            patient: PatientView::of_images(row),
            arrived_at: from_micros(row.arrived_at),
            report_status: row.report_status.clone(),
            standing: Standing::of(row),
        })
    }
}

#[derive(Deserialize)]
pub struct NumberQuery {
    pub number: String,
}

pub async fn list(
    state: Data<State>,
    query: Query<NumberQuery>,
    who: Principal,
) -> Result<Json<Page<FoundStudy>>, ApiError> {
    let items = by_number(&state, &query.number).await?;
    let shown = items.iter().map(|found| found.study_id.to_string());
    views::viewed(&state, &who, "study.search", shown).await?;
    Ok(Json(Page { items, next: None }))
}

/// Studies of this accession number, patient identifier or Study Instance UID, newest first. Shows patients: note the view
/// before it is answered.
pub async fn by_number(state: &State, number: &str) -> Result<Vec<FoundStudy>, ApiError> {
    let number = number.trim();
    if number.is_empty() {
        return Ok(Vec::new());
    }
    let rows = studies::named(state.store.read(), &state.settings.site, number, MOST).await?;
    Ok(rows
        .iter()
        .map(FoundStudy::of)
        .collect::<Result<_, StoreError>>()?)
}
