//! One binary of stories and facts: each file tells one.

mod report_dicom;
mod tidy;
