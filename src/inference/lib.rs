//! Models: their packages, the runtime, the operations around it, and the child process that they run in.
//! Nothing here reads or writes the database, and no model runs in the service's own process.

pub mod channels;
pub mod child;
mod foreground;
pub mod golden;
pub mod grid;
pub mod library;
pub mod manifest;
mod manifest_check;
pub mod network;
pub mod onnx;
pub mod package;
mod parallel;
pub mod pool;
pub mod preflight;
mod quantify;
pub mod recipe;
pub mod scores;
pub mod verify;
mod wire;
mod worker;
