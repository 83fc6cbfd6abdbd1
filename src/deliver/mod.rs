//! Clients towards other systems: MLLP, C-STORE and STOW-RS. And the connections that both directions share, plain or under TLS.

pub mod channel;
pub mod dicom;
pub mod hook;
pub mod hub;
pub mod mllp;
pub mod mllp_frame;
pub mod tls;
pub mod web;

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}
