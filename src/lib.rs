//! Tocsin: radiology worklist triage and clinical decision support.
//!
//! Orders arrive by HL7 and images by DICOM ([`ingest`]); background jobs ([`jobs`], [`pipeline`]) assemble studies, decide
//! which model may read them, run it ([`inference`], [`imaging`]), apply the rules and publish the outcome ([`report`],
//! [`deliver`], [`notify`]). State lives in rows ([`storage`]), people look through [`api`] and [`ui`].
//!
//! What decides is pure and lives in `tocsin-domain`; what is here loads facts, asks, and saves the answer together with
//! its audit row and its follow-up jobs in one transaction.

pub mod config;
pub mod telemetry;

pub use tocsin_imaging as imaging;
pub use tocsin_inference as inference;
pub use tocsin_report as report;
pub use tocsin_storage as storage;

pub mod jobs;

pub mod deliver;
pub mod notify;

pub mod ingest;
pub mod retrieve;

pub mod fhir;
pub mod pipeline;

pub mod api;
pub mod ui;

pub mod app;
pub mod cli;
