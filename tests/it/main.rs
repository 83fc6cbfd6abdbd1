//! One binary of stories and facts: each file tells one.

mod decode;
mod report_dicom;
mod shared;
