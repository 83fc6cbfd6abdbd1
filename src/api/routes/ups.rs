//! The reading worklist by UPS-RS (PS3.18 section 11).

use super::Access::Needs;
use super::{Route, get, post, put};
use crate::api::auth::Action::{ClaimStudy, ReadWorklist};

/// For reading stations and archives.
pub const UPS: &[Route] = &[
    get(
        "/ups-rs/workitems",
        Needs(ReadWorklist),
        "Readings that match, as DICOM JSON",
    ),
    post(
        "/ups-rs/workitems",
        Needs(ClaimStudy),
        "Refused: readings are made from the studies that arrive",
    ),
    get(
        "/ups-rs/workitems/{id}",
        Needs(ReadWorklist),
        "One reading with the images that it is about",
    ),
    post(
        "/ups-rs/workitems/{id}",
        Needs(ClaimStudy),
        "What the reader says of their work, with their Transaction UID; renews the claim",
    ),
    put(
        "/ups-rs/workitems/{id}/state",
        Needs(ClaimStudy),
        "Take a study for reading, say that it has been read, or stop",
    ),
    post(
        "/ups-rs/workitems/{id}/cancelrequest",
        Needs(ClaimStudy),
        "Ask whoever reads a study to stop",
    ),
];
