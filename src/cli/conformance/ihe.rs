//! Which transactions of IHE profiles are spoken, and by what: each row names the route, the SOP classes or the messages that carry it,
//! looked up where they are served, so that a row without them says so.

use std::fmt::Write;

use tocsin_domain::commitment::PUSH_MODEL;
use tocsin_domain::dimse::query::{STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE};

use super::{WRITTEN, name_of};
use crate::api::routes;
use crate::ingest::dicom::{IAN, MPPS, SERVICES};
use crate::ingest::hl7::event::MESSAGES;
use crate::report::sc::SECONDARY_CAPTURE;
use crate::report::seg::SEGMENTATION_STORAGE;
use crate::report::sr::COMPREHENSIVE_3D_SR;
use crate::report::sr_read::KEY_OBJECT_SELECTION;

/// What carries a transaction.
enum By {
    /// Method and path.
    Route(&'static str, &'static str),
    /// Sent or asked for.
    Scu(&'static [&'static str]),
    /// Taken or answered.
    Scp(&'static [&'static str]),
    /// Messages that are taken.
    Message(&'static str),
    /// Why not.
    Nothing(&'static str),
}

type Transaction = (&'static str, &'static str, By);

struct Profile {
    title: &'static str,
    about: &'static str,
    actors: &'static [(&'static str, &'static [Transaction])],
}

const RESULTS: &[&str] = &[
    COMPREHENSIVE_3D_SR,
    SEGMENTATION_STORAGE,
    SECONDARY_CAPTURE,
    KEY_OBJECT_SELECTION,
];

const AIR: Profile = Profile {
    title: "AI Results (AIR)",
    about: "Each model run is one Comprehensive 3D SR (TID 1500): algorithm identification (TID 4019), image library (TID 1600), and for \
        each finding and lesion a group (TID 1501) with presence, measurements in UCUM, site and laterality, image references and tracking \
        identifiers, which the segments of a Segmentation share. A corrected report names its predecessor; what is taken back is named by a \
        Key Object Selection. Parametric maps, planar and volumetric regions in the report (TID 1410, 1411) and spatial coordinates are not \
        written.",
    actors: &[
        (
            "Evidence Creator",
            &[
                ("RAD-43", "Evidence documents stored", By::Scu(RESULTS)),
                (
                    "RAD-18",
                    "Creator images stored",
                    By::Scu(&[SECONDARY_CAPTURE, SEGMENTATION_STORAGE]),
                ),
                ("RAD-10", "Storage commitment", By::Scu(&[PUSH_MODEL])),
                ("RAD-14", "Query images", By::Scu(&[STUDY_ROOT_FIND])),
                (
                    "RAD-16",
                    "Retrieve images",
                    By::Scu(&[STUDY_ROOT_MOVE, STUDY_ROOT_GET]),
                ),
            ],
        ),
        (
            "Image Manager/Archive, of what it has received",
            &[
                (
                    "RAD-108",
                    "Store instances over the web",
                    By::Route("POST", "/dicom-web/studies"),
                ),
                (
                    "RAD-129",
                    "Query by QIDO-RS",
                    By::Route("GET", "/dicom-web/studies"),
                ),
                (
                    "RAD-107",
                    "Retrieve by WADO-RS",
                    By::Route("GET", "/dicom-web/studies/{study}"),
                ),
                (
                    "RAD-44",
                    "Query evidence documents",
                    By::Nothing("the objects that it made are not offered"),
                ),
                (
                    "RAD-45",
                    "Retrieve evidence documents",
                    By::Nothing("the objects that it made are not offered"),
                ),
            ],
        ),
        (
            "Image Display",
            &[(
                "RAD-136",
                "Display analysis result",
                By::Route("GET", "/studies/{id}"),
            )],
        ),
    ],
};

const AIW_I: Profile = Profile {
    title: "AI Workflow for Imaging (AIW-I)",
    about: "The tasks are readings by people, which the service makes itself from what arrives and orders by what the models say; models run \
        within it, and are no performers of their own.",
    actors: &[
        (
            "Task Manager",
            &[
                (
                    "RAD-80",
                    "Create UPS workitem",
                    By::Nothing("readings are made from the studies that arrive; a request is refused"),
                ),
                (
                    "RAD-81",
                    "Query UPS workitems",
                    By::Route("GET", "/ups-rs/workitems"),
                ),
                (
                    "RAD-82",
                    "Claim UPS workitem",
                    By::Route("PUT", "/ups-rs/workitems/{id}/state"),
                ),
                (
                    "RAD-83",
                    "Get UPS workitem contents",
                    By::Route("GET", "/ups-rs/workitems/{id}"),
                ),
                (
                    "RAD-84",
                    "Update UPS workitem",
                    By::Route("POST", "/ups-rs/workitems/{id}"),
                ),
                (
                    "RAD-85",
                    "Complete UPS workitem",
                    By::Route("PUT", "/ups-rs/workitems/{id}/state"),
                ),
                (
                    "RAD-86",
                    "Manage UPS subscription",
                    By::Route("POST", "/ups-rs/workitems/{id}/subscribers/{aetitle}"),
                ),
                (
                    "RAD-87",
                    "Send UPS notification",
                    By::Route("GET", "/ups-rs/subscribers/{aetitle}"),
                ),
                (
                    "RAD-88",
                    "Request UPS workitem cancellation",
                    By::Route("POST", "/ups-rs/workitems/{id}/cancelrequest"),
                ),
                (
                    "RAD-109",
                    "Open event channel",
                    By::Route("GET", "/ups-rs/subscribers/{aetitle}"),
                ),
            ],
        ),
        (
            "What starts a task",
            &[
                (
                    "RAD-4, RAD-13",
                    "Procedure scheduled, procedure update",
                    By::Message("OMI"),
                ),
                ("RAD-7", "Modality procedure step completed", By::Scp(&[MPPS])),
                ("RAD-49", "Instance availability notification", By::Scp(&[IAN])),
                (
                    "RAD-16",
                    "Retrieve images",
                    By::Scu(&[STUDY_ROOT_MOVE, STUDY_ROOT_GET]),
                ),
            ],
        ),
    ],
};

pub(super) fn ihe() -> String {
    let mut text = format!(
        "# IHE profiles\n\n{WRITTEN} The service follows these profiles as far as the tables say. It was not at a Connectathon, and this is no \
         integration statement.\n"
    );
    for Profile { title, about, actors } in [AIR, AIW_I] {
        let _ = write!(text, "\n## {title}\n\n{about}\n");
        for (actor, transactions) in actors {
            let _ = write!(text, "\n| {actor} | | By |\n| --- | --- | --- |\n");
            for (number, name, by) in *transactions {
                let _ = writeln!(text, "| {number} | {name} | {} |", said(by));
            }
        }
    }
    text
}

fn said(by: &By) -> String {
    let classes = |uids: &[&str]| uids.iter().map(|uid| name_of(uid)).collect::<Vec<_>>().join(", ");
    match by {
        By::Route(method, path) => match routes::find(method, path) {
            Some(_) => format!("`{method} {path}`"),
            None => "not supported".to_owned(),
        },
        By::Scu(uids) => format!("SCU: {}", classes(uids)),
        By::Scp(uids) => match uids
            .iter()
            .all(|uid| SERVICES.iter().any(|service| service.class == *uid))
        {
            true => format!("SCP: {}", classes(uids)),
            false => "not supported".to_owned(),
        },
        By::Message(kind) => match MESSAGES.iter().find(|(known, ..)| known == kind) {
            Some((kind, triggers, ..)) => format!("{kind}^{}", triggers.join(&format!(", {kind}^"))),
            None => "not supported".to_owned(),
        },
        By::Nothing(why) => format!("not supported: {why}"),
    }
}
