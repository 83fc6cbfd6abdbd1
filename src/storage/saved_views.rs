//! Worklists as people want to find them again: a name, and the query of its address.

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
};
use tocsin_domain::clock::to_micros;

use super::entity::saved_view::{ActiveModel, Column, Entity, Model};
use super::error::StoreError;
use super::store::Tx;

/// Views that one person keeps at most.
const MOST: u64 = 20;

pub async fn of(conn: &impl ConnectionTrait, owner: &str) -> Result<Vec<Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::Owner.eq(owner))
        .order_by_asc(Column::Name)
        .all(conn)
        .await?)
}

/// Keeps a view; one of the same name is replaced.
pub async fn keep(tx: &Tx, owner: &str, name: &str, query: &str) -> Result<(), StoreError> {
    let kept = Entity::find()
        .filter(Column::Owner.eq(owner))
        .filter(Column::Name.ne(name))
        .count(tx.conn())
        .await?;
    if kept >= MOST {
        return Err(StoreError::Refused(format!(
            "{MOST} views are kept already; remove one first"
        )));
    }
    let row = ActiveModel {
        id: Set(tx.uuid().to_string()),
        owner: Set(owner.to_owned()),
        name: Set(name.to_owned()),
        query: Set(query.to_owned()),
        created_at: Set(to_micros(tx.now())),
    };
    let replace = OnConflict::columns([Column::Owner, Column::Name])
        .update_column(Column::Query)
        .to_owned();
    Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Removes a view of this person; one that is not there is no error.
pub async fn remove(tx: &Tx, owner: &str, name: &str) -> Result<(), StoreError> {
    Entity::delete_many()
        .filter(Column::Owner.eq(owner))
        .filter(Column::Name.eq(name))
        .exec(tx.conn())
        .await?;
    Ok(())
}
