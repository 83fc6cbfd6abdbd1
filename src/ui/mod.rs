//! Pages, rendered on the server from strict templates. They show what the API shows and decide nothing.

mod acknowledge;
mod pages;
mod sign_in;
mod templates;

use actix_web::web::{self, ServiceConfig};

/// Registers the pages.
pub fn configure(config: &mut ServiceConfig) {
    config
        .route("/a/{token}", web::get().to(acknowledge::show))
        .route("/a/{token}", web::post().to(acknowledge::submit))
        .route("/sign-in", web::get().to(sign_in::show))
        .route("/sign-in", web::post().to(sign_in::submit))
        .route("/assets/{hash}/{file}", web::get().to(templates::asset))
        .route("/", web::get().to(pages::worklist))
        .route("/studies/{id}", web::get().to(pages::study));
}
