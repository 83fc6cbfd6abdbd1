//! Wiring: the only place that names every module.

pub mod machine;
pub mod settings;
