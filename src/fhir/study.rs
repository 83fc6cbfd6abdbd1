//! ImagingStudy: everything that has arrived of a study, by series.

use sea_orm::ConnectionTrait;
use serde_json::json;
use tocsin_domain::ids::Uid;
use tocsin_domain::study::SeriesFacts;

use super::sources::Studied;
use super::{Entry, Kind, Server, entry};
use crate::report::fhir_study::{SeriesOf, StudyOf, imaging_study};
use crate::storage::entity::{series, study};
use crate::storage::{StoreError, studies};

pub async fn load(
    conn: &impl ConnectionTrait,
    server: &Server,
    row: study::Model,
) -> Result<Entry, StoreError> {
    let studied = Studied::of(conn, row).await?;
    let rows = studies::series_of(conn, studies::id_of(&studied.row)?).await?;
    let known = rows.iter().map(studies::series_facts_of);
    let known = known.collect::<Result<Vec<_>, StoreError>>()?;
    let series: Vec<SeriesOf> = rows
        .iter()
        .zip(&known)
        .map(|(row, facts)| told(row, facts.as_ref(), &studied.row.modality))
        .collect();
    let ordered = studied.ordered.as_ref();
    let of_order = ordered.and_then(|ordered| ordered.record.accession.as_deref());
    let uid = Uid::parse(&studied.row.study_uid).map_err(|_| StoreError::Inconsistent {
        table: "study",
        column: "study_uid",
        id: studied.row.id.clone(),
    })?;
    let resource = imaging_study(&StudyOf {
        uid: &uid,
        accession: of_order.or(studied.row.accession.as_deref()),
        date: studied.facts.study_date.as_deref(),
        description: Some(&studied.row.description),
        procedure: ordered.map(|ordered| &ordered.record.procedure),
        subject: json!({ "reference": studied.patient() }),
        order: studied.order().map(|order| json!({ "reference": order })),
        series: &series,
    });
    let row = &studied.row;
    Ok(entry(
        server,
        row.id.clone(),
        Some(row.updated_at),
        resource,
        Some(&row.id),
    ))
}

/// Before a series is complete nothing is known of it but its images.
fn told<'a>(row: &'a series::Model, facts: Option<&'a SeriesFacts>, modality: &'a str) -> SeriesOf<'a> {
    SeriesOf {
        uid: &row.series_uid,
        modality: facts.map_or(modality, |facts| facts.modality.as_str()),
        sop_class: None,
        instances: &[],
        count: usize::try_from(row.instances).unwrap_or_default(),
        description: facts.map(|facts| facts.description.as_str()),
    }
}

/// `ImagingStudy/id`.
pub fn address(id: &str) -> String {
    format!("{}/{id}", Kind::ImagingStudy.name())
}
