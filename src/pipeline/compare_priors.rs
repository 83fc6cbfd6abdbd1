//! Job: compares the standing results of a study with the latest earlier ones of the same models, and amends those that have
//! something to add: a corrected result takes the place of the first, with the change of each measurement, and goes the way
//! of every result. The first went out long before.

use tocsin_domain::clock::Timestamp;
use tocsin_domain::compare::Earlier;
use tocsin_domain::comparison::{Comparison, compare, latest};
use tocsin_domain::finding::{ResultRecord, ResultStatus};
use tocsin_domain::ids::{ResultId, StudyId};
use tocsin_domain::same_person::contradiction;
use tocsin_domain::work::Work;

use super::env::{Env, Settings};
use crate::jobs::JobError;
use crate::storage::analyses::AnalysisState;
use crate::storage::entity::study;
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::prior_searches::Purpose;
use crate::storage::{StoreError, Tx, analyses, priors, results, studies, timeline};

pub async fn run(env: &Env, lease: &Lease, id: StudyId) -> Result<(), JobError> {
    let (lease, settings) = (lease.clone(), env.settings.clone());
    env.store
        .write(move |tx| {
            Box::pin(async move {
                let row = studies::lock(tx, id).await?;
                if Purpose::of(&row) == Purpose::Reading {
                    for record in standing(tx, id).await? {
                        amend(tx, &row, record, &settings).await?;
                    }
                }
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

/// The results that speak for the study now.
async fn standing(tx: &Tx, id: StudyId) -> Result<Vec<ResultRecord>, StoreError> {
    let rows = analyses::of_study(tx.conn(), id).await?;
    let withdrawn = AnalysisState::Withdrawn.text();
    let ids = analyses::current(&rows)
        .into_iter()
        .filter(|row| row.state != withdrawn)
        .filter_map(|row| row.result_id.clone());
    let mut records = Vec::new();
    for id in ids {
        let id: ResultId = id
            .parse()
            .map_err(|_| StoreError::Missing("result of the analysis"))?;
        records.push(results::record_of(&results::get(tx.conn(), id).await?)?);
    }
    Ok(records)
}

/// Against the latest earlier study that the model of this result has read; nothing of anybody whom the images call
/// otherwise.
pub async fn comparison(
    tx: &Tx,
    row: &study::Model,
    record: &ResultRecord,
    settings: &Settings,
) -> Result<Option<Comparison>, StoreError> {
    let taken_at = priors::taken_at(tx.conn(), row, &settings.time_zone).await?;
    let mut before: Vec<(Timestamp, ResultRecord)> = Vec::new();
    for prior in priors::of(tx.conn(), row, &settings.default_authority).await? {
        if contradiction(priors::person(row), priors::person(&prior)).is_some() {
            continue;
        }
        let then = priors::taken_at(tx.conn(), &prior, &settings.time_zone).await?;
        for found in results::of_studies(tx.conn(), std::slice::from_ref(&prior.id)).await? {
            let found = results::record_of(&found)?;
            if found.status != ResultStatus::Withdrawn {
                before.push((then, found));
            }
        }
    }
    let earlier: Vec<Earlier<'_>> = before
        .iter()
        .map(|(taken_at, record)| Earlier {
            taken_at: *taken_at,
            record,
        })
        .collect();
    let found = latest(record, taken_at, &earlier);
    let compared = found.map(|before| {
        let day = before
            .taken_at
            .with_timezone(&settings.time_zone)
            .format("%Y-%m-%d");
        compare(record, taken_at, before, day.to_string())
    });
    Ok(compared.filter(|compared| !compared.findings.is_empty()))
}

/// A result that is compared with the same thing already stays as it is.
async fn amend(
    tx: &Tx,
    row: &study::Model,
    record: ResultRecord,
    settings: &Settings,
) -> Result<(), StoreError> {
    let compared = comparison(tx, row, &record, settings).await?;
    let Some(compared) = compared.filter(|now| {
        !record
            .comparison
            .as_ref()
            .is_some_and(|then| now.says_the_same(then))
    }) else {
        return Ok(());
    };
    let study = record.study;
    let amended = ResultRecord {
        id: ResultId(tx.uuid()),
        status: ResultStatus::Corrected,
        produced_at: tx.now(),
        supersedes: Some(record.id),
        statements: Vec::new(),
        comparison: Some(compared),
        ..record.clone()
    };
    let mask = results::mask_of(tx.conn(), record.id).await?;
    results::insert(tx, &amended, (!mask.is_empty()).then_some(mask)).await?;
    analyses::amended(tx, amended.analysis, amended.id).await?;
    let detail = format!("{}: compared with an earlier study", amended.model.name);
    timeline::note(tx, study, "compared", detail).await?;
    jobs::enqueue(tx, &Work::TriageStudy { study }, Terms::triage(study)).await?;
    jobs::enqueue(tx, &Work::PublishResult { result: amended.id }, Terms::now()).await
}
