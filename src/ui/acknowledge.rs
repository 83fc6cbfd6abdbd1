//! What a page's link leads to. Opening it shows the finding, without a patient, and changes nothing: mail scanners open
//! links. Pressing the button acknowledges, in the name of the person the page was sent to.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use serde::Serialize;
use tocsin_domain::alert::link_token::{self, Claim};
use tocsin_domain::audit::{ActorKind, Event, Outcome};
use tocsin_domain::clock::from_micros;

use super::frame::Frame;
use super::templates;
use crate::api::acknowledge::acknowledge;
use crate::api::{ApiError, State};
use crate::storage::alerts;
use crate::storage::entity::alert;

#[derive(Serialize)]
pub struct AcknowledgePage {
    pub headline: String,
    pub details: Vec<String>,
    pub notice: String,
    pub raised_at: String,
    pub recipient: String,
    /// Somebody can still take it over: it is neither acknowledged nor withdrawn.
    pub open: bool,
    pub acknowledged: Option<Acknowledged>,
}

#[derive(Serialize)]
pub struct Acknowledged {
    pub by: String,
    pub at: String,
}

/// What the alert says, as it was fixed when it was raised.
#[derive(serde::Deserialize)]
struct Content {
    headline: String,
    details: Vec<String>,
    notice: String,
}

pub async fn show(state: Data<State>, token: Path<String>) -> Result<HttpResponse, ApiError> {
    let claim = claim(&state, &token)?;
    let row = alerts::get(state.store.read(), claim.alert).await?;
    render(&state, &claim, row)
}

pub async fn submit(state: Data<State>, token: Path<String>) -> Result<HttpResponse, ApiError> {
    let claim = claim(&state, &token)?;
    let event = Event {
        actor: claim.recipient.clone(),
        actor_kind: ActorKind::Person,
        action: "alert.acknowledge".to_owned(),
        object: format!("alert:{}", claim.alert),
        site: state.settings.site.0.clone(),
        outcome: Outcome::Success,
        request_id: String::new(),
        detail: serde_json::json!({ "by": "link" }),
    };
    // Somebody else may have been first; the page then says who.
    match acknowledge(&state, claim.alert, claim.recipient.clone(), event).await {
        Ok(_) | Err(ApiError::Conflict(_)) => {}
        Err(error) => return Err(error),
    }
    let row = alerts::get(state.store.read(), claim.alert).await?;
    render(&state, &claim, row)
}

fn claim(state: &State, token: &str) -> Result<Claim, ApiError> {
    link_token::verify(&state.keys.link, token, state.now())
        .map_err(|error| ApiError::BadRequest(error.to_string()))
}

fn render(state: &State, claim: &Claim, row: alert::Model) -> Result<HttpResponse, ApiError> {
    let content: Content = serde_json::from_str(&row.content).map_err(|_| ApiError::Internal)?;
    let local = |micros| {
        from_micros(micros)
            .with_timezone(&state.settings.time_zone)
            .format("%H:%M:%S")
            .to_string()
    };
    let acknowledged = row
        .acknowledged_by
        .as_ref()
        .zip(row.acknowledged_at)
        .map(|(by, at)| Acknowledged {
            by: state.person(by).to_owned(),
            at: local(at),
        });
    let page = AcknowledgePage {
        headline: content.headline,
        details: content.details,
        notice: content.notice,
        raised_at: local(row.created_at),
        recipient: state.person(&claim.recipient).to_owned(),
        open: acknowledged.is_none() && row.status != "retracted",
        acknowledged,
    };
    let frame = Frame::anonymous(state);
    templates::page("acknowledge", "title-alert", StatusCode::OK, &frame, &page)
}
