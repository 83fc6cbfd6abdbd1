//! JSON under `/api/v1`, health and metrics. Handlers load rows, show them and write what people decided, each with its
//! audit entry in the same transaction; they compute nothing that the domain decides.

pub mod acknowledge;
pub mod ai;
pub mod alerts;
pub mod auth;
pub mod error;
mod headers;
pub mod health;
pub mod messages;
pub mod page;
pub mod patient;
pub mod routes;
mod server;
mod state;
pub mod study;
pub mod views;
pub mod worklist;

use actix_web::web::{self, ServiceConfig};

pub use error::ApiError;
pub use health::Health;
pub use server::{app, server};
pub use state::{Keys, Limits, Settings, State};

/// Registers what `routes::API` lists.
pub fn configure(config: &mut ServiceConfig) {
    config
        .route("/healthz", web::get().to(health::healthz))
        .route("/readyz", web::get().to(health::readyz))
        .route("/metrics", web::get().to(health::metrics))
        .route("/api/v1/worklist", web::get().to(worklist::list))
        .route("/api/v1/studies/{id}", web::get().to(study::get))
        .route("/api/v1/alerts", web::get().to(alerts::list))
        .route(
            "/api/v1/alerts/{id}/acknowledge",
            web::post().to(acknowledge::post),
        )
        .route("/api/v1/messages", web::get().to(messages::list))
        .route("/api/v1/messages/{id}", web::get().to(messages::raw));
}
