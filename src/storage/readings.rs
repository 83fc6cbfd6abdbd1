//! Who took a study to read it, and how each of these readings ended. Written where claims begin and end, so that the desk
//! and whoever comes through UPS-RS hold one and the same claim.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use tocsin_domain::clock::{Timestamp, to_micros};
use tocsin_domain::ids::StudyId;
use tocsin_domain::link::Unmatched;
use tocsin_domain::reading::{self, Ending, Facts, Standing, Step, Turn};

use super::changes;
use super::entity::reading::{ActiveModel, Column, Entity, Model};
use super::entity::{imaging_order, study};
use super::error::StoreError;
use super::orders;
use super::store::Tx;
use super::{studies, waiting};

pub fn turn_of(row: &Model) -> Result<Turn, StoreError> {
    let bad = |column| StoreError::Inconsistent {
        table: "reading",
        column,
        id: row.id.clone(),
    };
    let ending = match row.ending.as_deref() {
        Some(text) => Some(Ending::parse(text).ok_or_else(|| bad("ending"))?),
        None => None,
    };
    Ok(Turn {
        number: u32::try_from(row.number).map_err(|_| bad("number"))?,
        ending,
    })
}

/// The newest that is written down.
pub async fn latest(conn: &impl ConnectionTrait, study: &str) -> Result<Option<Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::StudyId.eq(study))
        .order_by_desc(Column::Number)
        .limit(1)
        .one(conn)
        .await?)
}

pub async fn numbered(
    conn: &impl ConnectionTrait,
    study: StudyId,
    number: u32,
) -> Result<Option<Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::StudyId.eq(study.to_string()))
        .filter(Column::Number.eq(i64::from(number)))
        .one(conn)
        .await?)
}

/// All of these studies.
pub async fn of_studies(conn: &impl ConnectionTrait, ids: &[String]) -> Result<Vec<Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::StudyId.is_in(ids.iter().cloned()))
        .all(conn)
        .await?)
}

/// Studies that wait with all of their images here.
pub async fn complete_waiting(conn: &impl ConnectionTrait) -> Result<BTreeSet<String>, StoreError> {
    let ids = study::Entity::find()
        .filter(study::Column::OnWorklist.eq(true))
        .filter(study::Column::State.eq("settled"))
        .select_only()
        .column(study::Column::Id)
        .into_tuple::<String>()
        .all(conn)
        .await?;
    Ok(ids.into_iter().collect())
}

/// The newest of every study that waits.
pub async fn of_waiting(conn: &impl ConnectionTrait) -> Result<BTreeMap<String, Model>, StoreError> {
    let rows = Entity::find()
        .filter(Column::StudyId.in_subquery(waiting::ids()))
        .order_by_asc(Column::Number)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.study_id.clone(), row)).collect())
}

/// Readings that ended, the latest first.
pub async fn ended(
    conn: &impl ConnectionTrait,
    endings: &[Ending],
    most: u64,
) -> Result<Vec<Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::Ending.is_in(endings.iter().map(|ending| ending.text())))
        .order_by_desc(Column::EndedAt)
        .order_by_desc(Column::Id)
        .limit(most)
        .all(conn)
        .await?)
}

/// Whether the order that the study would have is cancelled.
pub async fn order_cancelled(conn: &impl ConnectionTrait, row: &study::Model) -> Result<bool, StoreError> {
    if row.link_detail.as_deref() == Some(Unmatched::OnlyCancelled.text()) {
        return Ok(true);
    }
    let Some(order) = &row.order_id else {
        return Ok(false);
    };
    let order = orders::by_id(conn, order).await?;
    Ok(order.is_some_and(|order| order.state == "cancelled"))
}

/// The same of everything that waits.
pub async fn cancelled_waiting(conn: &impl ConnectionTrait) -> Result<BTreeSet<String>, StoreError> {
    let told = study::Column::LinkDetail.eq(Unmatched::OnlyCancelled.text());
    let ids = study::Entity::find()
        .filter(study::Column::OnWorklist.eq(true))
        .filter(told.or(study::Column::OrderId.in_subquery(cancelled_orders())))
        .select_only()
        .column(study::Column::Id)
        .into_tuple::<String>()
        .all(conn)
        .await?;
    Ok(ids.into_iter().collect())
}

fn cancelled_orders() -> SelectStatement {
    let mut ids = Query::select();
    ids.column(imaging_order::Column::Id)
        .from(imaging_order::Entity)
        .and_where(imaging_order::Column::State.eq("cancelled"));
    ids.to_owned()
}

/// Where the reading of a study stands, with its row if it has one.
pub async fn standing(
    conn: &impl ConnectionTrait,
    row: &study::Model,
    now: Timestamp,
) -> Result<(Standing, Option<Model>), StoreError> {
    let latest = latest(conn, &row.id).await?;
    let standing = reading::standing(Facts {
        latest: latest.as_ref().map(turn_of).transpose()?,
        waits: row.on_worklist,
        held: studies::holder(row, now).is_some(),
        order_cancelled: order_cancelled(conn, row).await?,
    });
    let own = latest.filter(|latest| latest.number == i64::from(standing.number));
    Ok((standing, own))
}

/// Somebody takes the study now; `row` is as it was before. Whoever holds it already goes on with what they began.
pub(super) async fn begun(tx: &Tx, row: &study::Model, by: &str) -> Result<(), StoreError> {
    let latest = latest(tx.conn(), &row.id).await?;
    let before = studies::holder(row, tx.now());
    let number = match &latest {
        Some(latest) if latest.ending.is_none() && before == Some(by) => return Ok(()),
        Some(latest) => latest.number + 1,
        None => 1,
    };
    if let Some(open) = latest.filter(|latest| latest.ending.is_none()) {
        end(tx, open, Ending::Lapsed).await?;
    }
    insert(tx, row, number, by, None).await
}

/// The reading that is open ends; nothing to do where none is.
pub async fn end_open(tx: &Tx, study: StudyId, ending: Ending) -> Result<(), StoreError> {
    match latest(tx.conn(), &study.to_string()).await? {
        Some(open) if open.ending.is_none() => end(tx, open, ending).await,
        Some(_) | None => Ok(()),
    }
}

/// A reading ends for a reason outside of it. `row` is as it was before that reason; what is at an end already stays.
pub async fn end_standing(tx: &Tx, row: &study::Model, ending: Ending) -> Result<(), StoreError> {
    let latest = latest(tx.conn(), &row.id).await?;
    let turn = latest.as_ref().map(turn_of).transpose()?;
    let order_cancelled = match ending {
        // The order says so already; what counts is where the reading stood until then.
        Ending::OrderCancelled if turn.is_some_and(|turn| turn.ending == Some(ending)) => return Ok(()),
        Ending::OrderCancelled => false,
        Ending::Reported | Ending::SaidDone | Ending::Stopped | Ending::GivenBack | Ending::Lapsed => {
            order_cancelled(tx.conn(), row).await?
        }
    };
    let standing = reading::standing(Facts {
        latest: turn,
        waits: row.on_worklist,
        held: studies::holder(row, tx.now()).is_some(),
        order_cancelled,
    });
    let own = latest.filter(|latest| latest.number == i64::from(standing.number));
    match (standing.step, own) {
        (Step::Completed | Step::Canceled, _) => Ok(()),
        // Whoever holds it is told by the desk that the order is gone, and decides.
        (Step::InProgress, _) if ending == Ending::OrderCancelled => Ok(()),
        (Step::InProgress, Some(open)) => end(tx, open, ending).await,
        (Step::Scheduled | Step::InProgress, _) => {
            end_open(tx, studies::id_of(row)?, Ending::Lapsed).await?;
            let by = row.claimed_by.clone().unwrap_or_default();
            insert(tx, row, i64::from(standing.number), &by, Some(ending)).await
        }
    }
}

/// The reader gave this key, and whoever shows it again is the reader.
pub async fn lock(tx: &Tx, study: StudyId, key: &str) -> Result<(), StoreError> {
    let open = latest(tx.conn(), &study.to_string()).await?;
    let mut row: ActiveModel = open.ok_or(StoreError::Missing("reading"))?.into();
    row.key = Set(Some(key.to_owned()));
    row.update(tx.conn()).await?;
    Ok(())
}

/// What the reader says of their work, as DICOM JSON; replaces what they said before.
pub async fn performed(tx: &Tx, row: Model, document: String) -> Result<(), StoreError> {
    let mut row: ActiveModel = row.into();
    row.performed = Set(Some(document));
    row.update(tx.conn()).await?;
    Ok(())
}

async fn end(tx: &Tx, open: Model, ending: Ending) -> Result<(), StoreError> {
    let study = open.study_id.clone();
    let mut row: ActiveModel = open.into();
    row.ending = Set(Some(ending.text().to_owned()));
    row.ended_at = Set(Some(to_micros(tx.now())));
    row.update(tx.conn()).await?;
    note(tx, &study).await
}

async fn insert(
    tx: &Tx,
    study: &study::Model,
    number: i64,
    by: &str,
    ending: Option<Ending>,
) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    let row = ActiveModel {
        id: Set(tx.uuid().to_string()),
        study_id: Set(study.id.clone()),
        number: Set(number),
        by: Set(by.to_owned()),
        key: Set(None),
        performed: Set(None),
        began_at: Set(now),
        ending: Set(ending.map(|ending| ending.text().to_owned())),
        ended_at: Set(ending.map(|_| now)),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    note(tx, &study.id).await
}

async fn note(tx: &Tx, study: &str) -> Result<(), StoreError> {
    let id = study.parse().map_err(|_| StoreError::Inconsistent {
        table: "reading",
        column: "study_id",
        id: study.to_owned(),
    })?;
    changes::note(tx, id).await
}
