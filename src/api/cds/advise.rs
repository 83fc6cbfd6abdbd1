//! Answers a hook: loads what is known of the patient, lets the domain decide what is worth saying, and notes on the audit
//! chain who was told of which study before anything is told.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use chrono_tz::Tz;
use serde_json::json;
use std::collections::BTreeSet;
use tocsin_domain::advice::{self, Advice, KnownState, Recommended};
use tocsin_domain::clock::{Timestamp, from_micros};

use super::base;
use super::card::{Card, Indicator, plain};
use super::known::{self, Advised, Chart, Examination};
use super::request::{self, Asked, HookRequest, Unclear};
use super::services::Service;
use crate::api::auth::Principal;
use crate::api::error::{self, ApiError};
use crate::api::state::State;
use crate::api::views;
use crate::storage::alerts::{self, Pressing};
use crate::storage::entity::{alert, study};

/// Cards of one answer; whoever has more to read reads none.
const CARDS: usize = 10;
const UNCONFIRMED: &str = "Said by software. No radiologist has confirmed it.";

/// A card, and the study that it tells of.
struct Told {
    card: Card,
    study: Option<String>,
}

pub async fn post(
    state: Data<State>,
    http: HttpRequest,
    id: Path<String>,
    request: Json<HookRequest>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let service = Service::find(&id).ok_or(ApiError::NotFound("service"))?;
    let asked = match request::read(service, &request, &state.settings.cds.systems) {
        Ok(asked) => asked,
        Err(Unclear::Bad(what)) => return Err(ApiError::BadRequest(what)),
        Err(Unclear::NoPatient(what)) => {
            return Ok(error::told(StatusCode::PRECONDITION_FAILED, "no-patient", what));
        }
    };
    let chart = known::load(&state, &asked.identifiers).await?;
    let scene = Scene {
        state: &state,
        base: base(&state, http.headers()),
        asked: &asked,
        chart: &chart,
    };
    let mut told = match service {
        Service::CriticalResults => scene.critical().await?,
        Service::OrderSelect | Service::OrderSign => scene.orders()?,
    };
    told.truncate(CARDS);
    let studies: BTreeSet<&String> = told.iter().filter_map(|told| told.study.as_ref()).collect();
    let detail = json!({
        "service": service.id(),
        "hook_instance": asked.instance,
        "user": asked.user,
        "cards": told.len(),
        "studies": studies,
    });
    views::note(&state, &who, "cds.advice", "studies".to_owned(), detail).await?;
    let cards: Vec<Card> = told.into_iter().map(|told| told.card).collect();
    Ok(HttpResponse::Ok().json(json!({ "cards": cards })))
}

/// What cards are made from.
struct Scene<'a> {
    state: &'a State,
    base: String,
    asked: &'a Asked,
    chart: &'a Chart,
}

impl Scene<'_> {
    /// Alerts that nobody has acknowledged, on studies that no radiologist has read.
    async fn critical(&self) -> Result<Vec<Told>, ApiError> {
        let unread: Vec<&study::Model> = self
            .chart
            .studies
            .iter()
            .filter(|study| !known::is_read(study))
            .collect();
        let ids: Vec<String> = unread.iter().map(|study| study.id.clone()).collect();
        let alerts = alerts::of_studies(self.state.store.read(), &ids).await?;
        let pressing = alerts
            .iter()
            .filter(|alert| Pressing::of(&alert.status) == Pressing::Unanswered);
        let told = pressing.filter_map(|alert| {
            let study = unread.iter().find(|study| study.id == alert.study_id)?;
            Some(self.alerted(alert, study))
        });
        Ok(told.collect())
    }

    fn alerted(&self, alert: &alert::Model, study: &study::Model) -> Told {
        let content: serde_json::Value = serde_json::from_str(&alert.content).unwrap_or_default();
        let details = content["details"].as_array().cloned().unwrap_or_default();
        let mut lines: Vec<String> = details
            .iter()
            .filter_map(|line| Some(plain(line.as_str()?, 200)))
            .collect();
        lines.push(self.examined(&known::label(study), from_micros(study.arrived_at)));
        lines.push("Nobody has acknowledged the alert.".to_owned());
        if alert.result_id.is_some() {
            lines.push(UNCONFIRMED.to_owned());
        }
        let card = Card::new(
            self.asked.instance,
            &format!("alert:{}", alert.id),
            Indicator::Critical,
            &alert.title,
            &lines,
        );
        Told {
            card: card.leading_to(&self.base, &study.id),
            study: Some(study.id.clone()),
        }
    }

    fn orders(&self) -> Result<Vec<Told>, ApiError> {
        let (examinations, advised) = (self.chart.examinations()?, self.chart.advised()?);
        let known: Vec<_> = examinations.iter().map(|one| one.known.clone()).collect();
        let recommended: Vec<Recommended> = advised.iter().map(|one| one.recommended.clone()).collect();
        let advice = advice::advise(
            &recommended,
            &known,
            &self.asked.drafts,
            self.state.settings.cds.recent,
            self.state.now(),
        );
        let told = advice.into_iter().filter_map(|advice| match advice {
            Advice::Answered { recommended } => {
                Some(self.recommended(advised.get(recommended)?, "This order answers a recommendation"))
            }
            Advice::Open { recommended } => {
                Some(self.recommended(advised.get(recommended)?, "Recommended, and not ordered yet"))
            }
            Advice::Repeats { known } => Some(self.repeated(examinations.get(known)?)),
        });
        Ok(told.collect())
    }

    fn recommended(&self, advised: &Advised, how: &str) -> Told {
        let recommendation = &advised.recommendation;
        let lines = [
            plain(&recommendation.text, 500),
            self.examined(&advised.label, advised.recommended.at),
            format!("Source: {}", plain(&recommendation.citation, 300)),
            UNCONFIRMED.to_owned(),
        ];
        let card = Card::new(
            self.asked.instance,
            &format!("recommendation:{}:{}", advised.study, recommendation.rule),
            Indicator::Info,
            &format!("{how}: {}", recommendation.text),
            &lines,
        );
        Told {
            card: card.leading_to(&self.base, &advised.study),
            study: Some(advised.study.clone()),
        }
    }

    fn repeated(&self, examination: &Examination) -> Told {
        let how = match examination.known.state {
            KnownState::Ordered => "The same examination is ordered already",
            KnownState::Waits => "The same examination is done and waits to be read",
            KnownState::Read => "The same examination was done lately",
        };
        let about = format!(
            "known:{}:{}",
            examination.known.code,
            examination.known.at.timestamp()
        );
        let card = Card::new(
            self.asked.instance,
            &about,
            Indicator::Info,
            &format!("{how}: {}", examination.known.text),
            &[self.examined(&examination.known.text, examination.known.at)],
        );
        let card = match &examination.study {
            Some(study) => card.leading_to(&self.base, study),
            None => card,
        };
        Told {
            card,
            study: examination.study.clone(),
        }
    }

    fn examined(&self, label: &str, at: Timestamp) -> String {
        let zone: Tz = self.state.settings.time_zone;
        let at = at.with_timezone(&zone).format("%Y-%m-%d %H:%M");
        format!("Examination: {}, {at}", plain(label, 120))
    }
}
