//! Tokens of EHRs that were used: whoever overhears one cannot use it again.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use tocsin_domain::clock::{Timestamp, to_micros};

use super::entity::ehr_token::{ActiveModel, Column, Entity};
use super::error::StoreError;
use super::store::Tx;

/// Notes that a token was used; `false` when it was before.
pub async fn first_use(tx: &Tx, fingerprint: &str, expires_at: Timestamp) -> Result<bool, StoreError> {
    let row = ActiveModel {
        fingerprint: Set(fingerprint.to_owned()),
        expires_at: Set(to_micros(expires_at)),
    };
    let again = OnConflict::column(Column::Fingerprint).do_nothing().to_owned();
    let written = Entity::insert(row)
        .on_conflict(again)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(written > 0)
}

/// Forgets those that nobody would believe any more.
pub async fn purge(tx: &Tx) -> Result<(), StoreError> {
    Entity::delete_many()
        .filter(Column::ExpiresAt.lt(to_micros(tx.now())))
        .exec(tx.conn())
        .await?;
    Ok(())
}
