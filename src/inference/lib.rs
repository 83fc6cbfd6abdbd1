//! Models: their packages, the runtime, the operations around it, and the child process that they run in.
//! Nothing here reads or writes the database, and no model runs in the service's own process.

pub mod answers;
mod boxes;
pub mod channels;
pub mod child;
pub mod declared;
pub mod exam;
pub mod explain;
mod foreground;
pub mod golden;
pub mod grid;
pub mod library;
pub mod manifest;
pub mod network;
pub mod onnx;
pub mod package;
mod percentiles;
mod places;
pub mod pool;
pub mod preflight;
mod quantify;
pub mod recipe;
mod rehearse;
pub mod scores;
pub mod speed;
#[cfg(test)]
mod stories;
pub mod verify;
mod windows;
mod wire;
mod worker;
