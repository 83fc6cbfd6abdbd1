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

/// What can be put in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub kind: Kind,
    pub name: String,
    pub version: String,
    pub sha256: String,
    /// Kept, so that it stays in force when the files change.
    pub content: Option<String>,
}

pub async fn activate(tx: &Tx, candidate: &Candidate, by: &str) -> Result<(), StoreError> {
    let (kind, name) = (candidate.kind.text(), &candidate.name);
    let row = active_version::ActiveModel {
        subject: Set(format!("{kind}:{name}")),
        kind: Set(kind.to_owned()),
        name: Set(name.clone()),
        version: Set(candidate.version.clone()),
        sha256: Set(candidate.sha256.clone()),
        content: Set(candidate.content.clone()),
        activated_by: Set(by.to_owned()),
        activated_at: Set(to_micros(tx.now())),
    };
    let replace = OnConflict::column(Column::Subject)
        .update_columns([
            Column::Version,
            Column::Sha256,
            Column::Content,
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
