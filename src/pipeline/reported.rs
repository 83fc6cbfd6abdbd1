//! What the radiologist's report means for a study: the newest word decides whether it still waits to be read. A report may
//! come before its study, and joins it when the order is linked. Never reads what a report says.

use sea_orm::ActiveValue::Set;
use tocsin_domain::ids::StudyId;
use tocsin_domain::reading::Ending;

use crate::storage::entity::study;
use crate::storage::prior_searches::Purpose;
use crate::storage::{StoreError, Tx, readings, reports, studies, timeline};

/// Takes note of a version that arrived with this status.
pub async fn take(tx: &Tx, row: study::Model, status: &str) -> Result<StudyId, StoreError> {
    let id = studies::id_of(&row)?;
    let versions = reports::of_study(tx.conn(), &row.id).await?;
    let standing = versions.last().map(|v| v.status.clone()).unwrap_or_default();
    let read = reports::is_read(&standing);
    timeline::note(tx, id, "report_received", format!("status {status}")).await?;
    let to_be_read = Purpose::of(&row) == Purpose::Reading;
    if read && to_be_read {
        readings::end_standing(tx, &row, Ending::Reported).await?;
    }
    let mut row: study::ActiveModel = row.into();
    row.report_status = Set(Some(standing));
    row.on_worklist = Set(!read && to_be_read);
    studies::save(tx, row).await?;
    if status == "retracted" && to_be_read {
        timeline::note(tx, id, "back_on_worklist", "its report was retracted").await?;
    }
    Ok(id)
}

/// Reports on this order that came before the study are the study's.
pub async fn adopt(tx: &Tx, id: StudyId, order: &str) -> Result<(), StoreError> {
    for report in reports::waiting_for_study(tx.conn(), order).await? {
        let status = report.status.clone();
        reports::join(tx, report, id).await?;
        take(tx, studies::get(tx.conn(), id).await?, &status).await?;
    }
    Ok(())
}
