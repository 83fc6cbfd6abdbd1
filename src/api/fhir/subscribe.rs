//! Subscriptions made and ended, each with its audit entry in the same transaction.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::{answer, writable};
use crate::api::auth::Principal;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::fhir::{Kind, subscription};
use crate::storage::{audit, subscriptions};

pub async fn create(
    state: Data<State>,
    request: HttpRequest,
    who: Principal,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    writable(&request)?;
    let body = body.map_err(|_| ApiError::TooLarge)?;
    let body: Value = serde_json::from_slice(&body)
        .map_err(|error| ApiError::BadRequest(format!("body: expected a Subscription in JSON: {error}")))?;
    let new = subscription::read(&state.fhir, &body, &who.name, state.now())
        .map_err(|refusal| ApiError::BadRequest(refusal.to_string()))?;
    let site = state.settings.site.0.clone();
    let row = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let detail =
                    json!({ "receiver": new.receiver, "criteria": new.criteria, "payload": new.payload });
                let row = subscriptions::create(tx, new).await?;
                let object = format!("{}:{}", Kind::Subscription.name(), row.id);
                audit::record(tx, who.did("fhir.subscribe", object, &site, detail)).await?;
                Ok(row)
            })
        })
        .await?;
    let entry = subscription::render(&state.fhir, &row, state.now());
    let mut response = answer(StatusCode::CREATED, &entry.resource);
    if let Ok(place) = state.fhir.address(Kind::Subscription, &row.id).try_into() {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

pub async fn end(state: Data<State>, request: HttpRequest, who: Principal) -> Result<HttpResponse, ApiError> {
    let id = request.match_info().get("id").unwrap_or_default().to_owned();
    let site = state.settings.site.0.clone();
    let ended = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let ended = subscriptions::delete(tx, &id).await?;
                if ended.is_some() {
                    let object = format!("{}:{id}", Kind::Subscription.name());
                    audit::record(tx, who.did("fhir.unsubscribe", object, &site, json!({}))).await?;
                }
                Ok(ended)
            })
        })
        .await?;
    match ended {
        Some(_) => Ok(HttpResponse::NoContent().finish()),
        None => Err(ApiError::NotFound("subscription")),
    }
}
