//! Messages as an engineer looks for them: by numbers and words, by state, direction and time; newest first.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::message::{self, Column, Entity};
use super::entity::message_key;
use super::error::StoreError;
use super::message_edits;
use super::page::Before;
use super::terms::{Found, MESSAGES};

/// Which messages are wanted; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Numbers and words that a message must have, see [`super::terms`].
    pub query: Option<String>,
    /// `in` or `out`.
    pub direction: Option<String>,
    pub state: Option<String>,
    /// Microseconds since 1970 UTC; `since` is within, `until` is not.
    pub since: Option<i64>,
    pub until: Option<i64>,
    /// Only what came or went through this peer.
    pub peer: Option<String>,
    pub kind: Option<String>,
    pub problem: Option<String>,
    /// None that somebody has corrected by hand.
    pub unedited: bool,
}

pub async fn search(
    conn: &impl ConnectionTrait,
    wanted: &Wanted,
    before: Option<&Before>,
    limit: u64,
) -> Result<Vec<message::Model>, StoreError> {
    let query = wanted.query.as_deref().unwrap_or_default();
    let found = MESSAGES.find(conn, query).await?;
    let mut condition = wanted.condition();
    condition = match found {
        Found::All => condition,
        Found::Among { ids, common } => condition.add(Column::Id.is_in(ids)).add(having(&common)),
        Found::Common(terms) => {
            let ids = common(conn, &terms, wanted, before, limit).await?;
            condition.add(Column::Id.is_in(ids))
        }
    };
    if let Some(before) = before {
        condition = condition.add(before.condition(Column::CreatedAt, Column::Id));
    }
    let select = Entity::find()
        .filter(condition)
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit);
    Ok(select.all(conn).await?)
}

impl Wanted {
    pub(super) fn condition(&self) -> Condition {
        let equal = |column: Column, value: &Option<String>| value.as_ref().map(|value| column.eq(value));
        let unedited = self
            .unedited
            .then(|| Column::Id.not_in_subquery(message_edits::originals()));
        Condition::all()
            .add_option(equal(Column::Direction, &self.direction))
            .add_option(equal(Column::State, &self.state))
            .add_option(equal(Column::Peer, &self.peer))
            .add_option(equal(Column::Kind, &self.kind))
            .add_option(equal(Column::Problem, &self.problem))
            .add_option(self.since.map(|since| Column::CreatedAt.gte(since)))
            .add_option(self.until.map(|until| Column::CreatedAt.lt(until)))
            .add_option(unedited)
    }
}

fn having(terms: &[String]) -> Condition {
    terms
        .iter()
        .fold(Condition::all(), |all, term| all.add(MESSAGES.has(term, Entity)))
}

/// Of terms that many messages have, the newest messages that have all of them: along the keys of the first, which are in the
/// order of time.
async fn common(
    conn: &impl ConnectionTrait,
    terms: &[String],
    wanted: &Wanted,
    before: Option<&Before>,
    limit: u64,
) -> Result<Vec<String>, StoreError> {
    use message_key::Column as Key;
    let Some((first, others)) = terms.split_first() else {
        return Ok(Vec::new());
    };
    let mut select = message_key::Entity::find()
        .select_only()
        .column(Key::MessageId)
        .filter(Key::Term.eq(first))
        .filter(wanted.condition())
        .filter(having(others))
        .order_by_desc(Key::CreatedAt)
        .order_by_desc(Key::MessageId)
        .limit(limit);
    if let Some(before) = before {
        select = select.filter(before.condition(Key::CreatedAt, Key::MessageId));
    }
    let same = Expr::col((message_key::Entity, Key::MessageId)).equals((Entity, Column::Id));
    QuerySelect::query(&mut select).inner_join(Entity, same);
    Ok(select.into_tuple().all(conn).await?)
}
