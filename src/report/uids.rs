//! UIDs of the objects that we make: the same for the same result, so that a repeated delivery is the same object.

use tocsin_domain::finding::ModelRef;
use tocsin_domain::ids::{ResultId, Uid};
use uuid::Uuid;

/// Name space of the derived UUIDs (RFC 9562, version 5).
const NAMESPACE: Uuid = Uuid::from_u128(0x5c1d_7a0e_94f3_5b0a_8f2e_0d6b_3a91_c7e4);

/// What a model run leaves in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    StructuredReport,
    KeyImage,
    Segmentation,
    /// Takes the others back.
    RejectionNote,
}

impl ObjectKind {
    fn word(self) -> &'static str {
        match self {
            Self::StructuredReport => "sr",
            Self::KeyImage => "sc",
            Self::Segmentation => "seg",
            Self::RejectionNote => "ko",
        }
    }

    /// Series Number (0020,0011): 9000 and up, below the AI objects of no scanner.
    pub fn series_number(self) -> u32 {
        match self {
            Self::StructuredReport => 9002,
            Self::KeyImage => 9003,
            Self::Segmentation => 9004,
            Self::RejectionNote => 9005,
        }
    }
}

/// Where one object lies: one series per study, model version and kind; one instance per result, and of key images one per
/// picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectUids {
    pub series: Uid,
    pub instance: Uid,
}

impl ObjectUids {
    pub fn of(kind: ObjectKind, study: &Uid, model: &ModelRef, result: ResultId) -> Self {
        let result = result.to_string();
        Self {
            series: derive(&["series", kind.word(), study.as_str(), &model.name, &model.version]),
            instance: derive(&[
                "instance",
                kind.word(),
                study.as_str(),
                &model.name,
                &model.version,
                &result,
            ]),
        }
    }

    /// Of the key image at this place among those of a result, 0-based; the first is the one that stands for the result.
    pub fn of_key_image(place: usize, study: &Uid, model: &ModelRef, result: ResultId) -> Self {
        let first = Self::of(ObjectKind::KeyImage, study, model, result);
        match place {
            0 => first,
            _ => Self {
                instance: derive(&["instance", "sc", first.instance.as_str(), &place.to_string()]),
                ..first
            },
        }
    }
}

/// The dimensions by which the frames of a result's segmentation are found.
pub fn dimensions(result: ResultId) -> Uid {
    derive(&["dimensions", &result.to_string()])
}

/// The installed model as a device (Device Observer UID).
pub fn device(serial: &str, model: &ModelRef) -> Uid {
    derive(&["device", serial, &model.name])
}

/// Follows one thing through a report: the finding as a whole, or one lesion of one result.
pub fn tracking(study: &Uid, model: &ModelRef, parts: &[&str]) -> Uid {
    let mut all = vec!["tracking", study.as_str(), &model.name, &model.version];
    all.extend(parts);
    derive(&all)
}

/// Names a resource of a bundle about one result (FHIR `fullUrl`), so that a repeated bundle is the same bundle.
pub fn resource(result: ResultId, parts: &[&str]) -> Uuid {
    let result = result.to_string();
    let mut all = vec!["resource", &result];
    all.extend(parts);
    Uuid::new_v5(&NAMESPACE, all.join("\u{1f}").as_bytes())
}

/// The unit separator keeps `a|bc` and `ab|c` apart whatever the parts hold.
fn derive(parts: &[&str]) -> Uid {
    Uid::from_uuid(Uuid::new_v5(&NAMESPACE, parts.join("\u{1f}").as_bytes()))
}
