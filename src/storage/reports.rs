//! What radiologists wrote, every version that arrived.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::{MessageId, SiteId, StudyId};
use tocsin_domain::order::{ReportEvent, ReportStatus};

use super::document;
use super::entity::report::{self, Column, Entity};
use super::error::StoreError;
use super::store::Tx;

/// Whether a report of this standing means that a person has read the study.
pub fn is_read(standing: &str) -> bool {
    matches!(standing, "final" | "amended")
}

pub fn status_text(status: ReportStatus) -> &'static str {
    match status {
        ReportStatus::NoText => "no_text",
        ReportStatus::Preliminary => "preliminary",
        ReportStatus::Final => "final",
        ReportStatus::Amended => "amended",
        ReportStatus::Retracted => "retracted",
    }
}

/// Keeps what a message said of a report; applied again, the message adds nothing.
pub async fn insert(
    tx: &Tx,
    site: &SiteId,
    message: MessageId,
    study: Option<String>,
    order: Option<String>,
    event: &ReportEvent,
) -> Result<(), StoreError> {
    let text = document::write(event)?;
    // The message is applied again: its study or order may be known by now.
    if let Some(known) = find(tx.conn(), &message.to_string(), &text).await? {
        let mut row: report::ActiveModel = known.into();
        row.study_id = Set(study);
        row.order_id = Set(order);
        row.update(tx.conn()).await?;
        return Ok(());
    }
    let row = report::ActiveModel {
        id: Set(tx.uuid().to_string()),
        site: Set(site.0.clone()),
        study_id: Set(study),
        order_id: Set(order),
        message_id: Set(message.to_string()),
        status: Set(status_text(event.status).to_owned()),
        event: Set(text),
        told_at: Set(to_micros(event.at)),
        created_at: Set(to_micros(tx.now())),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Whether this word of this message is kept already.
pub async fn is_known(
    conn: &impl ConnectionTrait,
    message: &str,
    event: &ReportEvent,
) -> Result<bool, StoreError> {
    Ok(find(conn, message, &document::write(event)?).await?.is_some())
}

async fn find(
    conn: &impl ConnectionTrait,
    message: &str,
    event: &str,
) -> Result<Option<report::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::MessageId.eq(message))
        .filter(Column::Event.eq(event))
        .one(conn)
        .await?)
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

/// A report that came before its study is the study's now.
pub async fn join(tx: &Tx, row: report::Model, study: StudyId) -> Result<(), StoreError> {
    let mut row: report::ActiveModel = row.into();
    row.study_id = Set(Some(study.to_string()));
    row.update(tx.conn()).await?;
    Ok(())
}

/// Reports on an order that came before their study, oldest first.
pub async fn waiting_for_study(
    conn: &impl ConnectionTrait,
    order: &str,
) -> Result<Vec<report::Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::OrderId.eq(order))
        .filter(Column::StudyId.is_null())
        .order_by_asc(Column::ToldAt)
        .all(conn)
        .await?)
}
