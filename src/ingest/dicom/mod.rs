//! DICOM storage SCP.
