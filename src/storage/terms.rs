//! What somebody types into the search of messages and associations, and how rows are found by it: by whole numbers and
//! words, several of which must all be there, or by how a single one begins.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, IntoIden, Query, SelectStatement};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult};

use super::error::StoreError;

/// Terms of one search; more are not looked at.
const MAX_TERMS: usize = 6;
/// Of a term that more rows have, the rows are not listed but asked one by one.
const COMMON: u64 = 1_000;
/// A single term that nothing has stands for those that begin so, if it is as long as this, characters.
const MIN_BEGINNING: usize = 3;
/// Behind every character that a term can begin with.
const LAST: char = '\u{10FFFF}';

/// A table of keys: its name, and its column that names the rows.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    pub table: &'static str,
    pub owner: &'static str,
}

pub const MESSAGES: Keys = Keys {
    table: "message_key",
    owner: "message_id",
};
pub const ASSOCIATIONS: Keys = Keys {
    table: "association_key",
    owner: "association_id",
};

/// Where what is looked for stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing was looked for.
    All,
    /// In these rows, at most; each must have the common terms too.
    Among {
        ids: BTreeSet<String>,
        common: Vec<String>,
    },
    /// In many rows: every term is common.
    Common(Vec<String>),
}

struct Id(String);

impl FromQueryResult for Id {
    fn from_query_result(row: &QueryResult, _: &str) -> Result<Self, sea_orm::DbErr> {
        row.try_get_by_index(0).map(Self)
    }
}

/// In capitals, as terms are kept; without the star that some add where any ending may follow.
pub fn split(query: &str) -> Vec<String> {
    let words = query.split_whitespace();
    let words = words.map(|word| word.trim_end_matches('*').to_uppercase());
    words.filter(|word| !word.is_empty()).take(MAX_TERMS).collect()
}

impl Keys {
    /// Looks the terms of a search up.
    pub async fn find(self, conn: &impl ConnectionTrait, query: &str) -> Result<Found, StoreError> {
        let terms = split(query);
        let mut listed: Option<BTreeSet<String>> = None;
        let mut common = Vec::new();
        for term in &terms {
            let rows = self.rows(conn, self.having(term)).await?;
            if rows.len() as u64 >= COMMON {
                common.push(term.clone());
            } else {
                listed = Some(match listed {
                    Some(ids) => &ids & &rows,
                    None => rows,
                });
            }
        }
        if let ([term], Some(ids)) = (terms.as_slice(), &listed)
            && ids.is_empty()
            && term.chars().count() >= MIN_BEGINNING
        {
            listed = Some(self.rows(conn, self.beginning(term)).await?);
        }
        Ok(match listed {
            Some(ids) => Found::Among { ids, common },
            None if common.is_empty() => Found::All,
            None => Found::Common(common),
        })
    }

    async fn rows(
        self,
        conn: &impl ConnectionTrait,
        mut select: SelectStatement,
    ) -> Result<BTreeSet<String>, StoreError> {
        select.limit(COMMON);
        let statement = conn.get_database_backend().build(&select);
        let rows = Id::find_by_statement(statement).all(conn).await?;
        Ok(rows.into_iter().map(|id| id.0).collect())
    }

    fn select(self) -> SelectStatement {
        Query::select()
            .column(Alias::new(self.owner))
            .from(Alias::new(self.table))
            .to_owned()
    }

    fn term(self) -> Expr {
        Expr::col((Alias::new(self.table), Alias::new("term")))
    }

    fn having(self, term: &str) -> SelectStatement {
        self.select().and_where(self.term().eq(term)).to_owned()
    }

    fn beginning(self, term: &str) -> SelectStatement {
        self.select()
            .and_where(self.term().gte(term))
            .and_where(self.term().lt(format!("{term}{LAST}")))
            .to_owned()
    }

    /// That the row whose id is in `column` has a term.
    pub fn has(self, term: &str, table: impl IntoIden, column: impl IntoIden) -> Expr {
        let owner = Expr::col((Alias::new(self.table), Alias::new(self.owner)));
        let same = owner.equals((table, column));
        Expr::exists(self.having(term).and_where(same).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_a_few_words_in_capitals() {
        assert_eq!(split("  a100* Doe "), ["A100", "DOE"]);
        assert_eq!(split(" * "), [""; 0]);
        assert_eq!(split("a b c d e f g h").len(), MAX_TERMS);
    }
}
