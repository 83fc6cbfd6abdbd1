//! Studies that wait to be read, as far as the worklist sorts, picks and counts by them: a narrow row each, so that tens of
//! thousands can be held in memory.

use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DerivePartialModel, EntityTrait, QueryFilter};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::worklist::CLAIM_LASTS;

use super::entity::{redacted, study};
use super::error::StoreError;

/// What a list needs of a study.
#[derive(Clone, PartialEq, DerivePartialModel)]
#[sea_orm(entity = "study::Entity")]
pub struct Waiting {
    pub id: String,
    pub study_uid: String,
    pub accession: Option<String>,
    pub patient_identifier: Option<String>,
    pub patient_name: Option<String>,
    pub modality: String,
    pub description: String,
    pub link: String,
    pub instances: i64,
    pub arrived_at: i64,
    pub human_band: i16,
    pub band: i16,
    pub score: f64,
    pub band_without_ai: i16,
    pub score_without_ai: f64,
    pub on_worklist: bool,
    pub claimed_by: Option<String>,
    pub claimed_at: Option<i64>,
    pub report_status: Option<String>,
}

redacted!(Waiting);

impl Waiting {
    /// Who holds the study now.
    pub fn holder(&self, now: Timestamp) -> Option<&str> {
        holder(self.claimed_by.as_deref(), self.claimed_at, now)
    }
}

/// Who holds a study now; a claim that nobody renewed in time is free again.
pub fn holder(by: Option<&str>, since: Option<i64>, now: Timestamp) -> Option<&str> {
    let since = from_micros(since?);
    by.filter(|_| now < since + CLAIM_LASTS)
}

/// Ids of everything that waits, to look for what belongs to them.
pub(super) fn ids() -> SelectStatement {
    let mut ids = Query::select();
    ids.column(study::Column::Id).from(study::Entity);
    ids.and_where(study::Column::OnWorklist.eq(true)).to_owned()
}

/// Everything that waits.
pub async fn all(conn: &impl ConnectionTrait) -> Result<Vec<Waiting>, StoreError> {
    let open = study::Entity::find().filter(study::Column::OnWorklist.eq(true));
    Ok(open.into_partial_model().all(conn).await?)
}

/// These studies, whether they wait or not.
pub async fn of(conn: &impl ConnectionTrait, ids: &[String]) -> Result<Vec<Waiting>, StoreError> {
    let these = study::Entity::find().filter(study::Column::Id.is_in(ids.iter().cloned()));
    Ok(these.into_partial_model().all(conn).await?)
}
