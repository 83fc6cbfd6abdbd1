//! Messages that failed, together with those that failed alike.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
};

use super::entity::message::{Column, Entity};
use super::error::StoreError;
use super::message_edits;

/// States in which somebody has to look at a message: it could not be applied, or its receiver refused it.
pub const FAILED: [&str; 2] = ["failed", "refused"];
/// Groups of one look, the most recent first.
const MAX_GROUPS: u64 = 200;

/// Messages of one type that failed for one reason between us and one peer.
#[derive(Clone, PartialEq, Eq, FromQueryResult)]
pub struct Group {
    pub direction: String,
    pub peer: String,
    pub kind: String,
    pub state: String,
    pub problem: Option<String>,
    pub count: i64,
    /// Studies that they are known to be about.
    pub studies: i64,
    /// Microseconds since 1970 UTC.
    pub first: i64,
    pub last: i64,
}

pub async fn groups(conn: &impl ConnectionTrait) -> Result<Vec<Group>, StoreError> {
    let by = [
        Column::Direction,
        Column::Peer,
        Column::Kind,
        Column::State,
        Column::Problem,
    ];
    let mut select = Entity::find()
        .select_only()
        .columns(by)
        .column_as(Column::Id.count(), "count")
        .column_as(Expr::cust("COUNT(DISTINCT study_id)"), "studies")
        .column_as(Column::CreatedAt.min(), "first")
        .column_as(Column::CreatedAt.max(), "last")
        .filter(Column::State.is_in(FAILED))
        .filter(Column::Id.not_in_subquery(message_edits::originals()))
        .limit(MAX_GROUPS);
    for column in by {
        select = select.group_by(column);
    }
    let newest = select.order_by_desc(Column::CreatedAt.max());
    Ok(newest.into_model().all(conn).await?)
}
