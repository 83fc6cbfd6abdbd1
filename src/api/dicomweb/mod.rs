//! DICOMweb (PS3.18): QIDO-RS, WADO-RS and STOW-RS under `/dicom-web`. Headers and pixels come from the stored files; whole studies
//! are never held. What a client asks for is never logged: it names patients.

mod answer;
mod asked;
mod body;
mod bulk;
mod candidate;
mod frames;
mod metadata;
mod rendered;
mod retrieve;
mod search;
pub mod store;
mod target;

use actix_web::web::{self, ServiceConfig};

pub use answer::JSON;
pub use asked::MOST;
pub use store::{ImageStore, Stored, Storing};

/// Registers what `routes::DICOMWEB` lists.
pub fn configure(config: &mut ServiceConfig) {
    config
        .route("/dicom-web/studies", web::get().to(search::studies))
        .route("/dicom-web/series", web::get().to(search::series))
        .route("/dicom-web/instances", web::get().to(search::instances))
        .route("/dicom-web/studies/{study}/series", web::get().to(search::series))
        .route(
            "/dicom-web/studies/{study}/instances",
            web::get().to(search::instances),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances",
            web::get().to(search::instances),
        )
        .route("/dicom-web/studies/{study}", web::get().to(retrieve::get))
        .route(
            "/dicom-web/studies/{study}/metadata",
            web::get().to(metadata::get),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}",
            web::get().to(retrieve::get),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}/metadata",
            web::get().to(metadata::get),
        )
        .configure(of_instances)
        .route("/dicom-web/studies", web::post().to(store::post))
        .route("/dicom-web/studies/{study}", web::post().to(store::post));
}

fn of_instances(config: &mut ServiceConfig) {
    config
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}",
            web::get().to(retrieve::get),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/metadata",
            web::get().to(metadata::get),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
            web::get().to(frames::get),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
            web::get().to(rendered::get),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/rendered",
            web::get().to(rendered::get),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/bulkdata/{path}",
            web::get().to(bulk::get),
        );
}
