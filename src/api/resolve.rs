//! A person decides which order a study belongs to, or that it has none. What was held for it goes out, in the same
//! transaction as the decision and its audit entry.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::{OrderId, SiteId, StudyId};
use tocsin_domain::order::OrderState;

use super::auth::Principal;
use super::error::ApiError;
use super::reconciliation::{other_patient, patient_of};
use super::state::State;
use crate::storage::entity::{imaging_order, study};
use crate::storage::reconciliation::{self, Decision};
use crate::storage::{audit, orders, patients, studies};

/// The decision: exactly one of the three.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = exactly_one()))]
pub struct Resolution {
    /// The id of the order, as the list of candidates gives it.
    #[serde(default)]
    pub order_id: Option<String>,
    /// The accession number of the order, where only one order has it.
    #[serde(default)]
    pub accession: Option<String>,
    /// `true`: the order with that accession number, although it is cancelled or of another patient.
    #[serde(default)]
    pub nevertheless: bool,
    /// `true`: no order that is known here is this study's.
    #[serde(default)]
    pub no_order: bool,
}

/// An order by one of its names, or that there is none.
fn exactly_one() -> serde_json::Value {
    let only = |named: &str, value: serde_json::Value| {
        let mut properties = serde_json::json!({
            "order_id": { "type": "null" }, "accession": { "type": "null" }, "no_order": { "const": false },
        });
        properties[named] = value;
        serde_json::json!({ "required": [named], "properties": properties })
    };
    serde_json::json!([
        only(
            "order_id",
            serde_json::json!({ "type": "string", "format": "uuid" })
        ),
        only(
            "accession",
            serde_json::json!({ "type": "string", "pattern": r"\S" })
        ),
        only("no_order", serde_json::json!({ "const": true })),
    ])
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ResolvedView {
    pub study_id: StudyId,
    pub link: String,
    pub detail: String,
    pub order_id: Option<String>,
    pub resolved_by: String,
    /// Deliveries that were held and are on their way now.
    pub released: usize,
}

/// What was asked for, before an accession number is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Order(String),
    Accession(String),
    NoOrder,
}

impl Resolution {
    fn wanted(&self) -> Result<Wanted, ApiError> {
        let given = |text: &Option<String>| {
            text.as_deref()
                .map(str::trim)
                .filter(|t| !t.is_empty())
                .map(str::to_owned)
        };
        match (given(&self.order_id), given(&self.accession), self.no_order) {
            (Some(order), None, false) => match order.parse::<OrderId>() {
                Ok(id) => Ok(Wanted::Order(id.to_string())),
                Err(_) => Err(ApiError::BadRequest(
                    "order_id: expected the id of an order as the list of candidates gives it".into(),
                )),
            },
            (None, Some(accession), false) => Ok(Wanted::Accession(accession)),
            (None, None, true) => Ok(Wanted::NoOrder),
            _ => Err(ApiError::BadRequest(
                "body: expected exactly one of order_id, accession and no_order: true".into(),
            )),
        }
    }
}

pub async fn post(
    state: Data<State>,
    id: Path<String>,
    wanted: Json<Resolution>,
    who: Principal,
) -> Result<Json<ResolvedView>, ApiError> {
    Ok(Json(resolve(&state, &who, &id, &wanted).await?))
}

pub async fn resolve(
    state: &State,
    who: &Principal,
    id: &str,
    resolution: &Resolution,
) -> Result<ResolvedView, ApiError> {
    let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
    let decision = decision(state, id, resolution.wanted()?, resolution.nevertheless).await?;
    let detail = match &decision {
        Decision::Order(order) => serde_json::json!({ "order": order }),
        Decision::NoOrder => serde_json::json!({ "order": null }),
    };
    let event = who.did(
        "reconciliation.resolve",
        format!("study:{id}"),
        &state.settings.site.0,
        detail,
    );
    let by = who.name.clone();
    let done = state
        .store
        .write_first(move |tx| {
            Box::pin(async move {
                let done = reconciliation::resolve(tx, id, &decision, &by).await?;
                audit::record(tx, event).await?;
                Ok(done)
            })
        })
        .await?;
    Ok(ResolvedView {
        study_id: id,
        link: done.study.link,
        detail: done.study.link_detail.unwrap_or_default(),
        order_id: done.study.order_id,
        resolved_by: done.study.link_resolved_by.unwrap_or_default(),
        released: done.released,
    })
}

async fn decision(
    state: &State,
    id: StudyId,
    wanted: Wanted,
    nevertheless: bool,
) -> Result<Decision, ApiError> {
    let accession = match wanted {
        Wanted::Order(order) => return Ok(Decision::Order(order)),
        Wanted::NoOrder => return Ok(Decision::NoOrder),
        Wanted::Accession(accession) => accession,
    };
    let conn = state.store.read();
    let study = studies::get(conn, id).await?;
    let site = SiteId(study.site.clone());
    let mut found = orders::suggested(conn, &site, None, Some(&accession), 2).await?;
    match (found.pop(), found.len()) {
        (Some(only), 0) => match doubt(state, &study, &only).await?.filter(|_| !nevertheless) {
            Some(doubt) => Err(ApiError::Conflict(format!(
                "accession: that order {doubt}; say so (`nevertheless`) to link it all the same"
            ))),
            None => Ok(Decision::Order(only.id)),
        },
        (Some(_), _) => Err(ApiError::Conflict(
            "accession: several orders have this number; expected order_id".into(),
        )),
        (None, _) => Err(ApiError::NotFound("order with this accession number")),
    }
}

/// What speaks against an order whose number was typed: nobody saw it in a list.
async fn doubt(
    state: &State,
    study: &study::Model,
    order: &imaging_order::Model,
) -> Result<Option<&'static str>, ApiError> {
    if orders::record_of(order)?.state == OrderState::Cancelled {
        return Ok(Some("is cancelled"));
    }
    let conn = state.store.read();
    let imaged = patients::imaged(conn, study, &state.settings.default_authority).await?;
    let whose = patient_of(state, order).await?;
    let other = other_patient(imaged.as_ref(), whose.as_ref());
    Ok(other.then_some("is of another patient than the images"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_says_exactly_one_thing() {
        let order = uuid::Uuid::from_u128(7).to_string();
        let of = |order_id: Option<&str>, accession: Option<&str>, no_order| {
            Resolution {
                order_id: order_id.map(str::to_owned),
                accession: accession.map(str::to_owned),
                no_order,
                nevertheless: false,
            }
            .wanted()
        };
        assert_eq!(of(Some(&order), None, false), Ok(Wanted::Order(order.clone())));
        assert_eq!(
            of(Some(""), Some(" A1 "), false),
            Ok(Wanted::Accession("A1".into()))
        );
        assert_eq!(of(None, None, true), Ok(Wanted::NoOrder));
        assert!(of(None, None, false).is_err());
        assert!(of(Some(&order), None, true).is_err());
        assert!(of(Some("7"), None, false).is_err());
    }
}
