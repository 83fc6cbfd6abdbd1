//! Pixels.
pub mod phantom;
