//! DICOM in: the listener, what it accepts, and what it hands over once it is durable.

mod charset;
pub mod facts;
pub mod prescan;
