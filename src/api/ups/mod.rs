//! The reading worklist for programs that speak UPS-RS (PS3.18 section 11). Each study that waits is a work item, its state
//! is the same claim that the desk shows, and nothing here takes a study off the list: its report does.

mod answer;
mod change;
mod item;
mod keys;
mod search;

use actix_web::web::{self, ServiceConfig};

pub use keys::matched;

/// Registers what `routes::UPS` lists.
pub fn configure(config: &mut ServiceConfig) {
    config
        .route("/ups-rs/workitems", web::get().to(search::get))
        .route("/ups-rs/workitems", web::post().to(change::create))
        .route("/ups-rs/workitems/{id}", web::get().to(item::get))
        .route("/ups-rs/workitems/{id}", web::post().to(change::update))
        .route("/ups-rs/workitems/{id}/state", web::put().to(change::state))
        .route(
            "/ups-rs/workitems/{id}/cancelrequest",
            web::post().to(change::cancel_request),
        );
}
