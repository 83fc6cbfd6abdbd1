//! Alerts and the pages sent for them. The timer of an alert is its `due_at`; a page is a row before it is a message.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, OnConflict, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tocsin_domain::alert::AlertState;
use tocsin_domain::clock::{Timestamp, to_micros};
use tocsin_domain::ids::{AlertId, NotificationId, ResultId, SiteId, StudyId};

use super::changes;
use super::document;
use super::entity::{alert, notification};
use super::error::StoreError;
use super::page::Before;
use super::store::Tx;
use super::waiting;

/// Whether somebody still has to act on an alert: what lists sort by, the most pressing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressing {
    Unanswered,
    Acknowledged,
    Over,
    /// No alert was raised.
    None,
}

impl Pressing {
    pub fn of(status: &str) -> Self {
        match status {
            "acknowledged" => Self::Acknowledged,
            "retracted" => Self::Over,
            _ => Self::Unanswered,
        }
    }
}

/// Every state of an alert, as [`AlertState::name`] says it.
pub const STATUSES: [&str; 5] = ["raised", "notified", "acknowledged", "withheld", "retracted"];

/// An alert to be raised. The documents are the domain's, as JSON.
#[derive(Clone, Debug)]
pub struct Raise {
    pub site: SiteId,
    pub study: StudyId,
    pub result: Option<ResultId>,
    /// One alert per key, however often the rules are run.
    pub dedup_key: String,
    pub title: String,
    /// What a page says: findings and measurements, no patient.
    pub content: String,
    /// The policy as it stood when the alert was raised.
    pub policy: String,
    pub state: String,
    pub status: String,
}

/// Raises an alert; `None` when it stands already.
pub async fn raise(tx: &Tx, raise: Raise) -> Result<Option<AlertId>, StoreError> {
    let known = alert::Entity::find()
        .filter(alert::Column::DedupKey.eq(&raise.dedup_key))
        .one(tx.conn())
        .await?;
    if known.is_some() {
        return Ok(None);
    }
    let (id, now) = (AlertId(tx.uuid()), to_micros(tx.now()));
    let row = alert::ActiveModel {
        id: Set(id.to_string()),
        site: Set(raise.site.0),
        study_id: Set(raise.study.to_string()),
        result_id: Set(raise.result.map(|id| id.to_string())),
        dedup_key: Set(raise.dedup_key),
        title: Set(raise.title),
        content: Set(raise.content),
        policy: Set(raise.policy),
        state: Set(raise.state),
        status: Set(raise.status),
        due_at: Set(Some(now)),
        acknowledged_by: Set(None),
        acknowledged_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    alert::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    changes::note(tx, raise.study).await?;
    Ok(Some(id))
}

pub fn state_of(row: &alert::Model) -> Result<AlertState, StoreError> {
    document::read(&row.state, "alert", "state", &row.id)
}

pub fn id_of(row: &alert::Model) -> Result<AlertId, StoreError> {
    row.id.parse().map_err(|_| StoreError::Inconsistent {
        table: "alert",
        column: "id",
        id: row.id.clone(),
    })
}

pub fn study_of(row: &alert::Model) -> Result<StudyId, StoreError> {
    row.study_id.parse().map_err(|_| StoreError::Inconsistent {
        table: "alert",
        column: "study_id",
        id: row.id.clone(),
    })
}

pub async fn get(conn: &impl ConnectionTrait, id: AlertId) -> Result<alert::Model, StoreError> {
    alert::Entity::find_by_id(id.to_string())
        .one(conn)
        .await?
        .ok_or(StoreError::Missing("alert"))
}

/// The row, locked until the transaction ends, so that an acknowledgement and a timer cannot both win.
pub async fn lock(tx: &Tx, id: AlertId) -> Result<alert::Model, StoreError> {
    alert::Entity::find_by_id(id.to_string())
        .lock_exclusive()
        .one(tx.conn())
        .await?
        .ok_or(StoreError::Missing("alert"))
}

pub async fn save(tx: &Tx, row: alert::ActiveModel) -> Result<alert::Model, StoreError> {
    let mut row = row;
    row.updated_at = Set(to_micros(tx.now()));
    let saved = row.update(tx.conn()).await?;
    changes::note(tx, study_of(&saved)?).await?;
    Ok(saved)
}

pub async fn of_study(conn: &impl ConnectionTrait, study: StudyId) -> Result<Vec<alert::Model>, StoreError> {
    Ok(alert::Entity::find()
        .filter(alert::Column::StudyId.eq(study.to_string()))
        .order_by_asc(alert::Column::CreatedAt)
        .all(conn)
        .await?)
}

/// Alerts of several studies, for lists; oldest first.
pub async fn of_studies(
    conn: &impl ConnectionTrait,
    studies: &[String],
) -> Result<Vec<alert::Model>, StoreError> {
    Ok(alert::Entity::find()
        .filter(alert::Column::StudyId.is_in(studies.iter().cloned()))
        .order_by_asc(alert::Column::CreatedAt)
        .all(conn)
        .await?)
}

/// The most pressing alert of every study that waits to be read; those without one are left out.
pub async fn pressing_of_waiting(
    conn: &impl ConnectionTrait,
) -> Result<BTreeMap<String, Pressing>, StoreError> {
    most_pressing(conn, alert::Column::StudyId.in_subquery(waiting::ids())).await
}

/// The same of these studies.
pub async fn pressing_of(
    conn: &impl ConnectionTrait,
    studies: &[String],
) -> Result<BTreeMap<String, Pressing>, StoreError> {
    most_pressing(conn, alert::Column::StudyId.is_in(studies.iter().cloned())).await
}

async fn most_pressing(
    conn: &impl ConnectionTrait,
    which: SimpleExpr,
) -> Result<BTreeMap<String, Pressing>, StoreError> {
    let rows: Vec<(String, String)> = alert::Entity::find()
        .filter(which)
        .select_only()
        .columns([alert::Column::StudyId, alert::Column::Status])
        .into_tuple()
        .all(conn)
        .await?;
    let mut most = BTreeMap::new();
    for (study, status) in rows {
        let kept = most.entry(study).or_insert(Pressing::None);
        *kept = Pressing::of(&status).min(*kept);
    }
    Ok(most)
}

/// Pages of several alerts, for lists; oldest first.
pub async fn pages_of_alerts(
    conn: &impl ConnectionTrait,
    alerts: &[String],
) -> Result<Vec<notification::Model>, StoreError> {
    Ok(notification::Entity::find()
        .filter(notification::Column::AlertId.is_in(alerts.iter().cloned()))
        .order_by_asc(notification::Column::CreatedAt)
        .all(conn)
        .await?)
}

/// Newest first, optionally of one status.
pub async fn list(
    conn: &impl ConnectionTrait,
    status: Option<&str>,
    before: Option<&Before>,
    limit: u64,
) -> Result<Vec<alert::Model>, StoreError> {
    let mut select = alert::Entity::find()
        .order_by_desc(alert::Column::CreatedAt)
        .order_by_desc(alert::Column::Id)
        .limit(limit);
    if let Some(status) = status {
        select = select.filter(alert::Column::Status.eq(status));
    }
    if let Some(before) = before {
        select = select.filter(before.condition(alert::Column::CreatedAt, alert::Column::Id));
    }
    Ok(select.all(conn).await?)
}

/// How many alerts have each status, and when the oldest of them was raised, for the metrics.
pub async fn counts(conn: &impl ConnectionTrait) -> Result<Vec<(String, i64, i64)>, StoreError> {
    Ok(alert::Entity::find()
        .select_only()
        .column(alert::Column::Status)
        .column_as(alert::Column::Id.count(), "n")
        .column_as(alert::Column::CreatedAt.min(), "oldest")
        .group_by(alert::Column::Status)
        .into_tuple()
        .all(conn)
        .await?)
}

/// A page to be sent.
#[derive(Clone, Debug)]
pub struct Page {
    pub alert: AlertId,
    /// Level and round; with recipient and channel it names the page, so that a step fires once.
    pub step_key: String,
    pub recipient: String,
    pub channel: String,
    pub reason: String,
}

/// Adds a page; `None` when this step has paged this person already.
pub async fn add_page(tx: &Tx, page: Page, host: &str) -> Result<Option<NotificationId>, StoreError> {
    let id = NotificationId(tx.uuid());
    let row = notification::ActiveModel {
        id: Set(id.to_string()),
        alert_id: Set(page.alert.to_string()),
        step_key: Set(page.step_key),
        recipient: Set(page.recipient),
        channel: Set(page.channel),
        message_id: Set(format!("{id}@{host}")),
        reason: Set(page.reason),
        state: Set("pending".to_owned()),
        attempts: Set(0),
        last_error: Set(None),
        created_at: Set(to_micros(tx.now())),
        started_at: Set(None),
        sent_at: Set(None),
    };
    let once = OnConflict::columns([
        notification::Column::AlertId,
        notification::Column::StepKey,
        notification::Column::Recipient,
        notification::Column::Channel,
    ])
    .do_nothing()
    .to_owned();
    let added = notification::Entity::insert(row)
        .on_conflict(once)
        .exec_without_returning(tx.conn())
        .await;
    match added {
        Ok(0) | Err(sea_orm::DbErr::RecordNotInserted) => Ok(None),
        Ok(_) => Ok(Some(id)),
        Err(error) => Err(error.into()),
    }
}

pub async fn page(
    conn: &impl ConnectionTrait,
    id: NotificationId,
) -> Result<notification::Model, StoreError> {
    find_page(conn, id)
        .await?
        .ok_or(StoreError::Missing("notification"))
}

pub async fn find_page(
    conn: &impl ConnectionTrait,
    id: NotificationId,
) -> Result<Option<notification::Model>, StoreError> {
    Ok(notification::Entity::find_by_id(id.to_string()).one(conn).await?)
}

pub async fn pages_of(
    conn: &impl ConnectionTrait,
    alert: AlertId,
) -> Result<Vec<notification::Model>, StoreError> {
    Ok(notification::Entity::find()
        .filter(notification::Column::AlertId.eq(alert.to_string()))
        .order_by_asc(notification::Column::CreatedAt)
        .all(conn)
        .await?)
}

/// The page is about to be handed over. The number of attempts, this one included.
pub async fn sending(tx: &Tx, id: NotificationId) -> Result<i64, StoreError> {
    let row = page(tx.conn(), id).await?;
    let attempts = row.attempts + 1;
    let mut row: notification::ActiveModel = row.into();
    row.state = Set("sending".to_owned());
    row.attempts = Set(attempts);
    row.started_at = Set(Some(to_micros(tx.now())));
    row.update(tx.conn()).await?;
    Ok(attempts)
}

pub async fn sent(tx: &Tx, id: NotificationId, at: Timestamp) -> Result<(), StoreError> {
    let row = notification::ActiveModel {
        id: Set(id.to_string()),
        state: Set("sent".to_owned()),
        sent_at: Set(Some(to_micros(at))),
        last_error: Set(None),
        ..Default::default()
    };
    row.update(tx.conn()).await?;
    Ok(())
}

pub async fn not_sent(tx: &Tx, id: NotificationId, state: &str, error: String) -> Result<(), StoreError> {
    let row = notification::ActiveModel {
        id: Set(id.to_string()),
        state: Set(state.to_owned()),
        last_error: Set(Some(error)),
        ..Default::default()
    };
    row.update(tx.conn()).await?;
    Ok(())
}

/// Pages that have not gone out are not sent any more.
pub async fn cancel_pages(tx: &Tx, alert: AlertId) -> Result<(), StoreError> {
    notification::Entity::update_many()
        .col_expr(notification::Column::State, Expr::value("cancelled"))
        .filter(notification::Column::AlertId.eq(alert.to_string()))
        .filter(notification::Column::State.is_in(["pending", "failed"]))
        .exec(tx.conn())
        .await?;
    Ok(())
}
