//! How each modality worklist fared when it was last asked. Names no patient.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use tocsin_domain::clock::to_micros;

use super::entity::worklist_poll::{ActiveModel, Column, Entity, Model};
use super::error::StoreError;
use super::store::Tx;

/// What came of asking once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    Answered { items: i64, detail: String },
    Failed { reason: String },
}

impl Polled {
    fn state(&self) -> &'static str {
        match self {
            Self::Answered { .. } => "answered",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Whether the worklist could not be asked when it was last.
pub fn has_failed(row: &Model) -> bool {
    row.state == "failed"
}

pub async fn note(tx: &Tx, source: &str, polled: &Polled) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    let (items, detail, answered) = match polled {
        Polled::Answered { items, detail } => (*items, detail.clone(), Some(now)),
        Polled::Failed { reason } => (0, reason.clone(), None),
    };
    let row = ActiveModel {
        id: Set(tx.uuid().to_string()),
        source: Set(source.to_owned()),
        state: Set(polled.state().to_owned()),
        detail: Set(detail),
        items: Set(items),
        answered_at: Set(answered),
        updated_at: Set(now),
    };
    let mut columns = vec![Column::State, Column::Detail, Column::UpdatedAt];
    // When and what it last answered stays known while it does not.
    if answered.is_some() {
        columns.extend([Column::Items, Column::AnsweredAt]);
    }
    let again = OnConflict::column(Column::Source)
        .update_columns(columns)
        .to_owned();
    Entity::insert(row)
        .on_conflict(again)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

pub async fn all(conn: &impl ConnectionTrait) -> Result<Vec<Model>, StoreError> {
    Ok(Entity::find().all(conn).await?)
}
