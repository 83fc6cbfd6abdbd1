//! Marks around the sentences of a draft, by which it is known who says them once a template has put them in their place.

use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::finding::{ModelRef, ResultRecord, Statement};

/// Around a sentence: its author's number stands between the first two. Private use, and taken out of every value.
const MARKS: [char; 3] = ['\u{E000}', '\u{E001}', '\u{E002}'];

/// Who says a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Author {
    Model {
        name: String,
        version: String,
    },
    Rule {
        rule: String,
        pack: String,
        version: String,
    },
}

/// A stretch of a line, and who says it; the template itself where nobody does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Piece {
    pub text: String,
    pub by: Option<Author>,
}

/// Of each result its model first, then the rules in the order of their statements.
pub(super) fn authors(records: &[&ResultRecord]) -> Vec<Author> {
    let mut all = Vec::new();
    for record in records {
        let ModelRef { name, version, .. } = &record.model;
        all.push(Author::Model {
            name: name.clone(),
            version: version.clone(),
        });
        all.extend(record.statements.iter().map(rule));
    }
    all
}

fn rule(statement: &Statement) -> Author {
    Author::Rule {
        rule: statement.rule.clone(),
        pack: statement.pack.name.clone(),
        version: statement.pack.version.clone(),
    }
}

/// A sentence with its author's number around it.
pub(super) fn said(author: usize, sentence: &str) -> String {
    let [open, middle, close] = MARKS;
    format!("{open}{author}{middle}{}{close}", clean(sentence))
}

/// One line, and nothing in it that looks like a mark.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| !MARKS.contains(c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

pub(super) fn pieces(line: &str, authors: &[Author]) -> Vec<Piece> {
    let [open, middle, close] = MARKS;
    let mut parts = line.split(open);
    let mut pieces = vec![(parts.next().unwrap_or_default(), None)];
    for part in parts {
        let (number, rest) = part.split_once(middle).unwrap_or_default();
        let (sentence, after) = rest.split_once(close).unwrap_or((rest, ""));
        let by = number.parse().ok().and_then(|at: usize| authors.get(at));
        pieces.extend([(sentence, by), (after, None)]);
    }
    pieces
        .into_iter()
        .filter(|(text, _)| !text.is_empty())
        .map(|(text, by)| Piece {
            text: text.to_owned(),
            by: by.cloned(),
        })
        .collect()
}
