//! What radiologists wrote, every version that arrived.

use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::{MessageId, SiteId};
use tocsin_domain::order::{ReportEvent, ReportStatus};

use super::entity::report::{self, Column, Entity};
use super::error::StoreError;
use super::store::Tx;

pub fn status_text(status: ReportStatus) -> &'static str {
    match status {
        ReportStatus::NoText => "no_text",
        ReportStatus::Preliminary => "preliminary",
        ReportStatus::Final => "final",
        ReportStatus::Amended => "amended",
        ReportStatus::Retracted => "retracted",
    }
}

pub async fn insert(
    tx: &Tx,
    site: &SiteId,
    message: MessageId,
    study: Option<String>,
    order: Option<String>,
    event: &ReportEvent,
) -> Result<(), StoreError> {
    let row = report::ActiveModel {
        id: Set(tx.uuid().to_string()),
        site: Set(site.0.clone()),
        study_id: Set(study),
        order_id: Set(order),
        message_id: Set(message.to_string()),
        status: Set(status_text(event.status).to_owned()),
        event: Set(serde_json::to_string(event)
            .map_err(|_| StoreError::Refused("a report that is no JSON".into()))?),
        told_at: Set(to_micros(event.at)),
        created_at: Set(to_micros(tx.now())),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// The versions of a study's report, oldest first by the time the sender gave.
pub async fn of_study(conn: &impl ConnectionTrait, study: &str) -> Result<Vec<report::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::StudyId.eq(study))
        .order_by_asc(Column::ToldAt)
        .order_by_asc(Column::CreatedAt)
        .all(conn)
        .await?)
}

/// Reports that came before their study.
pub async fn waiting_for_study(
    conn: &impl ConnectionTrait,
    order: &str,
) -> Result<Vec<report::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::OrderId.eq(order))
        .filter(Column::StudyId.is_null())
        .all(conn)
        .await?)
}
