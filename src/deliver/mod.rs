//! Clients towards other systems: MLLP and C-STORE. And the connections that both directions share, plain or under TLS.

pub mod channel;
pub mod dicom;
pub mod mllp;
pub mod mllp_frame;
pub mod tls;
