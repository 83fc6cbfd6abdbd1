//! Outputs rendered from one result record.

pub mod hl7_build;
pub mod hl7_charset;
pub mod hl7_text;
pub mod site_profile;
