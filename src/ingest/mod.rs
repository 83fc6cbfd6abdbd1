//! Listeners, codecs without sockets, and acknowledgements.

pub mod dicom;
pub mod hl7;
mod pause_watch;
