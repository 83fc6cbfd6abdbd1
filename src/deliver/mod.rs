//! Clients towards other systems: MLLP and C-STORE.

pub mod dicom;
