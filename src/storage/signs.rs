//! When each way in or out of the service was last seen to work, for those who set a site up. Images and messages leave
//! rows of their own; this keeps what would leave none.

use std::collections::BTreeMap;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use tocsin_domain::clock::to_micros;

use super::entity::sign_of_life::{ActiveModel, Column, Entity, Model};
use super::error::StoreError;
use super::store::Tx;

/// What was seen to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A modality verified the connection.
    Echo,
    /// A mail server took a test page.
    TestPage,
}

impl Sign {
    pub fn text(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::TestPage => "test_page",
        }
    }
}

/// `detail` names the peer, never a patient.
pub async fn seen(tx: &Tx, sign: Sign, detail: String) -> Result<(), StoreError> {
    let row = ActiveModel {
        kind: Set(sign.text().to_owned()),
        at: Set(to_micros(tx.now())),
        detail: Set(detail),
    };
    let replace = OnConflict::column(Column::Kind)
        .update_columns([Column::At, Column::Detail])
        .to_owned();
    Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// The last sign of each kind.
pub async fn all(conn: &impl ConnectionTrait) -> Result<BTreeMap<String, Model>, StoreError> {
    let rows = Entity::find().all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.kind.clone(), row)).collect())
}
