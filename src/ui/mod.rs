//! Pages, rendered on the server from strict templates. They show what the API shows and decide nothing.

mod account;
mod acknowledge;
mod alerts;
mod assets;
mod axis;
#[cfg(test)]
mod catalogue;
mod choices;
mod connections;
mod decide;
mod deliveries;
mod demo;
mod edit;
mod errors;
mod failures;
mod frame;
mod gantt;
mod helpers;
mod invite;
mod kept;
mod messages;
mod oidc;
mod people;
mod persons;
mod prove;
mod quality;
mod quarantine;
#[cfg(test)]
mod read_html;
mod reconciliation;
#[cfg(test)]
mod rendered;
mod report;
mod said;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod samples_exchange;
#[cfg(test)]
mod samples_people;
#[cfg(test)]
mod samples_report;
#[cfg(test)]
mod samples_study;
mod segments;
mod session;
mod setup;
mod sheet;
mod sign_in;
mod site_profiles;
mod start;
mod study;
pub mod templates;
mod tokens;
mod wording;
mod worklist;

use actix_web::web::{self, ServiceConfig};

use crate::api::Pages;

/// What the server needs to know of the pages.
pub const PAGES: Pages = Pages {
    configure,
    error: errors::page,
};

/// Registers what `routes::PAGES` lists.
pub fn configure(config: &mut ServiceConfig) {
    config
        .route("/a/{token}", web::get().to(acknowledge::show))
        .route("/a/{token}", web::post().to(acknowledge::submit))
        .route("/sign-in", web::get().to(sign_in::show))
        .route("/sign-in", web::post().to(sign_in::submit))
        .route("/sign-out", web::post().to(sign_in::leave))
        .route("/setup", web::get().to(setup::show))
        .route("/setup", web::post().to(setup::submit))
        .route("/account", web::get().to(account::show))
        .route("/account/factor", web::post().to(account::factor))
        .route("/assets/{hash}/{file}", web::get().to(assets::get))
        .route("/", web::get().to(worklist::show))
        .route("/worklist", web::get().to(worklist::show))
        .route("/worklist.csv", web::get().to(worklist::sheet))
        .route("/worklist/rows", web::get().to(worklist::rows))
        .route("/worklist/search", web::post().to(worklist::search))
        .route("/worklist/views", web::post().to(worklist::view))
        .route("/worklist/wall", web::get().to(worklist::wall))
        .route("/studies/{id}", web::get().to(study::show))
        .route("/studies/{id}/live", web::get().to(study::live))
        .route("/studies/{id}/timeline.csv", web::get().to(study::timeline))
        .route("/studies/{id}/claim", web::post().to(study::claim))
        .route("/studies/{id}/release", web::post().to(study::release))
        .route("/studies/{id}/rerun", web::post().to(study::rerun))
        .route("/studies/{id}/withdraw", web::post().to(decide::withdraw))
        .route("/studies/{id}/reinstate", web::post().to(decide::reinstate))
        .route("/studies/{id}/let-go", web::post().to(decide::let_go))
        .route("/studies/{id}/repeat", web::post().to(quality::act))
        .route("/studies/{id}/opinions", web::post().to(study::judge))
        .route("/studies/{id}/comments", web::post().to(study::comment))
        .configure(for_reports)
        .configure(for_repairs)
        .configure(for_identity);
}

/// Who somebody is, and who may come in.
fn for_identity(config: &mut ServiceConfig) {
    config
        .route("/sign-in/oidc", web::get().to(oidc::enter))
        .route("/sign-in/oidc/callback", web::get().to(oidc::arrived))
        .route("/prove", web::get().to(prove::show))
        .route("/prove", web::post().to(prove::submit))
        .route("/prove/oidc", web::get().to(oidc::prove))
        .route("/session", web::get().to(session::get))
        .route("/session/act", web::post().to(session::act))
        .route("/lock", web::post().to(prove::lock))
        .route("/invite/{token}", web::get().to(invite::show))
        .route("/invite/{token}", web::post().to(invite::submit))
        .route("/people", web::get().to(people::list))
        .route("/people", web::post().to(people::create))
        .route("/people/{id}/change", web::post().to(people::change))
        .route("/tokens", web::get().to(tokens::list))
        .route("/tokens", web::post().to(tokens::create))
        .route("/tokens/{id}/revoke", web::post().to(tokens::revoke));
}

fn for_reports(config: &mut ServiceConfig) {
    config
        .route("/studies/{id}/report", web::get().to(report::show))
        .route("/studies/{id}/report/sr.dcm", web::get().to(report::sr))
        .route("/studies/{id}/report/oru.hl7", web::get().to(report::oru))
        .route("/studies/{id}/report/fhir.json", web::get().to(report::fhir));
}

fn for_repairs(config: &mut ServiceConfig) {
    config
        .route("/quality", web::get().to(quality::list))
        .route("/connections", web::get().to(connections::list))
        .route("/connections/{id}/check", web::post().to(connections::check))
        .route(
            "/connections/{id}/test-message",
            web::post().to(connections::test_message),
        )
        .route("/connections/{id}/pause", web::post().to(connections::pause))
        .route("/connections/{id}/resume", web::post().to(connections::resume))
        .route("/profiles", web::get().to(site_profiles::list))
        .route("/profiles/{id}", web::get().to(site_profiles::show))
        .route("/profiles/{id}", web::post().to(site_profiles::read))
        .route("/start", web::get().to(start::show))
        .route("/start/test-page", web::post().to(start::test_page))
        .route("/demo/role", web::post().to(demo::role))
        .route("/alerts", web::get().to(alerts::list))
        .route("/alerts/{id}/acknowledge", web::post().to(alerts::acknowledge))
        .route("/alerts/{id}/release", web::post().to(alerts::release))
        .route("/messages", web::get().to(messages::list))
        .route("/messages", web::post().to(messages::search))
        .route("/messages/failures", web::get().to(failures::list))
        .route("/messages/failures", web::post().to(failures::replay))
        .route("/messages/{id}", web::get().to(messages::show))
        .route("/messages/{id}/replay", web::post().to(messages::replay))
        .route("/messages/{id}/edit", web::get().to(edit::show))
        .route("/messages/{id}/edit", web::post().to(edit::submit))
        .route("/reconciliation", web::get().to(reconciliation::list))
        .route(
            "/reconciliation/{id}/resolve",
            web::post().to(reconciliation::resolve),
        )
        .route("/quarantine", web::get().to(quarantine::list))
        .route("/quarantine/{id}/dismiss", web::post().to(quarantine::dismiss))
        .route("/deliveries", web::get().to(deliveries::list))
        .route("/deliveries/{id}/retry", web::post().to(deliveries::retry));
}
