//! Looks for what a query asks: studies page by page, then their series and instances, each narrowed by the keys of its
//! level. Bounded in what is looked at and in what is found.

use std::collections::BTreeSet;

use dicom_dictionary_std::tags;
use tocsin_domain::ids::SiteId;
use tocsin_domain::study::InstanceFacts;

use super::card::Card;
use super::question::{Level, Question};
use crate::ingest::dicom::services::Served;
use crate::storage::entity::{instance, study};
use crate::storage::holdings::{self, Bearers, Narrow, Part, Sample};
use crate::storage::page::Before;
use crate::storage::patients::{self, Imaged};
use crate::storage::{StoreError, instances};

/// Answers to one query.
pub(super) const MOST_ANSWERS: usize = 5_000;
/// Studies whose series are counted at a time.
const PAGE: usize = 100;

/// A study that agrees with the query.
pub(super) struct Found {
    pub row: study::Model,
    pub card: Card,
    pub series: Vec<(i64, InstanceFacts)>,
}

/// What was found, as far as it was looked for.
pub(super) struct Answers {
    pub cards: Vec<Card>,
    /// Ids of the studies that they tell of.
    pub studies: BTreeSet<String>,
    /// There is more.
    pub cut_off: bool,
}

pub(super) async fn answers(
    served: &Served,
    site: &SiteId,
    question: &Question,
) -> Result<Answers, StoreError> {
    let found = studies(served, site, question, MOST_ANSWERS).await?;
    let mut answers = Answers {
        cards: Vec::new(),
        studies: BTreeSet::new(),
        cut_off: found.len() > MOST_ANSWERS,
    };
    let mut patients = BTreeSet::new();
    for study in found.into_iter().take(MOST_ANSWERS) {
        let cards = match question.level {
            Level::Patient if !patients.insert(study.card.patient()) => continue,
            Level::Patient | Level::Study => vec![study.card],
            Level::Series => series(&study, question),
            Level::Image => images(served, &study, question).await?,
        };
        if !cards.is_empty() {
            answers.studies.insert(study.row.id);
            answers.cards.extend(cards);
        }
    }
    answers.cut_off |= answers.cards.len() > MOST_ANSWERS;
    answers.cards.truncate(MOST_ANSWERS);
    Ok(answers)
}

/// Studies that agree with the keys of patient and study; one more than `most` where there are more.
pub(super) async fn studies(
    served: &Served,
    site: &SiteId,
    question: &Question,
    most: usize,
) -> Result<Vec<Found>, StoreError> {
    let conn = served.store.read();
    let bearers = match question.values(tags::PATIENT_ID) {
        Some(numbers) => Some(holdings::bearers(conn, site, numbers).await?),
        None => None,
    };
    let narrow = Narrow {
        studies: question.values(tags::STUDY_INSTANCE_UID).map(<[String]>::to_vec),
        patients: bearers.as_ref().map(|bearers| bearers.numbers.clone()),
    };
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = u64::try_from(PAGE).unwrap_or(u64::MAX);
        let rows = holdings::studies(conn, site, &narrow, before.as_ref(), page).await?;
        let last = rows.len() < PAGE;
        before = rows.last().map(|row| Before {
            at: row.arrived_at,
            id: row.id.clone(),
        });
        let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        let mut samples = holdings::samples(conn, &ids).await?;
        for row in rows {
            let own = samples
                .extract_if(.., |sample| sample.one.study_id == row.id)
                .collect();
            found.extend(agreeing(served, question, bearers.as_ref(), row, own).await?);
        }
        if last || found.len() > most {
            return Ok(found);
        }
    }
}

/// The study, if it agrees. One whose first instance is only just being filed has no series yet, and is not told of.
async fn agreeing(
    served: &Served,
    question: &Question,
    bearers: Option<&Bearers>,
    row: study::Model,
    samples: Vec<Sample>,
) -> Result<Option<Found>, StoreError> {
    let conn = served.store.read();
    let mut series = Vec::with_capacity(samples.len());
    for sample in samples {
        series.push((sample.instances, instances::facts_of(&sample.one)?));
    }
    let Some((_, first)) = series.first() else {
        return Ok(None);
    };
    let mut card = Card::study(&row, first);
    card.sum(&series);
    // Whose it is costs more to tell than what it is.
    if !card.agrees(question, Level::Study) {
        return Ok(None);
    }
    let record = match patients::imaged(conn, &row, &served.default_authority).await? {
        Some(Imaged::Record(id)) => Some(id),
        Some(Imaged::Unknown(_)) | None => None,
    };
    if bearers.is_some_and(|bearers| !bears(question, bearers, &row, record.as_deref())) {
        return Ok(None);
    }
    if let Some(record) = record
        && let Some(known) = patients::by_id(conn, &record).await?
    {
        card.name(&known);
    }
    Ok(card
        .agrees(question, Level::Patient)
        .then_some(Found { row, card, series }))
}

/// Whether a study is of somebody who was asked for. One number may be two people's, under two authorities, so that a number
/// which was only merged with the one asked for does not say enough.
fn bears(question: &Question, bearers: &Bearers, row: &study::Model, record: Option<&str>) -> bool {
    let asked = question.values(tags::PATIENT_ID).unwrap_or_default();
    let itself = row
        .patient_identifier
        .as_ref()
        .is_some_and(|own| asked.contains(own));
    itself || record.is_some_and(|record| bearers.records.contains(record))
}

fn series(study: &Found, question: &Question) -> Vec<Card> {
    let cards = study
        .series
        .iter()
        .map(|(instances, facts)| study.card.series(*instances, facts));
    cards
        .filter(|card| card.agrees(question, Level::Series))
        .collect()
}

async fn images(served: &Served, study: &Found, question: &Question) -> Result<Vec<Card>, StoreError> {
    let mut found = Vec::new();
    let part = Part {
        series: question.values(tags::SERIES_INSTANCE_UID).map(<[String]>::to_vec),
        instances: question.values(tags::SOP_INSTANCE_UID).map(<[String]>::to_vec),
    };
    for row in rows(served, std::slice::from_ref(&study.row.id), &part, MOST_ANSWERS).await? {
        let facts = instances::facts_of(&row)?;
        let of_series = study
            .series
            .iter()
            .find(|(_, one)| one.series_uid == facts.series_uid);
        let count = of_series.map_or(0, |(instances, _)| *instances);
        let card = study.card.series(count, &facts);
        let card = card.instance(&facts);
        if card.agrees(question, Level::Series) && card.agrees(question, Level::Image) {
            found.push(card);
        }
    }
    Ok(found)
}

/// Instances of these studies; one more than `most` where there are more.
pub(super) async fn rows(
    served: &Served,
    studies: &[String],
    part: &Part,
    most: usize,
) -> Result<Vec<instance::Model>, StoreError> {
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    holdings::instances(served.store.read(), studies, part, most).await
}
