//! Clients towards other systems: MLLP and C-STORE.

pub mod dicom;
pub mod mllp;
pub mod mllp_frame;
