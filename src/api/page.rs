//! Lists in pieces: `limit` and `cursor` in, `items` and `next` out. A cursor is opaque to its reader; here it is the time
//! and id of the last row, so that rows of one microsecond are neither skipped nor shown twice.

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::error::ApiError;
use crate::storage::page::Before;

const DEFAULT_LIMIT: u64 = 50;
pub const MAX_LIMIT: u64 = 500;

/// What every list takes.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PageQuery {
    #[serde(default, deserialize_with = "limit")]
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

/// What every list answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Hand it back as `cursor` for the next piece; null at the end.
    pub next: Option<String>,
}

impl PageQuery {
    pub fn limit(&self) -> u64 {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }

    /// The limit of a list that sets no default of its own.
    pub fn count(&self, default: usize) -> usize {
        match self.limit {
            None => default,
            Some(_) => usize::try_from(self.limit()).unwrap_or(default),
        }
    }

    pub fn before(&self) -> Result<Option<Before>, ApiError> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        cursor
            .split_once('~')
            .and_then(|(at, id)| {
                Some(Before {
                    at: at.parse().ok()?,
                    id: id.to_owned(),
                })
            })
            .map(Some)
            .ok_or_else(unknown_cursor)
    }

    /// For lists whose cursor is a count of what was read.
    pub fn offset(&self) -> Result<usize, ApiError> {
        self.cursor
            .as_deref()
            .map_or(Ok(0), |cursor| cursor.parse().map_err(|_| unknown_cursor()))
    }
}

/// From 1 to `MAX_LIMIT`.
pub fn limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let number = u64::deserialize(from)?;
    match (1..=MAX_LIMIT).contains(&number) {
        true => Ok(Some(number)),
        false => Err(D::Error::custom(format!("limit: expected 1 to {MAX_LIMIT}"))),
    }
}

/// A filter that takes one of a few words.
pub fn one_of<'a>(place: &str, given: Option<&'a str>, known: &[&str]) -> Result<Option<&'a str>, ApiError> {
    match given.filter(|text| !text.is_empty()) {
        Some(text) if !known.contains(&text) => Err(ApiError::BadRequest(format!(
            "{place}: expected one of {}",
            known.join(", ")
        ))),
        other => Ok(other),
    }
}

fn unknown_cursor() -> ApiError {
    ApiError::BadRequest("cursor: not one that a list of this server answered".into())
}

impl<T> Page<T> {
    /// A piece of a list that is short enough to be read whole.
    pub fn piece(query: &PageQuery, all: Vec<T>) -> Result<Self, ApiError> {
        let (offset, count) = (query.offset()?, query.count(all.len()));
        let next = offset.saturating_add(count);
        let next = (next < all.len()).then(|| next.to_string());
        let items = all.into_iter().skip(offset).take(count).collect();
        Ok(Self { items, next })
    }

    /// From rows that were read with the limit of `query`; a full piece may have a next one.
    pub fn of<R>(query: &PageQuery, rows: &[R], at: impl Fn(&R) -> (i64, &str), items: Vec<T>) -> Self {
        let is_full = u64::try_from(rows.len()).is_ok_and(|n| n >= query.limit());
        let next = rows.last().filter(|_| is_full).map(|row| {
            let (at, id) = at(row);
            format!("{at}~{id}")
        });
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_others_are_refused() {
        let query = PageQuery {
            limit: Some(2),
            cursor: None,
        };
        let rows = [(7, "a"), (5, "b")];
        let page = Page::of(&query, &rows, |r| (r.0, r.1), vec![1, 2]);
        let next = PageQuery {
            cursor: page.next,
            ..query
        };
        let before = next.before().expect("our own cursor").expect("a place");
        assert_eq!((before.at, before.id.as_str()), (5, "b"));
        let wrong = PageQuery {
            limit: None,
            cursor: Some("x".into()),
        };
        assert!(wrong.before().is_err() && wrong.offset().is_err());
        assert_eq!(Page::of(&next, &rows[..1], |r| (r.0, r.1), vec![1]).next, None);
    }

    #[test]
    fn limits_are_bounded() {
        let limit = |text| {
            let read = actix_web::web::Query::<PageQuery>::from_query(text).ok();
            read.map(|query| query.limit())
        };
        assert_eq!(
            (limit(""), limit("limit=1"), limit("limit=500")),
            (Some(50), Some(1), Some(500))
        );
        for wrong in [
            "limit=0",
            "limit=501",
            "limit=",
            "limit=-1",
            "limit=x",
            "limit=18446744073709551616",
        ] {
            assert_eq!(limit(wrong), None, "{wrong}");
        }
    }
}
