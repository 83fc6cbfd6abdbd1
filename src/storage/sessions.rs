//! Sessions of browsers, one row each: whether somebody is still there, when they last proved who they are, and whether they
//! have ended. A copy of the cookie of one that ended is worth nothing, in every process and after a restart.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use tocsin_domain::clock::{Timestamp, to_micros};

use super::entity::session::{ActiveModel, Column, Entity, Model};
use super::error::StoreError;
use super::store::Tx;

/// What a session begins with.
pub struct Begun {
    /// The token of its forms.
    pub session: String,
    /// The account or token it belongs to.
    pub subject: String,
    /// When its cookies have run out.
    pub until: Timestamp,
    /// When the person proved who they are, as a row keeps it.
    pub proved_at: i64,
    /// The way to the identity provider and back, which opens one session.
    pub journey: Option<String>,
}

/// Begins a session of somebody who is there. A journey that was used before is a conflict.
pub async fn begin(tx: &Tx, begun: Begun) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    let row = ActiveModel {
        session: Set(begun.session),
        subject: Set(begun.subject),
        acted_at: Set(now),
        proved_at: Set(begun.proved_at),
        locked_at: Set(None),
        ended: Set(false),
        until: Set(to_micros(begun.until)),
        journey: Set(begun.journey),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// The session, unless it has ended.
pub async fn open(conn: &impl ConnectionTrait, session: &str) -> Result<Option<Model>, StoreError> {
    let found = Entity::find_by_id(session).one(conn).await?;
    Ok(found.filter(|row| !row.ended))
}

/// Somebody did something.
pub async fn acted(tx: &Tx, session: &str) -> Result<(), StoreError> {
    set(tx, session, &[(Column::ActedAt, Some(to_micros(tx.now())))]).await
}

/// Somebody left the screen, and said so.
pub async fn lock(tx: &Tx, session: &str) -> Result<(), StoreError> {
    set(tx, session, &[(Column::LockedAt, Some(to_micros(tx.now())))]).await
}

/// They are back.
pub async fn unlock(tx: &Tx, session: &str) -> Result<(), StoreError> {
    let now = to_micros(tx.now());
    set(
        tx,
        session,
        &[(Column::LockedAt, None), (Column::ActedAt, Some(now))],
    )
    .await
}

/// They are back, and have proved who they are as fully as when they signed in.
pub async fn proved(tx: &Tx, session: &str) -> Result<(), StoreError> {
    unlock(tx, session).await?;
    set(tx, session, &[(Column::ProvedAt, Some(to_micros(tx.now())))]).await
}

/// They have proved who they are in part: what is still owed is asked for before anything else.
pub async fn half_proved(tx: &Tx, session: &str, half: i64) -> Result<(), StoreError> {
    set(tx, session, &[(Column::ProvedAt, Some(half))]).await
}

async fn set(tx: &Tx, session: &str, values: &[(Column, Option<i64>)]) -> Result<(), StoreError> {
    let mut update = Entity::update_many().filter(Column::Session.eq(session));
    for (column, value) in values {
        update = update.col_expr(*column, Expr::value(*value));
    }
    update.exec(tx.conn()).await?;
    Ok(())
}

/// Ends a session. Signing out twice is signing out.
pub async fn end(tx: &Tx, session: &str) -> Result<(), StoreError> {
    Entity::update_many()
        .col_expr(Column::Ended, Expr::value(true))
        .filter(Column::Session.eq(session))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Ends every session of an account or token.
pub async fn end_all(tx: &Tx, subject: &str) -> Result<(), StoreError> {
    Entity::update_many()
        .col_expr(Column::Ended, Expr::value(true))
        .filter(Column::Subject.eq(subject))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Forgets those whose cookies have run out by now.
pub async fn purge(tx: &Tx) -> Result<(), StoreError> {
    Entity::delete_many()
        .filter(Column::Until.lt(to_micros(tx.now())))
        .exec(tx.conn())
        .await?;
    Ok(())
}
