//! Which part of the worklist somebody wants to see, and in which order: pure. Everything of it stands in an address, so
//! that a list can be kept and shared; nothing of a patient does, so a search travels otherwise.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use tocsin_domain::clock::Timestamp;
use tocsin_domain::worklist::Band;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::error::ApiError;
use super::page::{PageQuery, limit, one_of};
use super::waiting::Ranked;
use crate::storage::analyses::AnalysisState;
use crate::storage::waiting::Waiting;

/// The words of `claimed`.
pub const CLAIMS: [&str; 3] = ["me", "nobody", "somebody"];
pub const LINKS: [&str; 3] = ["linked", "unmatched", "conflict"];
pub const ORDERS: [&str; 11] = [
    "rank", "arrived", "patient", "exam", "score", "images", "wait", "cap", "ai", "alert", "claimed",
];
/// What of several models' words says where to look first.
const PRESSING: [AnalysisState; 6] = [
    AnalysisState::Flagged,
    AnalysisState::Indeterminate,
    AnalysisState::QualityRejected,
    AnalysisState::Failed,
    AnalysisState::Running,
    AnalysisState::NotFlagged,
];

/// Columns that a page may leave out.
pub const HIDEABLE: [&str; 6] = ["arrived", "images", "wait", "cap", "alert", "reader"];

/// What is asked for; an empty value asks for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorklistQuery {
    #[serde(default)]
    pub modality: String,
    #[serde(default)]
    pub band: String,
    /// State of any model's word.
    #[serde(default)]
    pub ai: String,
    #[serde(default)]
    pub claimed: String,
    #[serde(default)]
    pub link: String,
    /// A name of `ORDERS`; with `-` in front the other way round.
    #[serde(default)]
    pub sort: String,
    /// Columns that are left out of the page, of `HIDEABLE`, with commas between.
    #[serde(default)]
    pub hide: String,
    #[serde(default, deserialize_with = "limit")]
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

/// A query whose words are known.
#[derive(Clone, Debug)]
pub struct Selection<'q> {
    query: &'q WorklistQuery,
    band: Option<Band>,
    ai: Option<AnalysisState>,
    me: &'q str,
    now: Timestamp,
    /// Looked for in accession number, patient and description; folded.
    words: Vec<String>,
}

impl WorklistQuery {
    pub fn page(&self) -> PageQuery {
        PageQuery {
            limit: self.limit,
            cursor: self.cursor.clone(),
        }
    }

    /// Columns that are left out.
    pub fn hidden(&self) -> Vec<&str> {
        self.hide.split(',').filter(|column| !column.is_empty()).collect()
    }

    /// # Errors
    /// A word that is not known, with those that are.
    pub fn checked<'q>(
        &'q self,
        me: &'q str,
        search: &str,
        now: Timestamp,
    ) -> Result<Selection<'q>, ApiError> {
        let bands = Band::ALL.map(Band::text);
        let states = AnalysisState::ALL.map(AnalysisState::text);
        one_of("claimed", Some(&self.claimed), &CLAIMS)?;
        one_of("link", Some(&self.link), &LINKS)?;
        for column in self.hidden() {
            one_of("hide", Some(column), &HIDEABLE)?;
        }
        one_of(
            "sort",
            Some(self.sort.strip_prefix('-').unwrap_or(&self.sort)),
            &ORDERS,
        )?;
        let band = one_of("band", Some(&self.band), &bands)?;
        let ai = one_of("ai", Some(&self.ai), &states)?;
        Ok(Selection {
            query: self,
            band: band.and_then(|word| Band::ALL.into_iter().find(|band| band.text() == word)),
            ai: ai.and_then(|word| AnalysisState::ALL.into_iter().find(|state| state.text() == word)),
            me,
            now,
            words: search.split_whitespace().map(folded).collect(),
        })
    }
}

impl Selection<'_> {
    /// The rows that are wanted, in the order that is wanted. `rows` come by rank.
    pub fn of<'r>(&self, rows: &'r [Ranked]) -> Vec<&'r Ranked> {
        let mut picked: Vec<&Ranked> = rows.iter().filter(|row| self.takes(row)).collect();
        let (word, down) = match self.query.sort.strip_prefix('-') {
            Some(word) => (word, true),
            None => (self.query.sort.as_str(), false),
        };
        if !word.is_empty() {
            // Stable, so that equal rows stay by rank.
            picked.sort_by(|a, b| {
                let order = self.compare(word, a, b);
                if down { order.reverse() } else { order }
            });
        }
        picked
    }

    fn takes(&self, row: &Ranked) -> bool {
        let (query, study) = (self.query, &row.known.study);
        let holder = study.holder(self.now);
        let claim = match query.claimed.as_str() {
            "me" => holder == Some(self.me),
            "nobody" => holder.is_none(),
            "somebody" => holder.is_some(),
            _ => true,
        };
        claim
            && (query.modality.is_empty() || study.modality.eq_ignore_ascii_case(&query.modality))
            && (query.link.is_empty() || study.link == query.link)
            && self.band.is_none_or(|band| row.place.item.band == band)
            && self.ai.is_none_or(|state| row.known.ai.contains(&state))
            && self.finds(study)
    }

    fn compare(&self, word: &str, a: &Ranked, b: &Ranked) -> Ordering {
        let (left, right) = (&a.known.study, &b.known.study);
        match word {
            "arrived" => left.arrived_at.cmp(&right.arrived_at),
            "patient" => left.patient_name.cmp(&right.patient_name),
            "exam" => (&left.modality, &left.description).cmp(&(&right.modality, &right.description)),
            "score" => right.score.total_cmp(&left.score),
            "images" => left.instances.cmp(&right.instances),
            "wait" => right.arrived_at.cmp(&left.arrived_at),
            "ai" => pressing(&a.known.ai).cmp(&pressing(&b.known.ai)),
            "alert" => a.known.alert.cmp(&b.known.alert),
            "claimed" => left.holder(self.now).cmp(&right.holder(self.now)),
            "cap" => a.place.wait_cap_at.cmp(&b.place.wait_cap_at),
            _ => a.place.rank.cmp(&b.place.rank),
        }
    }

    /// Every word of what is looked for, in any order, in what the study is known by.
    fn finds(&self, study: &Waiting) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let known = [&study.accession, &study.patient_identifier, &study.patient_name];
        let mut texts: Vec<String> = known.into_iter().flatten().map(|text| folded(text)).collect();
        texts.push(folded(&study.description));
        // A UID holds every short number somewhere.
        let names_uid = |word: &str| word.contains('.') && study.study_uid.contains(word);
        self.words
            .iter()
            .all(|word| names_uid(word) || texts.iter().any(|text| text.contains(word)))
    }
}

/// The place among `PRESSING` of the word that comes first there.
fn pressing(words: &[AnalysisState]) -> usize {
    let place = |state: &AnalysisState| PRESSING.iter().position(|known| known == state);
    words.iter().filter_map(place).min().unwrap_or(PRESSING.len())
}

/// Lower case without accents: `Jérôme` is found by `jerome`.
fn folded(text: &str) -> String {
    text.nfd()
        .filter(|letter| !is_combining_mark(*letter))
        .flat_map(char::to_lowercase)
        .collect()
}
