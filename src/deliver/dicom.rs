//! DICOM out: C-STORE and C-ECHO to other nodes, and the connection that both directions share.

pub mod wire;
