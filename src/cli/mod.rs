//! The commands.

pub mod synth;
