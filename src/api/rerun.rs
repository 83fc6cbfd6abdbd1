//! Running a model once more on the images that it has read: after a fault, or when somebody doubts what it said. What it
//! finds then replaces what it found before, like any newer result.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::{AnalysisId, StudyId};

use super::auth::Principal;
use super::error::ApiError;
use super::state::State;
use super::words::{SEEN, words};
use crate::storage::entity::analysis;
use crate::storage::{StoreError, Tx, analyses, audit, timeline};

/// Characters of a reason at most.
const REASON: usize = 200;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    pub model: String,
    /// Why, for those who read the timeline.
    #[schemars(length(min = 1, max = REASON), regex(pattern = SEEN))]
    pub reason: String,
}

/// A run that is queued.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RerunView {
    pub analysis_id: AnalysisId,
    pub model: String,
    pub version: String,
}

/// `POST /api/v1/studies/{id}/rerun`.
pub async fn post(
    state: Data<State>,
    id: Path<String>,
    wanted: Json<Rerun>,
    who: Principal,
) -> Result<Json<RerunView>, ApiError> {
    Ok(Json(again(&state, &who, &id, wanted.into_inner()).await?))
}

/// Queues the run, in the order of the runs of this model on this study.
///
/// # Errors
/// A model that has never had images of this study, that is at work on it, or that is not in force.
pub async fn again(state: &State, who: &Principal, id: &str, wanted: Rerun) -> Result<RerunView, ApiError> {
    let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
    let reason = words("reason", &wanted.reason, REASON)?;
    let event = who.did(
        "study.rerun",
        format!("study:{id}"),
        &state.settings.site.0,
        serde_json::json!({ "model": wanted.model, "reason": reason }),
    );
    let (model, by, in_force) = (wanted.model, who.name.clone(), state.settings.models.clone());
    let view = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let rows = analyses::of_study(tx.conn(), id).await?;
                let latest = repeatable(&rows, &model, |sha256| in_force.contains_key(sha256))?;
                let view = queue(tx, latest, &by, &reason).await?;
                let said = format!("{model}: queued again by {by}: {reason}");
                timeline::note(tx, id, "rerun", said).await?;
                audit::record(tx, event).await?;
                Ok::<_, StoreError>(view)
            })
        })
        .await?;
    Ok(view)
}

/// The run to repeat: the latest of the model on images, if it is done and the model can still run.
fn repeatable<'r>(
    rows: &'r [analysis::Model],
    model: &str,
    is_in_force: impl Fn(&str) -> bool,
) -> Result<&'r analysis::Model, StoreError> {
    let latest = rows
        .iter()
        .filter(|row| row.model == model && !row.input_key.is_empty())
        .max_by_key(|row| row.created_at)
        .ok_or_else(|| StoreError::Refused(format!("{model} has never been given images of this study")))?;
    if !analyses::state_of(latest)?.is_final() {
        return Err(StoreError::Refused(format!(
            "{model} is at work on this study already"
        )));
    }
    if !is_in_force(&latest.sha256) {
        return Err(StoreError::Refused(format!(
            "{model} {} is not in force any more",
            latest.version
        )));
    }
    Ok(latest)
}

async fn queue(tx: &Tx, latest: &analysis::Model, by: &str, reason: &str) -> Result<RerunView, StoreError> {
    let analysis_id = analyses::again(tx, latest, format!("run again by {by}: {reason}")).await?;
    Ok(RerunView {
        analysis_id,
        model: latest.model.clone(),
        version: latest.version.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(model: &str, key: &str, state: &str, created_at: i64) -> analysis::Model {
        analysis::Model {
            id: format!("{created_at}"),
            study_id: String::new(),
            series_id: None,
            model: model.into(),
            version: "1".into(),
            sha256: "abc".into(),
            input_key: key.into(),
            state: state.into(),
            reason: String::new(),
            result_id: None,
            provider: None,
            inference_ms: None,
            created_at,
            started_at: None,
            finished_at: None,
            updated_at: created_at,
        }
    }

    #[test]
    fn the_latest_run_on_images_is_repeated_once_it_is_done_and_while_its_model_is_there() {
        let rows = [
            row("ich", "k1", "flagged", 1),
            row("ich", "k2", "failed", 2),
            row("ich", "", "not_eligible", 3),
            row("pe", "k3", "running", 4),
            row("ptx", "", "not_eligible", 5),
        ];
        let of = |model, loaded: bool| {
            repeatable(&rows, model, |_| loaded)
                .map(|row| row.id.clone())
                .map_err(|refused| refused.to_string())
        };
        assert_eq!(of("ich", true).as_deref(), Ok("2"));
        let refused = |model, loaded| of(model, loaded).expect_err("refused");
        assert!(refused("ich", false).contains("not in force"));
        assert!(refused("pe", true).contains("at work"));
        assert!(refused("ptx", true).contains("never been given images"));
    }
}
