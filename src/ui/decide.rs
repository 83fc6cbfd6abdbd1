//! The buttons with which a radiologist lets a result go, takes it back, or brings it back. Taking back is said twice: with a reason, and
//! with the model's name.

use actix_web::HttpResponse;
use actix_web::web::{Data, Form, Path};
use serde::Deserialize;
use tocsin_domain::ids::ResultId;

use super::frame::{go_to, sealed};
use crate::api::auth::Principal;
use crate::api::decide::{self, Decision};
use crate::api::{ApiError, State};

/// A button of a report leads back to the report.
#[derive(Deserialize)]
pub struct DecisionForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    result: String,
    #[serde(default)]
    reason: String,
    /// The model, as it is to be repeated, and as it was.
    #[serde(default)]
    model: String,
    #[serde(default)]
    repeated: String,
    #[serde(default)]
    from: String,
}

impl DecisionForm {
    fn result(&self) -> Result<ResultId, ApiError> {
        self.result.parse().map_err(|_| ApiError::NotFound("result"))
    }

    fn decision(&self) -> Result<Decision, ApiError> {
        Ok(Decision {
            result_id: self.result()?,
            reason: self.reason.clone(),
        })
    }

    fn back(&self, id: &str) -> HttpResponse {
        match self.from.as_str() {
            "report" => go_to(&format!("/studies/{id}/report")),
            _ => go_to(&format!("/studies/{id}")),
        }
    }
}

pub async fn withdraw(
    state: Data<State>,
    id: Path<String>,
    form: Form<DecisionForm>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    if form.repeated.trim() != form.model || form.model.is_empty() {
        return Err(ApiError::BadRequest(format!(
            "repeated: expected the name of the model whose result is taken back, {}",
            form.model
        )));
    }
    decide::withdraw(&state, &who, &id, form.decision()?).await?;
    Ok(form.back(&id))
}

pub async fn reinstate(
    state: Data<State>,
    id: Path<String>,
    form: Form<DecisionForm>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    decide::reinstate(&state, &who, &id, form.decision()?).await?;
    Ok(form.back(&id))
}

pub async fn let_go(
    state: Data<State>,
    id: Path<String>,
    form: Form<DecisionForm>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    sealed(&who, &form.csrf)?;
    decide::let_go(&state, &who, &id, form.result()?).await?;
    Ok(form.back(&id))
}
