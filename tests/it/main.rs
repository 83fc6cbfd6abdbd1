//! One binary of stories and facts: each file tells one.

mod database;
mod decode;
mod dicom;
mod dicom_receive;
mod migrations;
mod notify_smtp;
mod report_dicom;
mod shared;
mod tidy;

// Not run yet, see docs/known-gaps.md: hl7_meaning, hl7_receive.
