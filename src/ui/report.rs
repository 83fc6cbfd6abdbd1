//! What a result says to others, before and after it was sent: one form at a time, each under an address of its own, and
//! each as a file.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Data, Path, Query};
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::ResultId;

use super::frame::Frame;
use super::segments::{self, Segment};
use super::templates;
use crate::api::auth::Principal;
use crate::api::report::{self, Kind, ReportView, Which};
use crate::api::{ApiError, State};
use crate::report::fhir;

/// The form that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    #[default]
    Narrative,
    Structured,
    Sr,
    Hl7,
    Fhir,
}

impl Form {
    pub const ALL: [Self; 5] = [Self::Narrative, Self::Structured, Self::Sr, Self::Hl7, Self::Fhir];
}

#[derive(Deserialize)]
pub struct Look {
    #[serde(rename = "as", default)]
    form: Form,
    result: Option<ResultId>,
}

#[derive(Serialize)]
pub struct ReportPage {
    #[serde(flatten)]
    pub view: ReportView,
    pub form: Form,
    pub forms: [Form; 5],
    pub segments: Vec<Segment>,
    pub answer: Vec<Segment>,
    /// As it is saved, for reading.
    pub bundle: Option<String>,
}

pub async fn show(
    state: Data<State>,
    id: Path<String>,
    look: Query<Look>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let view = report::load(&state, &who, &id, look.result).await?;
    let shown = view.report.as_ref();
    let message = shown.and_then(|report| report.message.content.as_ref());
    let answer = message.and_then(|message| message.answer.as_deref());
    let bundle = shown.and_then(|report| report.fhir.content.as_ref());
    let page = ReportPage {
        segments: message
            .map(|message| segments::of(&message.text))
            .unwrap_or_default(),
        answer: answer.map(segments::of).unwrap_or_default(),
        bundle: bundle.map(fhir::pretty),
        view,
        form: look.form,
        forms: Form::ALL,
    };
    templates::page(
        "report",
        "title-report",
        StatusCode::OK,
        &Frame::of(&state, &who),
        &page,
    )
}

pub async fn sr(
    state: Data<State>,
    id: Path<String>,
    which: Query<Which>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    saved(&state, &who, &id, &which, Kind::StructuredReport).await
}

pub async fn oru(
    state: Data<State>,
    id: Path<String>,
    which: Query<Which>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    saved(&state, &who, &id, &which, Kind::Message).await
}

pub async fn fhir(
    state: Data<State>,
    id: Path<String>,
    which: Query<Which>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    saved(&state, &who, &id, &which, Kind::Fhir).await
}

async fn saved(
    state: &State,
    who: &Principal,
    id: &str,
    which: &Which,
    kind: Kind,
) -> Result<HttpResponse, ApiError> {
    let file = report::file(state, who, id, which.result, kind).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, file.media_type))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", file.name),
        ))
        .body(file.bytes))
}
