//! How long each sender pauses between the images of a protocol, as learned so far.

use chrono::TimeDelta;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use tocsin_domain::assemble::Pace;
use tocsin_domain::clock::to_micros;

use super::document;
use super::entity::learned_idle::{self, Column, Entity};
use super::error::StoreError;
use super::store::Tx;

pub async fn of(conn: &impl ConnectionTrait, key: &str) -> Result<Pace, StoreError> {
    let row = Entity::find_by_id(key).one(conn).await?;
    Ok(row
        .and_then(|row| serde_json::from_str(&row.learned).ok())
        .unwrap_or_default())
}

/// Takes the gaps of one complete series in; `arrivals` are instants in microseconds, in any order.
pub async fn learn(tx: &Tx, key: &str, known: Pace, arrivals: &[i64]) -> Result<(), StoreError> {
    let mut sorted = arrivals.to_vec();
    sorted.sort_unstable();
    let learned = sorted.windows(2).fold(known, |pace, pair| {
        pace.observe(TimeDelta::microseconds(pair[1] - pair[0]))
    });
    let row = learned_idle::ActiveModel {
        sender: Set(key.to_owned()),
        learned: Set(document::write(&learned)?),
        updated_at: Set(to_micros(tx.now())),
    };
    let replace = OnConflict::column(Column::Sender)
        .update_columns([Column::Learned, Column::UpdatedAt])
        .to_owned();
    Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}
