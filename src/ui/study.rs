//! One study: its pictures, what the models found, what people think of that, whom it concerned, and what happened when.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path, Query};
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::StudyId;

use super::frame::{Frame, go_to, sealed};
use super::gantt::{self, Gantt};
use super::said::{self, Said};
use super::templates;
use crate::api::auth::Principal;
use crate::api::discussion::{self, Judgement, NewOpinion};
use crate::api::preview::{self, StackView};
use crate::api::priors::PriorView;
use crate::api::rerun::{self, Rerun};
use crate::api::study::{self, StudyView};
use crate::api::{ApiError, State, claims, views, worklist};
use crate::storage::analyses::AnalysisState;
use crate::storage::instances;

#[derive(Serialize)]
pub struct StudyPage {
    #[serde(flatten)]
    pub live: LivePart,
    pub stacks: Vec<StackView>,
    pub prior: Option<PriorPage>,
}

/// The earlier study that stands beside this one.
#[derive(Serialize)]
pub struct PriorPage {
    #[serde(flatten)]
    pub prior: PriorView,
    pub stacks: Vec<StackView>,
}

/// Which of them; without a word the first that can be compared.
#[derive(Deserialize)]
pub struct Beside {
    prior: Option<String>,
}

/// What changes while a study is looked at; its pictures are not read again for that.
#[derive(Serialize)]
pub struct LivePart {
    pub study: StudyView,
    pub gantt: Gantt,
    pub me: String,
    /// `YYYYMMDD`, as the images say.
    pub taken_on: Option<String>,
    /// Whether any model flags the study now: only then its marks are what to look at first.
    pub flagged: bool,
    /// Oldest first.
    pub opinions: Vec<Said>,
    /// Where the site's own viewer shows the study.
    pub viewer: Option<String>,
    /// The one after it on the worklist.
    pub next: Option<String>,
}

pub async fn show(
    state: Data<State>,
    id: Path<String>,
    beside: Query<Beside>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let (live, id) = load(&state, &id, &who).await?;
    let stacks = preview::load(&state, id).await?;
    let prior = match chosen(&live.study.priors, beside.prior.as_deref()) {
        Some(prior) => Some(PriorPage {
            stacks: preview::load(&state, prior.study_id).await?,
            prior: prior.clone(),
        }),
        None => None,
    };
    let shown = std::iter::once(id).chain(prior.iter().map(|prior| prior.prior.study_id));
    views::viewed(&state, &who, "study.view", shown.map(|id| id.to_string())).await?;
    let page = StudyPage { live, stacks, prior };
    templates::page(
        "study",
        "title-study",
        StatusCode::OK,
        &Frame::of(&state, &who),
        &page,
    )
}

fn chosen<'p>(priors: &'p [PriorView], wanted: Option<&str>) -> Option<&'p PriorView> {
    match wanted {
        Some(id) => priors.iter().find(|prior| prior.study_id.to_string() == id),
        None => priors.first().filter(|prior| prior.comparable),
    }
}

/// What changes on the page, for a screen that follows it.
pub async fn live(state: Data<State>, id: Path<String>, who: Principal) -> Result<HttpResponse, ApiError> {
    let (page, id) = load(&state, &id, &who).await?;
    views::viewed_again(&state, &who, "study.view", [id.to_string()]).await?;
    templates::page(
        "study_live",
        "title-study",
        StatusCode::OK,
        &Frame::of(&state, &who),
        &page,
    )
}

async fn load(state: &State, id: &str, who: &Principal) -> Result<(LivePart, StudyId), ApiError> {
    let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
    let study = study::load(state, id).await?;
    let part = LivePart {
        gantt: gantt::of(&study.timeline, &study.critical_path),
        me: who.name.clone(),
        taken_on: taken_on(state, id).await?,
        flagged: study.ai.iter().any(|ai| ai.state == AnalysisState::Flagged),
        opinions: said::of(&study.opinions, &study.ai, &who.name),
        viewer: state
            .settings
            .viewer
            .as_ref()
            .and_then(|viewer| viewer.of(&study.study_uid, study.accession.as_deref())),
        next: worklist::waiting(state)
            .await?
            .after(id)
            .map(|next| next.known.study.id.clone()),
        study,
    };
    Ok((part, id))
}

async fn taken_on(state: &State, id: StudyId) -> Result<Option<String>, ApiError> {
    let first = instances::first_of_study(state.store.read(), &id.to_string()).await?;
    let facts = first.as_ref().map(instances::facts_of).transpose()?;
    Ok(facts.and_then(|facts| facts.study_date))
}

/// The timeline as a spreadsheet reads it; the same rows as the page shows.
pub async fn timeline(
    state: Data<State>,
    id: Path<String>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
    let study = study::load(&state, id).await?;
    views::viewed(&state, &who, "study.export", [id.to_string()]).await?;
    Ok(gantt::sheet(&study.timeline).download("timeline.csv"))
}

#[derive(Deserialize)]
pub struct OpinionForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    result: String,
    #[serde(default)]
    finding: String,
    verdict: Option<Judgement>,
    #[serde(default)]
    reason: String,
}

pub async fn judge(
    state: Data<State>,
    id: Path<String>,
    form: Form<OpinionForm>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let form = form.into_inner();
    let opinion = NewOpinion {
        result_id: form.result.parse().map_err(|_| ApiError::NotFound("result"))?,
        finding: form.finding,
        verdict: form.verdict.ok_or_else(|| {
            ApiError::BadRequest("verdict: expected agree, disagree or indeterminate".into())
        })?,
        reason: Some(form.reason),
    };
    discussion::judge(&state, &who, &id, opinion).await?;
    Ok(go_to(&format!("/studies/{id}")))
}

#[derive(Deserialize)]
pub struct RerunForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    reason: String,
}

pub async fn rerun(
    state: Data<State>,
    id: Path<String>,
    form: Form<RerunForm>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    let form = form.into_inner();
    let wanted = Rerun {
        model: form.model,
        reason: form.reason,
    };
    rerun::again(&state, &who, &id, wanted).await?;
    Ok(go_to(&format!("/studies/{id}")))
}

#[derive(Deserialize)]
pub struct CommentForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    text: String,
}

pub async fn comment(
    state: Data<State>,
    id: Path<String>,
    form: Form<CommentForm>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    discussion::remark(&state, &who, &id, &form.text).await?;
    Ok(go_to(&format!("/studies/{id}")))
}

/// A button of the worklist leads back to the worklist, one of the study page to the study.
#[derive(Deserialize)]
pub struct Button {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    from: String,
}

impl Button {
    fn back(&self, id: &str) -> HttpResponse {
        if self.from == "worklist" {
            go_to("/")
        } else {
            go_to(&format!("/studies/{id}"))
        }
    }
}

pub async fn claim(
    state: Data<State>,
    id: Path<String>,
    button: Form<Button>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &button.csrf)?;
    let claim = claims::take(&state, &who, &id).await?;
    Ok(button.back(&claim.study_id.to_string()))
}

pub async fn release(
    state: Data<State>,
    id: Path<String>,
    button: Form<Button>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &button.csrf)?;
    let claim = claims::give_back(&state, &who, &id).await?;
    Ok(button.back(&claim.study_id.to_string()))
}
