//! Clients towards other systems: MLLP and C-STORE.

pub mod mllp_frame;
pub mod dicom;
