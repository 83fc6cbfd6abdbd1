//! What DICOMweb (PS3.18) lets a client ask for, as values: which attributes must match, and which forms it takes. Pure.

pub mod accept;
pub mod matching;
