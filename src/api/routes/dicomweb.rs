//! DICOMweb (PS3.18): search, retrieve, store.

use super::Access::Needs;
use super::{Route, get, post};
use crate::api::auth::Action::{ReadStudy, StoreImages};

/// For viewers, archives and senders of images.
pub const DICOMWEB: &[Route] = &[
    get(
        "/dicom-web/studies",
        Needs(ReadStudy),
        "Search for studies (QIDO-RS)",
    ),
    get(
        "/dicom-web/series",
        Needs(ReadStudy),
        "Search for series of any study",
    ),
    get(
        "/dicom-web/instances",
        Needs(ReadStudy),
        "Search for instances of any study",
    ),
    get(
        "/dicom-web/studies/{study}/series",
        Needs(ReadStudy),
        "Search for series of a study",
    ),
    get(
        "/dicom-web/studies/{study}/instances",
        Needs(ReadStudy),
        "Search for instances of a study",
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances",
        Needs(ReadStudy),
        "Search for instances of a series",
    ),
    get(
        "/dicom-web/studies/{study}",
        Needs(ReadStudy),
        "Retrieve a study (WADO-RS)",
    ),
    get(
        "/dicom-web/studies/{study}/metadata",
        Needs(ReadStudy),
        "The headers of a study",
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}",
        Needs(ReadStudy),
        "Retrieve a series",
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/metadata",
        Needs(ReadStudy),
        "The headers of a series",
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}",
        Needs(ReadStudy),
        "Retrieve an instance",
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/metadata",
        Needs(ReadStudy),
        "The header of an instance",
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
        Needs(ReadStudy),
        "Frames of an instance as they are stored",
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
        Needs(ReadStudy),
        "A frame as a picture, not for diagnosis",
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/rendered",
        Needs(ReadStudy),
        "An instance as a picture, not for diagnosis",
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/bulkdata/{path}",
        Needs(ReadStudy),
        "A long binary value of an instance",
    ),
    post(
        "/dicom-web/studies",
        Needs(StoreImages),
        "Store instances (STOW-RS)",
    ),
    post(
        "/dicom-web/studies/{study}",
        Needs(StoreImages),
        "Store instances of one study",
    ),
];
