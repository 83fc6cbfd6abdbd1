//! What may be proposed: storage classes, further services, and encodings.

use tocsin_domain::commitment::PUSH_MODEL;
use tocsin_domain::dimse::query;

use super::super::notices::IAN;
use super::super::steps::MPPS;
use crate::deliver::dicom::association::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};

pub const VERIFICATION: &str = "1.2.840.10008.1.1";
/// Every storage SOP class of the standard for composite objects is in here, also those of editions to come.
pub const STORAGE_ARC: &str = "1.2.840.10008.5.1.4.1.1.";

/// Storage classes of the standard elsewhere: retired hard copy and stored print, delivery instructions, hanging protocols,
/// palettes and implant templates.
pub const OTHER_STORAGE: [&str; 11] = [
    "1.2.840.10008.5.1.1.27",
    "1.2.840.10008.5.1.1.29",
    "1.2.840.10008.5.1.1.30",
    "1.2.840.10008.5.1.4.34.1",
    "1.2.840.10008.5.1.4.34.7",
    "1.2.840.10008.5.1.4.34.10",
    "1.2.840.10008.5.1.4.38.1",
    "1.2.840.10008.5.1.4.39.1",
    "1.2.840.10008.5.1.4.43.1",
    "1.2.840.10008.5.1.4.44.1",
    "1.2.840.10008.5.1.4.45.1",
];

/// Storage classes of manufacturers that archives commonly take.
pub const PRIVATE_STORAGE: [&str; 15] = [
    "1.2.392.200036.9116.7.8.1.1.1",
    "1.2.840.113619.4.2",
    "1.2.840.113619.4.3",
    "1.2.840.113619.4.26",
    "1.2.840.113619.4.27",
    "1.2.840.113619.4.30",
    "1.3.12.2.1107.5.9.1",
    "1.3.12.2.1107.5.99.3.10",
    "1.3.12.2.1107.5.99.3.11",
    "1.3.46.670589.2.3.1.1",
    "1.3.46.670589.2.4.1.1",
    "1.3.46.670589.5.0.1",
    "1.3.46.670589.5.0.1.1",
    "1.3.46.670589.5.0.10",
    "1.3.46.670589.11.0.0.12.2",
];

/// Transfer syntaxes in the order in which we prefer them. Bytes are stored as received, so what cannot be decoded here is
/// taken too; those that only point to pixels elsewhere are not.
pub const TRANSFER_SYNTAXES: [&str; 44] = [
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.4.111",
    "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.4.52",
    "1.2.840.10008.1.2.4.53",
    "1.2.840.10008.1.2.4.54",
    "1.2.840.10008.1.2.4.55",
    "1.2.840.10008.1.2.4.56",
    "1.2.840.10008.1.2.4.58",
    "1.2.840.10008.1.2.4.59",
    "1.2.840.10008.1.2.4.60",
    "1.2.840.10008.1.2.4.92",
    "1.2.840.10008.1.2.4.93",
    "1.2.840.10008.1.2.1.98",
    "1.2.840.10008.1.2.8.1",
    "1.2.840.10008.1.2.4.100",
    "1.2.840.10008.1.2.4.100.1",
    "1.2.840.10008.1.2.4.101",
    "1.2.840.10008.1.2.4.101.1",
    "1.2.840.10008.1.2.4.102",
    "1.2.840.10008.1.2.4.102.1",
    "1.2.840.10008.1.2.4.103",
    "1.2.840.10008.1.2.4.103.1",
    "1.2.840.10008.1.2.4.104",
    "1.2.840.10008.1.2.4.105",
    "1.2.840.10008.1.2.4.106",
    "1.2.840.10008.1.2.4.107",
    "1.2.840.10008.1.2.4.108",
];

/// How many of these carry a data set without pixels, for every service but storage.
pub(super) const PLAIN_SYNTAXES: usize = 2;

/// A service besides verification and storage.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    pub class: &'static str,
    pub name: &'static str,
    pub access: Access,
    pub ours: Part,
}

/// Which peers may use a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Everybody,
    /// Those that may query and retrieve.
    Retrievers,
}

/// What we are in a service: whom peers ask, or who asks them, also over an association that they opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Provider,
    User,
}

impl Part {
    pub(super) fn provides(self) -> bool {
        match self {
            Self::Provider => true,
            Self::User => false,
        }
    }

    pub(super) fn uses(self) -> bool {
        match self {
            Self::Provider => false,
            Self::User => true,
        }
    }
}

/// Everything that is served where there is a database of images behind the listener.
pub const SERVICES: [Service; 9] = [
    announcement(MPPS, "Modality Performed Procedure Step"),
    announcement(IAN, "Instance Availability Notification"),
    Service {
        class: PUSH_MODEL,
        name: "Storage Commitment Push Model",
        access: Access::Everybody,
        ours: Part::User,
    },
    retrieval(
        query::PATIENT_ROOT_FIND,
        "Patient Root Query/Retrieve Information Model - FIND",
    ),
    retrieval(
        query::PATIENT_ROOT_MOVE,
        "Patient Root Query/Retrieve Information Model - MOVE",
    ),
    retrieval(
        query::PATIENT_ROOT_GET,
        "Patient Root Query/Retrieve Information Model - GET",
    ),
    retrieval(
        query::STUDY_ROOT_FIND,
        "Study Root Query/Retrieve Information Model - FIND",
    ),
    retrieval(
        query::STUDY_ROOT_MOVE,
        "Study Root Query/Retrieve Information Model - MOVE",
    ),
    retrieval(
        query::STUDY_ROOT_GET,
        "Study Root Query/Retrieve Information Model - GET",
    ),
];

/// What modalities and archives say of images beside the images.
const fn announcement(class: &'static str, name: &'static str) -> Service {
    Service {
        class,
        name,
        access: Access::Everybody,
        ours: Part::Provider,
    }
}

const fn retrieval(class: &'static str, name: &'static str) -> Service {
    Service {
        class,
        name,
        access: Access::Retrievers,
        ours: Part::Provider,
    }
}

/// Storage classes: all of the standard, retired ones too, and some of manufacturers.
pub(crate) fn is_storage(class: &str) -> bool {
    class.starts_with(STORAGE_ARC) || OTHER_STORAGE.contains(&class) || PRIVATE_STORAGE.contains(&class)
}
