//! Which version of a model or rule pack is in force. A changed file is a draft until someone activates it.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use tocsin_domain::clock::to_micros;

use super::entity::active_version::{self, Column, Entity};
use super::error::StoreError;
use super::store::Tx;

/// What can be in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Model,
    Rules,
}

impl Kind {
    pub fn text(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Rules => "rules",
        }
    }
}

pub async fn active(
    conn: &impl ConnectionTrait,
    kind: Kind,
    name: &str,
) -> Result<Option<active_version::Model>, StoreError> {
    Ok(Entity::find_by_id(format!("{}:{name}", kind.text()))
        .one(conn)
        .await?)
}

pub async fn all(conn: &impl ConnectionTrait) -> Result<Vec<active_version::Model>, StoreError> {
    Ok(Entity::find().all(conn).await?)
}

pub async fn activate(
    tx: &Tx,
    kind: Kind,
    name: &str,
    version: &str,
    sha256: &str,
    by: &str,
) -> Result<(), StoreError> {
    let row = active_version::ActiveModel {
        subject: Set(format!("{}:{name}", kind.text())),
        kind: Set(kind.text().to_owned()),
        name: Set(name.to_owned()),
        version: Set(version.to_owned()),
        sha256: Set(sha256.to_owned()),
        activated_by: Set(by.to_owned()),
        activated_at: Set(to_micros(tx.now())),
    };
    let replace = OnConflict::column(Column::Subject)
        .update_columns([
            Column::Version,
            Column::Sha256,
            Column::ActivatedBy,
            Column::ActivatedAt,
        ])
        .to_owned();
    Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}
