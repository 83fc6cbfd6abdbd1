//! What a search asks: criteria, how much of the answer, and where to go on. Names are taken as they stand in the tables of
//! parameters; a modifier is never passed over, because without it the answer would be another.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::param::{self, Param, Type};
use super::value::{Sought, split};
use crate::fhir::{Kind, Server};
use crate::storage::told::Resume;

/// Resources that one piece of an answer holds.
const DEFAULT_COUNT: usize = 50;
const MAX_COUNT: usize = 200;
/// Values in one search; more are a mistake.
const MAX_VALUES: usize = 200;
/// Where a piece goes on; ours, in the links that we give.
const CURSOR: &str = "_cursor";
/// What is written as it is (RFC 3986 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Answered elsewhere, or without a meaning for what comes back.
const ELSEWHERE: [&str; 2] = ["_format", "_pretty"];

/// One parameter: a resource must have one of the values.
#[derive(Clone, Debug)]
pub struct Criterion {
    pub param: &'static Param,
    pub any: Vec<Sought>,
}

/// Where the last piece ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub at: i64,
    pub id: String,
    /// Resources of this row that were judged already.
    pub past: usize,
}

/// A search as it was understood.
#[derive(Clone)]
pub struct Query {
    pub kind: Kind,
    pub criteria: Vec<Criterion>,
    pub count: usize,
    pub cursor: Option<Cursor>,
    /// What was understood, as it was given; for links.
    pub used: Vec<(String, String)>,
    /// Names that mean nothing here.
    pub unknown: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("{name}: expected {expected}")]
    Value { name: String, expected: &'static str },
    #[error("{name}: the modifier {modifier} is not supported")]
    Modifier { name: String, modifier: String },
    #[error("a value holds a control character; expected text")]
    Control,
    #[error("expected 200 values at most")]
    TooMany,
}

/// Names and values of a query string or of a form; `None` of one that is not UTF-8.
pub fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let plain = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced)
            .decode_utf8()
            .ok()
            .map(std::borrow::Cow::into_owned)
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((plain(name)?, plain(value)?))
        })
        .collect()
}

impl Query {
    /// From decoded pairs of name and value.
    pub fn parse(
        kind: Kind,
        pairs: impl IntoIterator<Item = (String, String)>,
        server: &Server,
    ) -> Result<Self, QueryError> {
        let mut query = Self {
            kind,
            criteria: Vec::new(),
            count: DEFAULT_COUNT,
            cursor: None,
            used: Vec::new(),
            unknown: Vec::new(),
        };
        let mut values = 0;
        for (name, text) in pairs {
            values += 1 + text.matches(',').count();
            if values > MAX_VALUES {
                return Err(QueryError::TooMany);
            }
            query.take(name, text, server)?;
        }
        Ok(query)
    }

    fn take(&mut self, name: String, text: String, server: &Server) -> Result<(), QueryError> {
        if ELSEWHERE.contains(&name.as_str()) || text.is_empty() {
            return Ok(());
        }
        if text.contains(char::is_control) {
            return Err(QueryError::Control);
        }
        match name.as_str() {
            "_count" => {
                let expected = "a number, 0 or more";
                let asked: u32 = text.parse().map_err(|_| QueryError::Value {
                    name: name.clone(),
                    expected,
                })?;
                self.count = (asked as usize).min(MAX_COUNT);
            }
            CURSOR => {
                self.cursor = Some(Cursor::parse(&text).ok_or(QueryError::Value {
                    name,
                    expected: "the one in a link of this server",
                })?);
                return Ok(());
            }
            _ => match self.criterion(&name, &text, server)? {
                Some(criterion) => self.criteria.push(criterion),
                None => {
                    self.unknown.push(name);
                    return Ok(());
                }
            },
        }
        self.used.push((name, text));
        Ok(())
    }

    fn criterion(&self, name: &str, text: &str, server: &Server) -> Result<Option<Criterion>, QueryError> {
        let (plain, modifier) = match name.split_once(':') {
            Some((plain, modifier)) => (plain, Some(modifier)),
            None => (name, None),
        };
        // `subject` is the patient everywhere here.
        let plain = match plain {
            "subject.identifier" => "patient.identifier",
            other => other,
        };
        let Some(param) = param::find(self.kind, plain) else {
            return Ok(None);
        };
        if let Some(modifier) = modifier {
            return Err(QueryError::Modifier {
                name: plain.to_owned(),
                modifier: modifier
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .take(32)
                    .collect(),
            });
        }
        let any = split(text, ',')
            .iter()
            .map(|value| Sought::parse(param.kind, value, &server.base, server.time_zone))
            .collect::<Result<_, _>>()
            .map_err(|expected| QueryError::Value {
                name: plain.to_owned(),
                expected,
            })?;
        Ok(Some(Criterion { param, any }))
    }

    pub fn of(&self, kind: Type) -> impl Iterator<Item = &Criterion> {
        self.criteria
            .iter()
            .filter(move |criterion| criterion.param.kind == kind)
    }

    pub fn named(&self, name: &str) -> impl Iterator<Item = &Criterion> {
        self.criteria
            .iter()
            .filter(move |criterion| criterion.param.name == name)
    }

    /// The query string that asks this again, going on from a cursor.
    pub fn text(&self, cursor: Option<&Cursor>) -> String {
        let cursor = cursor.map(|cursor| (CURSOR.to_owned(), cursor.text()));
        let escaped = |text| utf8_percent_encode(text, UNRESERVED);
        let pairs = self.used.iter().chain(cursor.iter());
        let pairs = pairs.map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

impl Cursor {
    pub fn row(&self) -> Resume {
        Resume {
            at: self.at,
            id: self.id.clone(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '~');
        Some(Self {
            at: parts.next()?.parse().ok()?,
            past: parts.next()?.parse().ok()?,
            id: parts.next()?.to_owned(),
        })
    }

    fn text(&self) -> String {
        format!("{}~{}~{}", self.at, self.past, self.id)
    }
}
