//! What a list can be filtered and sorted by, each choice as an address: links work without a script, and a list can be
//! shared by its address. Pure.

use serde::Serialize;

use crate::api::worklist::Listed;
use crate::api::worklist_query::{HIDEABLE, WorklistQuery};
use crate::storage::entity::saved_view;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// A name of the API or a word of ours, both put into words by the page; or what somebody called a view.
    pub label: String,
    pub href: String,
    pub current: bool,
    pub count: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Filter {
    pub name: &'static str,
    /// A message.
    pub label: &'static str,
    pub choices: Vec<Choice>,
}

/// A column, as it stands in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its class.
    pub key: &'static str,
    /// A message.
    pub label: &'static str,
    /// Sorts the list by it.
    pub href: String,
    /// For `aria-sort`.
    pub order: &'static str,
}

const STATES: [(&str, &str); 6] = [
    ("flagged", "flagged"),
    ("not_flagged", "not_flagged"),
    ("indeterminate", "indeterminate"),
    ("running", "running"),
    ("failed", "failed"),
    ("quality_rejected", "quality"),
];
const CLAIMS: [(&str, &str); 3] = [("nobody", "free"), ("me", "mine"), ("somebody", "taken")];
const LINKS: [(&str, &str); 3] = [
    ("linked", "linked"),
    ("unmatched", "no order"),
    ("conflict", "conflict"),
];
/// Class, message, and what `sort` calls it.
const COLUMNS: [(&str, &str, &str); 11] = [
    ("rank", "column-rank", "rank"),
    ("score", "column-priority", "score"),
    ("patient", "column-patient", "patient"),
    ("exam", "column-exam", "exam"),
    ("arrived", "column-arrived", "arrived"),
    ("images", "column-images", "images"),
    ("wait", "column-wait", "wait"),
    ("cap", "column-cap", "cap"),
    ("said-by-ai", "column-ai", "ai"),
    ("alert", "column-alert", "alert"),
    ("reader", "column-reader", "claimed"),
];

/// Of `HIDEABLE`, in its order.
const HIDEABLE_LABELS: [&str; HIDEABLE.len()] = [
    "column-arrived",
    "column-images",
    "column-wait",
    "column-cap",
    "column-alert",
    "column-reader",
];

/// The query as it stands in an address, without what is empty. Words of ours alone, so that nothing needs escaping but
/// the modality, which is checked.
pub fn address(query: &WorklistQuery) -> String {
    let modality: String = query
        .modality
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let limit = query.limit.map(|limit| limit.to_string()).unwrap_or_default();
    let cursor = query.cursor.clone().unwrap_or_default();
    let parts = [
        ("modality", modality.as_str()),
        ("band", &query.band),
        ("ai", &query.ai),
        ("claimed", &query.claimed),
        ("link", &query.link),
        ("sort", &query.sort),
        ("hide", &query.hide),
        ("limit", &limit),
        ("cursor", &cursor),
    ];
    parts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{key}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

fn href(query: &WorklistQuery) -> String {
    match address(query) {
        empty if empty.is_empty() => "/".to_owned(),
        address => format!("/?{address}"),
    }
}

fn with(query: &WorklistQuery, set: impl FnOnce(&mut WorklistQuery)) -> String {
    let mut changed = WorklistQuery {
        cursor: None,
        ..query.clone()
    };
    set(&mut changed);
    href(&changed)
}

fn choice(
    query: &WorklistQuery,
    now: &str,
    (value, label): (&str, &str),
    count: Option<usize>,
    set: fn(&mut WorklistQuery, String),
) -> Choice {
    Choice {
        label: label.to_owned(),
        href: with(query, |query| set(query, value.to_owned())),
        current: now == value,
        count,
    }
}

/// Every filter with its choices, the first of which asks for everything.
pub fn filters(query: &WorklistQuery, listed: &Listed) -> Vec<Filter> {
    let filter = |name, label, now: &str, words: Vec<(&str, &str, Option<usize>)>, set| Filter {
        name,
        label,
        choices: std::iter::once(("", "all", None))
            .chain(words)
            .map(|(value, label, count)| choice(query, now, (value, label), count, set))
            .collect(),
    };
    let plain = |words: &[(&'static str, &'static str)]| words.iter().map(|(v, l)| (*v, *l, None)).collect();
    let modalities = listed
        .modalities
        .iter()
        .map(|(name, count)| (name.as_str(), name.as_str(), Some(*count)))
        .collect();
    let bands = ["critical", "urgent", "routine"]
        .map(|band| (band, band, listed.bands.get(band).copied()))
        .to_vec();
    vec![
        filter("band", "filter-priority", &query.band, bands, |q, v| q.band = v),
        filter(
            "modality",
            "filter-modality",
            &query.modality,
            modalities,
            |q, v| q.modality = v,
        ),
        filter("ai", "filter-ai", &query.ai, plain(&STATES), |q, v| q.ai = v),
        filter(
            "claimed",
            "filter-reader",
            &query.claimed,
            plain(&CLAIMS),
            |q, v| q.claimed = v,
        ),
        filter("link", "filter-order", &query.link, plain(&LINKS), |q, v| {
            q.link = v
        }),
    ]
}

/// Choosing a column twice turns its order round.
pub fn columns(query: &WorklistQuery) -> Vec<Column> {
    let sorted = match query.sort.as_str() {
        "" => "rank",
        said => said,
    };
    COLUMNS
        .into_iter()
        .map(|(key, label, sort)| {
            let (order, next) = turned(sorted, sort);
            Column {
                key,
                label,
                order,
                href: with(query, |query| query.sort = next),
            }
        })
        .collect()
}

/// How a column stands in the order that is shown, and which order choosing it gives.
fn turned(sorted: &str, key: &str) -> (&'static str, String) {
    match sorted.strip_prefix('-') {
        Some(down) if down == key => ("descending", String::new()),
        None if sorted == key => ("ascending", format!("-{key}")),
        Some(_) | None => ("none", key.to_owned()),
    }
}

/// Columns that can be left out, each as an address that leaves it out or shows it again.
pub fn hideable(query: &WorklistQuery) -> Vec<Choice> {
    let hidden = query.hidden();
    HIDEABLE
        .into_iter()
        .zip(HIDEABLE_LABELS)
        .map(|(column, label)| {
            let shown = !hidden.contains(&column);
            let others = hidden.iter().copied().filter(|other| *other != column);
            let left_out: Vec<&str> = others.chain(shown.then_some(column)).collect();
            Choice {
                label: label.to_owned(),
                href: with(query, |query| query.hide = left_out.join(",")),
                current: shown,
                count: None,
            }
        })
        .collect()
}

pub fn views(kept: Vec<saved_view::Model>, address: &str) -> Vec<Choice> {
    kept.into_iter()
        .map(|view| Choice {
            href: format!("/?{}", view.query),
            current: view.query == address,
            label: view.name,
            count: None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_what_was_chosen_and_nothing_else() {
        let query = WorklistQuery {
            modality: "CT&x=<".into(),
            ai: "flagged".into(),
            limit: Some(20),
            ..WorklistQuery::default()
        };
        assert_eq!(address(&query), "modality=CTx&ai=flagged&limit=20");
        assert_eq!(href(&WorklistQuery::default()), "/");
    }

    #[test]
    fn a_column_is_left_out_and_shown_again() {
        let query = WorklistQuery {
            hide: "images,reader".into(),
            ..WorklistQuery::default()
        };
        let hideable = hideable(&query);
        let of = |label: &str| {
            hideable
                .iter()
                .find(|choice| choice.label == label)
                .expect("a column")
        };
        let (images, wait) = (of("column-images"), of("column-wait"));
        assert_eq!((images.current, images.href.as_str()), (false, "/?hide=reader"));
        assert_eq!(
            (wait.current, wait.href.as_str()),
            (true, "/?hide=images,reader,wait")
        );
    }

    #[test]
    fn a_column_that_is_chosen_again_turns_round_and_then_goes_back_to_rank() {
        let order = |sort: &str| {
            let query = WorklistQuery {
                sort: sort.into(),
                ..WorklistQuery::default()
            };
            let patient = columns(&query).into_iter().find(|column| column.key == "patient");
            patient
                .map(|column| (column.order, column.href))
                .expect("a column")
        };
        assert_eq!(order(""), ("none", "/?sort=patient".into()));
        assert_eq!(order("patient"), ("ascending", "/?sort=-patient".into()));
        assert_eq!(order("-patient"), ("descending", "/".into()));
    }

    #[test]
    fn every_column_that_can_be_sorted_by_is_one_that_a_query_takes() {
        for (_, _, sort) in COLUMNS {
            let query = WorklistQuery {
                sort: sort.into(),
                ..WorklistQuery::default()
            };
            let checked = query.checked("me", "", tocsin_domain::clock::Timestamp::UNIX_EPOCH);
            assert!(checked.is_ok(), "{sort}");
        }
    }
}
