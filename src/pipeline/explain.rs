//! Job: has the child process look again at the key slices of a result that is published, for maps of where a classifier looked, and
//! then owes the key images that show them. Nothing waits for it: it gives way to every analysis, and when it fails the key images go
//! without a map.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use tocsin_domain::explanation::MAX_KEY_IMAGES;
use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::{ResultId, Uid};
use tocsin_domain::work::Work;

use super::env::Env;
use super::{infer, publish_result};
use crate::imaging::heat::{self, HeatMap};
use crate::inference::pool::WorkerError;
use crate::jobs::JobError;
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::{StoreError, Tx, analyses, results, timeline};

/// For what somebody waits for.
const GIVE_WAY: TimeDelta = TimeDelta::seconds(2);
/// A process that is busy for longer has no time for maps.
const PATIENCE: TimeDelta = TimeDelta::minutes(30);

pub async fn run(env: &Env, lease: &Lease, id: ResultId) -> Result<(), JobError> {
    let record = results::record_of(&results::get(env.store.read(), id).await?)?;
    if results::map_of(env.store.read(), id).await?.is_some() {
        return finish(env, Some(lease), record, None)
            .await
            .map_err(JobError::from);
    }
    let said = match maps(env, &record).await {
        Ok(maps) => Said::Maps(maps),
        Err(Missed::Later(error)) => return Err(error),
        Err(Missed::Busy) => return Ok(give_way(env, lease, record).await?),
        Err(Missed::Never(reason)) => Said::Nothing(reason),
    };
    finish(env, Some(lease), record, Some(said)).await?;
    Ok(())
}

/// What came of it.
enum Said {
    Maps(Vec<HeatMap>),
    Nothing(String),
}

/// Why there are no maps.
enum Missed {
    /// The child process reads a study.
    Busy,
    Later(JobError),
    Never(String),
}

impl From<StoreError> for Missed {
    fn from(error: StoreError) -> Self {
        Self::Later(error.into())
    }
}

async fn maps(env: &Env, record: &ResultRecord) -> Result<Vec<HeatMap>, Missed> {
    let row = analyses::get(env.store.read(), record.analysis).await?;
    let model = env.models.iter().find(|model| {
        model.reference.sha256 == record.model.sha256 && model.reference.name == record.model.name
    });
    let Some(model) = model else {
        return Err(Missed::Never("the model is no longer in force".to_owned()));
    };
    let (_, _, files) = infer::inputs(env, &row).await.map_err(Missed::Later)?;
    // An image that came since would stand among the slices that were read.
    let read: BTreeSet<&Uid> = record.instance_uids.iter().collect();
    if read.len() != files.len() {
        return Err(Missed::Never(
            "the series has changed since it was read".to_owned(),
        ));
    }
    let mut maps: Vec<HeatMap> = Vec::new();
    for key in record.explanation.key_slices.iter().take(MAX_KEY_IMAGES) {
        if maps.iter().any(|map| map.slice == key.slice) {
            continue;
        }
        match env
            .worker
            .explain(&model.package, files.clone(), key.clone())
            .await
        {
            Ok(Some(more)) => maps.extend(more),
            Ok(None) => return Err(Missed::Busy),
            Err(error) => return Err(missed(error)),
        }
    }
    Ok(maps)
}

fn missed(error: WorkerError) -> Missed {
    match infer::may_pass(&error) {
        true => Missed::Later(JobError::Retry(error.to_string())),
        false => Missed::Never(error.to_string()),
    }
}

/// Comes back later, as a job of its own: giving way is no failure, and does not count as one.
async fn give_way(env: &Env, lease: &Lease, record: ResultRecord) -> Result<(), StoreError> {
    let (held, result) = (lease.clone(), record.id);
    let produced_at = record.produced_at;
    let waits = env
        .store
        .write(move |tx| {
            Box::pin(async move {
                let waits = tx.now() - produced_at < PATIENCE;
                if waits {
                    let later = Terms::now().at(tx.now() + GIVE_WAY);
                    leases::complete(tx, &held).await?;
                    jobs::enqueue(tx, &Work::Explain { result }, later).await?;
                }
                Ok(waits)
            })
        })
        .await?;
    if waits {
        return Ok(());
    }
    let reason = "the model's process had no time".to_owned();
    finish(env, Some(lease), record, Some(Said::Nothing(reason))).await
}

/// Keeps the maps, owes the key images, and is done.
async fn finish(
    env: &Env,
    lease: Option<&Lease>,
    record: ResultRecord,
    said: Option<Said>,
) -> Result<(), StoreError> {
    let (lease, settings, packs) = (lease.cloned(), env.settings.clone(), env.packs.clone());
    env.store
        .write(move |tx| {
            Box::pin(async move {
                if let Some(said) = said {
                    keep(tx, &record, said).await?;
                }
                publish_result::owe_key_images(tx, &record, &settings, &packs).await?;
                match &lease {
                    Some(lease) => leases::complete(tx, lease).await,
                    None => Ok(()),
                }
            })
        })
        .await
}

async fn keep(tx: &Tx, record: &ResultRecord, said: Said) -> Result<(), StoreError> {
    let (event, detail, stored) = match said {
        Said::Maps(maps) => {
            let detail = format!(
                "{}: {} of {} key slices",
                record.model.name,
                maps.len(),
                record.explanation.key_slices.len()
            );
            (
                "explained",
                detail,
                if maps.is_empty() {
                    Vec::new()
                } else {
                    heat::encode(&maps)
                },
            )
        }
        Said::Nothing(reason) => (
            "explanation_failed",
            format!("{}: {reason}", record.model.name),
            Vec::new(),
        ),
    };
    results::keep_map(tx, record.id, stored).await?;
    timeline::note(tx, record.study, event, detail).await
}

/// Given up, by its id alone: the key images go without a map.
pub async fn given_up(env: &Env, id: ResultId, reason: &str) -> Result<(), StoreError> {
    let record = results::record_of(&results::get(env.store.read(), id).await?)?;
    let said = match results::map_of(env.store.read(), id).await? {
        Some(_) => None,
        None => Some(Said::Nothing(reason.to_owned())),
    };
    finish(env, None, record, said).await
}
