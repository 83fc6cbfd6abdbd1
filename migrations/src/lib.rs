//! Schema of the database, for SQLite and PostgreSQL alike. Every migration opens with its reason, can be undone, and is
//! written with the schema builder, so that neither database is second.
//!
//! Conventions: ids are UUIDs as text; instants are microseconds since 1970 UTC in a `bigint`; documents are JSON as
//! text; bytes are blobs. All three read the same on both databases.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod columns;
mod m20261124_000001_intake;
mod m20261124_000002_analysis;
mod m20261124_000003_outbound;
mod m20261124_000004_operations;
mod m20261127_000005_deaths;
mod m20261127_000006_quarantine_resolution;
mod m20261127_000007_desk;
mod m20261127_000008_identity;
mod m20261127_000009_quality;
mod m20261127_000010_priors;
mod m20261127_000020_heat_map;
mod m20261128_000021_patient_number;
mod m20261128_000022_traces;
mod m20261128_000023_pauses;
mod m20261128_000025_dicom_keys;
mod m20261128_000030_fhir;
mod m20261128_000035_reading;
mod m20261128_000036_ehr_token;
mod m20261128_000037_card_feedback;
mod m20261128_000050_commitment;
mod m20261128_000055_announcements;
mod m20261128_000056_worklist_poll;
mod m20261128_000060_vendor_document;
mod m20261128_000065_application_answer;
mod m20261128_000070_lookups;
mod m20261128_000070_message_edit;
mod m20261128_000070_result_hold;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261124_000001_intake::Migration),
            Box::new(m20261124_000002_analysis::Migration),
            Box::new(m20261124_000003_outbound::Migration),
            Box::new(m20261124_000004_operations::Migration),
            Box::new(m20261127_000005_deaths::Migration),
            Box::new(m20261127_000006_quarantine_resolution::Migration),
            Box::new(m20261127_000007_desk::Migration),
            Box::new(m20261127_000008_identity::Migration),
            Box::new(m20261127_000009_quality::Migration),
            Box::new(m20261127_000010_priors::Migration),
            Box::new(m20261127_000020_heat_map::Migration),
            Box::new(m20261128_000021_patient_number::Migration),
            Box::new(m20261128_000022_traces::Migration),
            Box::new(m20261128_000065_application_answer::Migration),
            Box::new(m20261128_000023_pauses::Migration),
            Box::new(m20261128_000050_commitment::Migration),
            Box::new(m20261128_000055_announcements::Migration),
            Box::new(m20261128_000056_worklist_poll::Migration),
            Box::new(m20261128_000035_reading::Migration),
            Box::new(m20261128_000036_ehr_token::Migration),
            Box::new(m20261128_000037_card_feedback::Migration),
            Box::new(m20261128_000030_fhir::Migration),
            Box::new(m20261128_000025_dicom_keys::Migration),
            Box::new(m20261128_000060_vendor_document::Migration),
            Box::new(m20261128_000070_lookups::Migration),
            Box::new(m20261128_000070_message_edit::Migration),
            Box::new(m20261128_000070_result_hold::Migration),
        ]
    }
}
