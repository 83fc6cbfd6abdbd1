//! Rows and blobs. Knows no job and no network.

pub mod blobs;
