//! One binary of stories and facts: each file tells one.

mod decode;
mod notify_smtp;
mod report_dicom;
mod shared;

mod hl7_meaning;
mod hl7_receive;
