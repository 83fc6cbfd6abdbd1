//! Rows and blobs: one file per aggregate, over SQLite and PostgreSQL alike. Knows no job and no network; whoever writes
//! does it through [`Store::write`], so that state, audit and follow-up work share one transaction.

pub mod accounts;
pub mod alerts;
pub mod analyses;
pub mod audit;
pub mod blobs;
pub mod changes;
pub mod comments;
pub mod connect;
pub mod deliveries;
pub mod document;
pub mod entity;
pub mod error;
pub mod instances;
pub mod jobs;
pub mod leases;
pub mod messages;
pub mod opinions;
pub mod orders;
pub mod outbox;
pub mod paces;
pub mod page;
pub mod patients;
pub mod people;
pub mod prior_searches;
pub mod priors;
pub mod reconciliation;
pub mod repeats;
pub mod replay;
pub mod reports;
pub mod results;
pub mod saved_views;
pub mod sessions;
pub mod signs;
pub mod store;
pub mod studies;
pub mod timeline;
pub mod traffic;
pub mod vendor_documents;
pub mod versions;
pub mod waiting;
pub mod withdrawals;

pub use error::StoreError;
pub use store::{Store, Tx};
