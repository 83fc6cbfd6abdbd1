//! Advice for EHRs (HL7 CDS Hooks 2.0): who opens a chart learns of a critical result that nobody has acknowledged, who
//! orders imaging learns what was recommended and what is there already. Answered from what is known here; asks nobody.

mod advise;
mod card;
pub mod cors;
pub mod feedback;
mod known;
pub mod request;
mod services;

use std::collections::BTreeMap;

use actix_web::http::header::{HOST, HeaderMap};
use actix_web::web::{self, ServiceConfig};
use chrono::TimeDelta;

use super::auth::ehr::Ehr;
use super::state::State;

/// Below it a token that an EHR signed is as good as one of ours.
pub const SERVICES: &str = "/cds-services/";

/// `[cds_hooks]` as far as requests read it.
#[derive(Clone, Debug, Default)]
pub struct CdsSettings {
    /// Web pages that may ask from within a browser.
    pub origins: Vec<String>,
    /// EHRs that sign what they ask.
    pub ehrs: Vec<Ehr>,
    /// Assigning authorities by the address that FHIR identifiers have as their system.
    pub systems: BTreeMap<String, String>,
    /// How old an examination may be to be told to whoever orders it again.
    pub recent: TimeDelta,
}

/// Where we are reached, as the configuration says it, or as the caller does on loopback.
pub fn base(state: &State, headers: &HeaderMap) -> String {
    let host = || {
        headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default()
    };
    match &state.settings.public_origin {
        Some(origin) => origin.clone(),
        None => format!("http://{}", host()),
    }
}

/// The addresses that a token for this path may be meant for; what is said of a service's cards belongs to the service.
pub fn audiences(base: &str, path: &str) -> Vec<String> {
    let service = path.strip_suffix("/feedback").unwrap_or(path);
    vec![format!("{base}{path}"), format!("{base}{service}")]
}

/// Registers what `routes::CDS` lists.
pub fn configure(config: &mut ServiceConfig) {
    config
        .route("/cds-services", web::get().to(services::discover))
        .route("/cds-services/{id}", web::post().to(advise::post))
        .route("/cds-services/{id}/feedback", web::post().to(feedback::post));
}
