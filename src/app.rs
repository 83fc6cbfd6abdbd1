//! Wiring: the only place that names every module. Starts what a configuration asks for, in the order in which it can be
//! useful: the database, the listeners, the workers, the pages, and last the models.

mod archives;
mod bound;
pub mod ehrs;
pub mod error;
mod fhir;
mod foresight;
pub mod identity;
mod images;
pub mod in_force;
pub mod load;
pub mod machine;
mod neighbours;
pub mod packs;
mod previews;
mod prior_sources;
pub mod profile_samples;
mod reader;
mod reports;
pub mod settings;
mod site_profiles;
pub mod start;
mod test_pages;
mod web_peers;
mod worklists;

pub use bound::Addresses;
pub use error::AppError;
pub use start::{Running, open, start};

/// The hidden command under which this program starts itself to decode and infer.
pub const WORKER_COMMAND: &str = "inference-worker";
