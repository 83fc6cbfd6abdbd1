//! One binary of stories and facts: each file tells one.

mod database;
mod decode;
mod migrations;
mod notify_smtp;
mod report_dicom;
mod shared;
mod tidy;
