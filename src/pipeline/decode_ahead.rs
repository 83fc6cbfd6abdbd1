//! While a series that a model will read still arrives, its slices are decoded, so that after the last image the model is all
//! that remains. Nothing depends on it: the model decodes what is missing, and a study whose slices brought the child process
//! down is not prepared again.

use std::collections::BTreeSet;
use std::sync::Arc;

use tocsin_domain::admit;
use tocsin_domain::ids::{StudyId, Uid};
use tocsin_domain::work::Urgency;

use super::env::Env;
use super::infer;
use crate::inference::child::protocol::SliceFile;
use crate::inference::pool::Pool;
use crate::storage::entity::series;
use crate::storage::prior_searches::Purpose;
use crate::storage::{Store, StoreError, analyses, instances, studies, timeline};

/// Noted once per study.
const FAILED: &str = "decode_ahead_failed";

/// Finds out what to decode, and leaves the decoding to run by itself.
pub async fn begin(env: &Env, id: StudyId) {
    match files(env, id).await {
        Ok(files) if files.is_empty() => {}
        Ok(files) => {
            tokio::spawn(decode(env.store.clone(), env.worker.clone(), id, files));
        }
        Err(error) => tracing::warn!(study.id = %id, %error, "no slices could be decoded ahead"),
    }
}

async fn decode(store: Store, worker: Arc<Pool>, id: StudyId, files: Vec<SliceFile>) {
    let Err(error) = worker.prepare(files).await else {
        return;
    };
    tracing::warn!(study.id = %id, %error, "slices could not be decoded ahead");
    let detail = error.to_string();
    let noted = store
        .write(move |tx| Box::pin(async move { timeline::note(tx, id, FAILED, detail).await }))
        .await;
    if let Err(error) = noted {
        tracing::warn!(study.id = %id, %error, "that could not be noted");
    }
}

/// The slices of the series that a model in force would read and has not read yet.
async fn files(env: &Env, id: StudyId) -> Result<Vec<SliceFile>, StoreError> {
    let conn = env.store.read();
    let row = studies::get(conn, id).await?;
    if Purpose::of(&row) == Purpose::Comparison {
        return Ok(Vec::new());
    }
    let Some(facts) = studies::facts_of(&row)? else {
        return Ok(Vec::new());
    };
    // Routine models run in a process of their own, which would not find what this one keeps.
    let wanted: BTreeSet<Uid> = env
        .models
        .iter()
        .filter(|model| model.package.manifest.urgency == Urgency::Urgent)
        .flat_map(|model| admit::candidates(&model.criteria, &facts))
        .collect();
    if wanted.is_empty() || timeline::has(conn, id, FAILED).await? {
        return Ok(Vec::new());
    }
    let decided = analyses::of_study(conn, id).await?;
    let undecided = |row: &series::Model| !decided.iter().any(|a| a.series_id.as_deref() == Some(&row.id));
    let mut files = Vec::new();
    for row in studies::series_of(conn, id).await? {
        if undecided(&row) && wanted.iter().any(|uid| uid.as_str() == row.series_uid) {
            for instance in instances::of_series(conn, &row.id).await? {
                files.push(infer::slice(env, &instance)?);
            }
        }
    }
    Ok(files)
}
