//! Which studies may be told of to other systems that ask: those that somebody is to read, and of which it is sure whose they
//! are, because their order is known or a person has decided that there is none.

use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, ExprTrait};

use super::entity::study::{self, Column};
use super::prior_searches::Purpose;

/// Why nothing is told of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// Fetched to compare others with; it goes nowhere.
    Comparison,
    /// Its order and its images disagree.
    Conflict,
    /// No order is known, and nobody has decided that there is none.
    Unreconciled,
}

/// `None` where it may be told of.
pub fn withheld(row: &study::Model) -> Option<Withheld> {
    match (Purpose::of(row), row.link.as_str(), &row.link_resolved_by) {
        (Purpose::Comparison, _, _) => Some(Withheld::Comparison),
        (Purpose::Reading, "linked", _) => None,
        (Purpose::Reading, "conflict", _) => Some(Withheld::Conflict),
        (Purpose::Reading, _, Some(_)) => None,
        (Purpose::Reading, _, None) => Some(Withheld::Unreconciled),
    }
}

/// The same for a query.
pub fn disclosed() -> Condition {
    let decided = Column::Link
        .ne("conflict")
        .and(Column::LinkResolvedBy.is_not_null());
    Condition::all()
        .add(Column::Purpose.ne(Purpose::Comparison.text()))
        .add(Condition::any().add(Column::Link.eq("linked")).add(decided))
}

/// Ids of the disclosed studies that also meet this.
pub fn ids(which: Condition) -> SelectStatement {
    Query::select()
        .column(Column::Id)
        .from(study::Entity)
        .cond_where(disclosed())
        .cond_where(which)
        .to_owned()
}
