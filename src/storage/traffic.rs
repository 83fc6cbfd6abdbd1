//! How much came over each connection, by the hour, and how what goes out fares. It reads counts and times, nothing of patients.

use std::collections::BTreeMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tocsin_domain::clock::{Timestamp, from_micros, to_micros};
use tocsin_domain::silence::{DAYS, Traffic};

use super::deliveries::DeliveryState;
use super::entity::{delivery, instance, message};
use super::error::StoreError;

/// An hour in microseconds, as SQL counts it.
const HOUR: &str = "3600000000";
/// Deliveries of a day that are looked at for how long they took.
const TIMED: u64 = 5_000;

/// What one peer sent.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub traffic: Traffic,
    /// Messages of the last day that were refused or could not be applied.
    pub failed: i64,
}

/// How one destination fares.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    pub waiting: i64,
    pub refused: i64,
    pub last_confirmed: Option<Timestamp>,
    /// From owing to confirmation, seconds, of the last day.
    pub seconds: Vec<f64>,
    /// The other side's last word, or why it could not be reached, of what waits or was refused.
    pub last_error: Option<String>,
}

/// Messages that came, by sender (`application|facility`).
pub async fn messages(
    conn: &impl ConnectionTrait,
    now: Timestamp,
) -> Result<BTreeMap<String, Received>, StoreError> {
    let hour = || Expr::cust(format!("created_at / {HOUR}"));
    let counts: Vec<(String, i64, i64, i64)> = message::Entity::find()
        .select_only()
        .column(message::Column::Peer)
        .column_as(hour(), "hour")
        .column_as(message::Column::Id.count(), "came")
        .column_as(message::Column::CreatedAt.max(), "last")
        .filter(message::Column::Direction.eq("in"))
        .filter(message::Column::CreatedAt.gte(days_before(now, DAYS + 1)))
        .group_by(message::Column::Peer)
        .group_by(hour())
        .into_tuple()
        .all(conn)
        .await?;
    let mut received = by_peer(counts);
    let failed: Vec<(String, i64)> = message::Entity::find()
        .select_only()
        .column(message::Column::Peer)
        .column_as(message::Column::Id.count(), "failed")
        .filter(message::Column::Direction.eq("in"))
        .filter(message::Column::State.eq("failed"))
        .filter(message::Column::CreatedAt.gte(days_before(now, 1)))
        .group_by(message::Column::Peer)
        .into_tuple()
        .all(conn)
        .await?;
    for (peer, failed) in failed {
        received.entry(peer).or_default().failed = failed;
    }
    Ok(received)
}

/// Instances that came, by the AE title of who sent them.
pub async fn instances(
    conn: &impl ConnectionTrait,
    now: Timestamp,
) -> Result<BTreeMap<String, Received>, StoreError> {
    let hour = || Expr::cust(format!("received_at / {HOUR}"));
    let counts: Vec<(String, i64, i64, i64)> = instance::Entity::find()
        .select_only()
        .column(instance::Column::CallingAe)
        .column_as(hour(), "hour")
        .column_as(instance::Column::Id.count(), "came")
        .column_as(instance::Column::ReceivedAt.max(), "last")
        .filter(instance::Column::ReceivedAt.gte(days_before(now, DAYS + 1)))
        .group_by(instance::Column::CallingAe)
        .group_by(hour())
        .into_tuple()
        .all(conn)
        .await?;
    Ok(by_peer(counts))
}

/// What is owed to each destination, and how long it took lately.
pub async fn deliveries(
    conn: &impl ConnectionTrait,
    now: Timestamp,
) -> Result<BTreeMap<String, Sent>, StoreError> {
    let confirmed = DeliveryState::Confirmed.text();
    let counts: Vec<(String, String, i64, i64)> = delivery::Entity::find()
        .select_only()
        .column(delivery::Column::Destination)
        .column(delivery::Column::State)
        .column_as(delivery::Column::Id.count(), "owed")
        .column_as(delivery::Column::UpdatedAt.max(), "last")
        .group_by(delivery::Column::Destination)
        .group_by(delivery::Column::State)
        .into_tuple()
        .all(conn)
        .await?;
    let mut sent: BTreeMap<String, Sent> = BTreeMap::new();
    for (destination, state, owed, last) in counts {
        let one = sent.entry(destination).or_default();
        match state.as_str() {
            "pending" => one.waiting = owed,
            "refused" => one.refused = owed,
            state if state == confirmed => one.last_confirmed = Some(from_micros(last)),
            _ => {}
        }
    }
    let took: Vec<(String, i64, i64)> = delivery::Entity::find()
        .select_only()
        .columns([
            delivery::Column::Destination,
            delivery::Column::CreatedAt,
            delivery::Column::UpdatedAt,
        ])
        .filter(delivery::Column::State.eq(confirmed))
        .filter(delivery::Column::UpdatedAt.gte(days_before(now, 1)))
        .order_by_desc(delivery::Column::UpdatedAt)
        .limit(TIMED)
        .into_tuple()
        .all(conn)
        .await?;
    for (destination, owed, confirmed) in took {
        let seconds = (confirmed - owed) as f64 / 1e6;
        sent.entry(destination).or_default().seconds.push(seconds);
    }
    for (destination, one) in sent.iter_mut().filter(|(_, one)| one.waiting + one.refused > 0) {
        one.last_error = last_word(conn, destination).await?;
    }
    Ok(sent)
}

/// Of what waits at a destination, or was refused there.
async fn last_word(conn: &impl ConnectionTrait, destination: &str) -> Result<Option<String>, StoreError> {
    let word: Option<Option<String>> = delivery::Entity::find()
        .select_only()
        .column(delivery::Column::LastError)
        .filter(delivery::Column::Destination.eq(destination))
        .filter(delivery::Column::State.is_in(["pending", "refused"]))
        .filter(delivery::Column::LastError.is_not_null())
        .order_by_desc(delivery::Column::UpdatedAt)
        .limit(1)
        .into_tuple()
        .one(conn)
        .await?;
    Ok(word.flatten())
}

fn days_before(now: Timestamp, days: i64) -> i64 {
    to_micros(now - chrono::TimeDelta::days(days))
}

fn by_peer(counts: Vec<(String, i64, i64, i64)>) -> BTreeMap<String, Received> {
    let mut all: BTreeMap<String, Received> = BTreeMap::new();
    for (peer, hour, count, last) in counts {
        let traffic = &mut all.entry(peer).or_default().traffic;
        *traffic.hours.entry(hour).or_default() += count;
        traffic.last = traffic.last.max(Some(from_micros(last)));
    }
    all
}
