//! JSON under `/api/v1`, health and metrics. Handlers load rows, show them and write what people decided, each with its
//! audit entry in the same transaction; they compute nothing that the domain decides.

pub mod ai;
pub mod auth;
pub mod error;
mod headers;
pub mod health;
pub mod page;
pub mod patient;
pub mod routes;
mod server;
mod state;
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
        .route("/api/v1/worklist", web::get().to(worklist::list));
}
