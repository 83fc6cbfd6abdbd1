//! JSON under `/api/v1`, health and metrics. Handlers load rows, show them and write what people decided, each with its
//! audit entry in the same transaction; they compute nothing that the domain decides.

pub mod acknowledge;
pub mod ai;
pub mod alerts;
pub mod announced;
pub mod associations;
pub mod audit;
pub mod auth;
pub mod cds;
pub mod claims;
pub mod connections;
pub mod decide;
pub mod deliveries;
pub mod described;
pub mod dicomweb;
pub mod discussion;
pub mod edit;
pub mod error;
pub mod failures;
mod faring;
pub mod fhir;
mod follow;
pub mod found;
mod headers;
pub mod health;
pub mod live;
pub mod messages;
mod metrics;
pub mod openapi;
pub mod page;
pub mod patient;
pub mod pauses;
pub mod people;
pub mod preview;
pub mod priors;
pub mod quality;
pub mod quarantine;
pub mod reconciliation;
pub mod release;
pub mod replay;
pub mod replay_many;
mod replay_preview;
pub mod report;
pub mod rerun;
pub mod resolve;
pub mod routes;
pub mod schema_files;
mod server;
pub mod site_profiles;
pub mod start;
mod state;
pub mod study;
pub mod tokens;
pub mod ups;
pub mod versions;
pub mod views;
pub mod waiting;
mod words;
pub mod worklist;
pub mod worklist_query;

use actix_web::web::{self, ServiceConfig};

pub use error::ApiError;
pub use health::Health;
pub use server::{Pages, app, server};
pub use state::{Keys, Limits, Ports, Settings, State, Templates};

/// Registers what `routes::API` and `routes::DICOMWEB` list.
pub fn configure(config: &mut ServiceConfig) {
    config
        .route("/healthz", web::get().to(health::healthz))
        .route("/readyz", web::get().to(health::readyz))
        .route("/metrics", web::get().to(metrics::get))
        .route("/api/v1/worklist", web::get().to(worklist::list))
        .route("/api/v1/studies", web::get().to(found::list))
        .route("/api/v1/studies/{id}", web::get().to(study::get))
        .route("/api/v1/studies/{id}/report", web::get().to(report::get))
        .route("/api/v1/studies/{id}/stacks", web::get().to(preview::stacks))
        .route(
            "/api/v1/studies/{id}/images/{instance}/{frame}",
            web::get().to(preview::image),
        )
        .route(
            "/api/v1/studies/{id}/marks/{result}/{slice}",
            web::get().to(preview::marks),
        )
        .route(
            "/api/v1/studies/{id}/heat/{result}/{slice}",
            web::get().to(preview::heat),
        )
        .route(
            "/api/v1/studies/{id}/opinions",
            web::post().to(discussion::post_opinion),
        )
        .route(
            "/api/v1/studies/{id}/comments",
            web::post().to(discussion::post_comment),
        )
        .route("/api/v1/studies/{id}/rerun", web::post().to(rerun::post))
        .route("/api/v1/studies/{id}/repeat", web::post().to(quality::post))
        .route("/api/v1/quality", web::get().to(quality::list))
        .route("/api/v1/start", web::get().to(start::list))
        .route("/api/v1/start/test-page", web::post().to(start::post))
        .route("/live", web::get().to(live::stream))
        .route("/api/v1/alerts", web::get().to(alerts::list))
        .route(
            "/api/v1/alerts/{id}/acknowledge",
            web::post().to(acknowledge::post),
        )
        .route("/api/v1/alerts/{id}/release", web::post().to(release::post))
        .route("/api/v1/associations", web::get().to(associations::list))
        .configure(for_interfaces)
        .configure(fhir::configure)
        .configure(for_repairs)
        .configure(for_administration)
        .configure(ups::configure)
        .configure(cds::configure)
        .configure(dicomweb::configure);
}

/// What the engineer of the interfaces works with.
fn for_interfaces(config: &mut ServiceConfig) {
    config
        .route("/api/v1/connections", web::get().to(connections::list))
        .route(
            "/api/v1/connections/{id}/check",
            web::post().to(connections::post),
        )
        .route(
            "/api/v1/connections/{id}/test-message",
            web::post().to(connections::test_message),
        )
        .route("/api/v1/connections/{id}/pause", web::post().to(pauses::pause))
        .route("/api/v1/connections/{id}/resume", web::post().to(pauses::resume))
        .route("/api/v1/site-profiles", web::get().to(site_profiles::list))
        .route("/api/v1/site-profiles/{id}", web::get().to(site_profiles::get))
        .route(
            "/api/v1/site-profiles/{id}/read",
            web::post().to(site_profiles::post),
        )
        .route("/api/v1/messages", web::get().to(messages::list))
        .route("/api/v1/messages/failures", web::get().to(failures::list))
        .route("/api/v1/messages/replays", web::post().to(replay_many::post))
        .route("/api/v1/messages/{id}", web::get().to(messages::raw))
        .route("/api/v1/messages/{id}/replay", web::post().to(replay::post))
        .route("/api/v1/messages/{id}/edit", web::get().to(edit::get))
        .route("/api/v1/messages/{id}/edit", web::post().to(edit::post));
}

/// What people put right.
fn for_repairs(config: &mut ServiceConfig) {
    config
        .route(
            "/api/v1/studies/{id}/withdraw",
            web::post().to(decide::post_withdraw),
        )
        .route(
            "/api/v1/studies/{id}/reinstate",
            web::post().to(decide::post_reinstate),
        )
        .route("/api/v1/studies/{id}/let-go", web::post().to(decide::post_let_go))
        .route("/api/v1/studies/{id}/claim", web::post().to(claims::claim))
        .route("/api/v1/studies/{id}/release", web::post().to(claims::release))
        .route("/api/v1/reconciliation", web::get().to(reconciliation::list))
        .route(
            "/api/v1/reconciliation/{id}/resolve",
            web::post().to(resolve::post),
        )
        .route("/api/v1/quarantine", web::get().to(quarantine::list))
        .route(
            "/api/v1/quarantine/{id}/dismiss",
            web::post().to(quarantine::dismiss),
        )
        .route("/api/v1/deliveries", web::get().to(deliveries::list))
        .route("/api/v1/deliveries/{id}/retry", web::post().to(deliveries::retry));
}

/// What is in force, and who may ask.
fn for_administration(config: &mut ServiceConfig) {
    config
        .route("/api/openapi.json", web::get().to(openapi::get))
        .route("/api/v1/models", web::get().to(versions::models))
        .route("/api/v1/rules", web::get().to(versions::rules))
        .route("/api/v1/audit/head", web::get().to(audit::head))
        .route("/api/v1/tokens", web::get().to(tokens::list))
        .route("/api/v1/tokens", web::post().to(tokens::create))
        .route("/api/v1/tokens/{id}/revoke", web::post().to(tokens::revoke))
        .route("/api/v1/people", web::get().to(people::list))
        .route("/api/v1/people", web::post().to(people::create))
        .route("/api/v1/people/{id}/change", web::post().to(people::change));
}
