//! What archives were asked to keep safe, one row a delivery: asked, then what the archive says, or its silence.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use tocsin_domain::clock::to_micros;
use tocsin_domain::commitment::{Next, Said, State, next, reason};
use tocsin_domain::ids::{DeliveryId, Uid};

use super::entity::commitment::{self, Column, Entity};
use super::error::StoreError;
use super::store::Tx;
use super::{deliveries, outbox, timeline};

pub async fn of(
    conn: &impl ConnectionTrait,
    id: DeliveryId,
) -> Result<Option<commitment::Model>, StoreError> {
    Ok(Entity::find_by_id(id.to_string()).one(conn).await?)
}

/// Of these deliveries.
pub async fn of_all(
    conn: &impl ConnectionTrait,
    ids: &[String],
) -> Result<Vec<commitment::Model>, StoreError> {
    Ok(Entity::find().filter(Column::Id.is_in(ids)).all(conn).await?)
}

pub fn state_of(row: &commitment::Model) -> Result<State, StoreError> {
    State::ALL
        .into_iter()
        .find(|state| state.text() == row.state)
        .ok_or_else(|| StoreError::Inconsistent {
            table: "commitment",
            column: "state",
            id: row.id.clone(),
        })
}

/// The transaction under which the archive is asked. Noted before it is: its answer may come first. Asked once more for want of
/// an answer to the question, it is the same.
pub async fn ask(tx: &Tx, id: DeliveryId, destination: &str) -> Result<String, StoreError> {
    let now = to_micros(tx.now());
    let known = of(tx.conn(), id).await?;
    if let Some(row) = &known
        && state_of(row)? == State::Asked
    {
        return Ok(row.transaction_uid.clone());
    }
    let transaction = format!("2.25.{}", tx.uuid().as_u128());
    let mut row = commitment::ActiveModel {
        id: Set(id.to_string()),
        transaction_uid: Set(transaction.clone()),
        destination: Set(destination.to_owned()),
        state: Set(State::Asked.text().to_owned()),
        detail: Set(None),
        asked_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    match known {
        Some(_) => {
            row.update(tx.conn()).await?;
        }
        None => {
            row.failures = Set(0);
            Entity::insert(row).exec_without_returning(tx.conn()).await?;
        }
    }
    Ok(transaction)
}

/// What an archive says of an object under a transaction of ours. Whether it was asked that.
pub async fn told(
    tx: &Tx,
    archive: &str,
    transaction: &str,
    object: &Uid,
    said: Said,
) -> Result<bool, StoreError> {
    let row = Entity::find()
        .filter(Column::TransactionUid.eq(transaction))
        .filter(Column::Destination.eq(archive))
        .one(tx.conn())
        .await?;
    let Some(row) = row else { return Ok(false) };
    let id = row
        .id
        .parse()
        .map_err(|_| StoreError::Missing("delivery of the commitment"))?;
    let delivery = deliveries::lock(tx, id).await?;
    if delivery.object_uid.as_deref() != Some(object.as_str()) {
        return Ok(false);
    }
    // An archive that repeats itself says nothing new.
    match state_of(&row)? {
        State::Asked | State::Silent => {}
        State::Committed | State::Failed => return Ok(true),
    }
    let next = next(said, row.failures);
    let (state, detail, failures) = match said {
        Said::Kept => (State::Committed, None, row.failures),
        Said::NotKept(code) => (
            State::Failed,
            Some(format!("{} ({code:04X})", reason(code))),
            row.failures + 1,
        ),
    };
    settle(tx, row, state, detail.clone(), failures).await?;
    let study = delivery
        .study_id
        .parse()
        .map_err(|_| StoreError::Missing("study of the delivery"))?;
    let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
    let word = format!("{} {} by {archive}{detail}", delivery.kind, state.text());
    timeline::note(tx, study, "commitment", word).await?;
    match next {
        Next::SendAgain => {
            outbox::send(tx, &delivery).await?;
        }
        Next::Done | Next::GiveUp => {}
    }
    Ok(true)
}

/// Nothing was said in time. Whether that is so.
pub async fn silent(tx: &Tx, id: DeliveryId, transaction: &str) -> Result<bool, StoreError> {
    let Some(row) = of(tx.conn(), id).await? else {
        return Ok(false);
    };
    if row.transaction_uid != transaction || state_of(&row)? != State::Asked {
        return Ok(false);
    }
    let failures = row.failures;
    settle(tx, row, State::Silent, None, failures).await?;
    Ok(true)
}

async fn settle(
    tx: &Tx,
    row: commitment::Model,
    state: State,
    detail: Option<String>,
    failures: i64,
) -> Result<(), StoreError> {
    let mut row: commitment::ActiveModel = row.into();
    row.state = Set(state.text().to_owned());
    row.detail = Set(detail);
    row.failures = Set(failures);
    row.updated_at = Set(to_micros(tx.now()));
    row.update(tx.conn()).await?;
    Ok(())
}
