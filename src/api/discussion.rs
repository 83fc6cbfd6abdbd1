//! What people say about a study: agreeing with a finding or not, with a reason, and comments. Nothing is overwritten. What a radiologist
//! says of a finding changes what is told of it.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::assessment::{Judged, Verdict};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::{ResultId, StudyId};

use super::auth::{Action, Principal};
use super::error::ApiError;
use super::state::State;
use super::words::{ANY, SEEN, words};
use crate::storage::entity::{opinion, study_comment};
use crate::storage::opinions::Opinion;
use crate::storage::{StoreError, amendments, audit, comments, opinions, results, studies};

/// Characters of a comment or of a reason at most.
const COMMENT: usize = 2_000;
const REASON: usize = 200;

/// What somebody thinks of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    Agree,
    Disagree,
    Indeterminate,
}

impl Judgement {
    pub fn text(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::Disagree => "disagree",
            Self::Indeterminate => "indeterminate",
        }
    }
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OpinionView {
    pub id: String,
    pub result_id: String,
    /// The reading that the result is a version of; an opinion holds for its later versions too.
    pub analysis_id: Option<String>,
    /// Code value of the finding.
    pub finding: String,
    pub verdict: String,
    pub reason: Option<String>,
    pub by: String,
    pub at: Timestamp,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CommentView {
    pub id: String,
    pub text: String,
    pub by: String,
    pub at: Timestamp,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOpinion {
    pub result_id: ResultId,
    pub finding: String,
    pub verdict: Judgement,
    #[serde(default)]
    #[schemars(length(max = REASON), regex(pattern = ANY))]
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    #[schemars(length(min = 1, max = COMMENT), regex(pattern = SEEN))]
    pub text: String,
}

/// What was said about a study, oldest first.
pub async fn of_study(
    state: &State,
    id: StudyId,
) -> Result<(Vec<OpinionView>, Vec<CommentView>), StoreError> {
    let conn = state.store.read();
    let said = opinions::of_study(conn, id).await?;
    let remarks = comments::of_study(conn, id).await?;
    let known = results::of_study(conn, id).await?;
    let reading = |row: &opinion::Model| {
        let judged = known.iter().find(|result| result.id == row.result_id);
        judged.map(|result| result.analysis_id.clone())
    };
    Ok((
        said.into_iter()
            .map(|row| {
                let reading = reading(&row);
                opinion(row, reading)
            })
            .collect(),
        remarks.into_iter().map(comment).collect(),
    ))
}

fn opinion(row: opinion::Model, analysis_id: Option<String>) -> OpinionView {
    OpinionView {
        id: row.id,
        analysis_id,
        result_id: row.result_id,
        finding: row.finding,
        verdict: row.verdict,
        reason: row.reason,
        by: row.by,
        at: from_micros(row.at),
    }
}

fn comment(row: study_comment::Model) -> CommentView {
    CommentView {
        id: row.id,
        text: row.text,
        by: row.by,
        at: from_micros(row.at),
    }
}

/// `POST /api/v1/studies/{id}/opinions`.
pub async fn post_opinion(
    state: Data<State>,
    id: Path<String>,
    wanted: Json<NewOpinion>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let kept = judge(&state, &who, &id, wanted.into_inner()).await?;
    Ok(HttpResponse::Created().json(kept))
}

/// `POST /api/v1/studies/{id}/comments`.
pub async fn post_comment(
    state: Data<State>,
    id: Path<String>,
    wanted: Json<NewComment>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let kept = remark(&state, &who, &id, &wanted.text).await?;
    Ok(HttpResponse::Created().json(kept))
}

/// Keeps what somebody thinks of a finding of this study.
pub async fn judge(
    state: &State,
    who: &Principal,
    id: &str,
    wanted: NewOpinion,
) -> Result<OpinionView, ApiError> {
    let id = parse(id)?;
    let reason = wanted.reason.filter(|text| !text.trim().is_empty());
    let reason = reason.map(|text| words("reason", &text, REASON)).transpose()?;
    let row = results::by_id(state.store.read(), wanted.result_id)
        .await?
        .filter(|row| row.study_id == id.to_string())
        .ok_or(ApiError::NotFound("result of this study"))?;
    let record = results::record_of(&row)?;
    if !record
        .findings
        .iter()
        .any(|finding| finding.code.code == wanted.finding)
    {
        return Err(ApiError::NotFound("finding of this result"));
    }
    let analysis_id = Some(row.analysis_id.clone());
    let verdict = wanted.verdict.text();
    let detail =
        serde_json::json!({ "result": wanted.result_id, "finding": wanted.finding, "verdict": verdict });
    let event = who.did(
        "finding.judge",
        format!("study:{id}"),
        &state.settings.site.0,
        detail,
    );
    let opinion = Opinion {
        study: id,
        result: wanted.result_id,
        finding: wanted.finding,
        verdict,
        reason,
        by: who.name.clone(),
    };
    let judged = judged(state, wanted.verdict);
    // Of those who decide about results, and of nobody else, others are told.
    let decides = who.may(Action::DecideResult);
    let row = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let row = opinions::add(tx, opinion.clone()).await?;
                audit::record(tx, event).await?;
                if decides {
                    let verdict = Verdict {
                        finding: opinion.finding,
                        judged,
                        by: opinion.by,
                        at: tx.now(),
                        reason: opinion.reason,
                    };
                    amendments::judge(tx, id, opinion.result, &verdict).await?;
                }
                Ok(row)
            })
        })
        .await?;
    Ok(self::opinion(row, analysis_id))
}

/// What a verdict makes of a finding.
fn judged(state: &State, verdict: Judgement) -> Option<Judged> {
    match verdict {
        Judgement::Agree => Some(state.settings.agreement),
        Judgement::Disagree => Some(Judged::Rejected),
        Judgement::Indeterminate => None,
    }
}

/// Keeps a comment.
pub async fn remark(state: &State, who: &Principal, id: &str, text: &str) -> Result<CommentView, ApiError> {
    let id = parse(id)?;
    let text = words("text", text, COMMENT)?;
    studies::by_id(state.store.read(), id)
        .await?
        .ok_or(ApiError::NotFound("study"))?;
    let event = who.did(
        "study.comment",
        format!("study:{id}"),
        &state.settings.site.0,
        serde_json::json!({ "characters": text.chars().count() }),
    );
    let by = who.name.clone();
    let row = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let row = comments::add(tx, id, text, &by).await?;
                audit::record(tx, event).await?;
                Ok(row)
            })
        })
        .await?;
    Ok(comment(row))
}

fn parse(id: &str) -> Result<StudyId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound("study"))
}
