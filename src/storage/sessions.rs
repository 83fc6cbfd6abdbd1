//! Sessions that somebody signed out of: a copy of their cookie is worth nothing, in every process and after a restart.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use tocsin_domain::clock::{Timestamp, to_micros};

use super::entity::ended_session::{ActiveModel, Column, Entity};
use super::error::StoreError;
use super::store::Tx;

/// Ends a session, by the token of its forms; `until` its cookies would have been valid.
pub async fn end(tx: &Tx, session: &str, until: Timestamp) -> Result<(), StoreError> {
    let row = ActiveModel {
        session: Set(session.to_owned()),
        until: Set(to_micros(until)),
    };
    // Signing out twice is signing out.
    let again = OnConflict::column(Column::Session)
        .update_column(Column::Until)
        .to_owned();
    Entity::insert(row)
        .on_conflict(again)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

pub async fn has_ended(conn: &impl ConnectionTrait, session: &str) -> Result<bool, StoreError> {
    Ok(Entity::find_by_id(session).one(conn).await?.is_some())
}

/// Forgets those whose cookies have run out by now.
pub async fn purge(tx: &Tx) -> Result<(), StoreError> {
    Entity::delete_many()
        .filter(Column::Until.lt(to_micros(tx.now())))
        .exec(tx.conn())
        .await?;
    Ok(())
}
