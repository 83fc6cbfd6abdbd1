//! `tocsin conformance`: what the program takes and says by DICOM, DICOMweb, HL7 and FHIR, and of IHE profiles, written from the tables that it works with. It
//! reads no configuration.

mod ihe;
mod web;

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use clap::Args;
use dicom_transfer_syntax_registry::{TransferSyntaxIndex, TransferSyntaxRegistry};
use tocsin_domain::commitment::PUSH_MODEL;
use tocsin_domain::dimse::query::{STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE, WORKLIST_FIND};
use tocsin_domain::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};

use super::Failure;
use crate::deliver::dicom::wire::MAX_PDU_BYTES;
use crate::ingest::dicom::{
    Access, IAN, MPPS, OTHER_STORAGE, PRIVATE_STORAGE, SERVICES, STORAGE_ARC, TRANSFER_SYNTAXES, VERIFICATION,
};
use crate::ingest::hl7::event::{MESSAGES, Meaning, VERSIONS};
use crate::report::hl7_charset::SUPPORTED;
use crate::report::sc::SECONDARY_CAPTURE;
use crate::report::seg::SEGMENTATION_STORAGE;
use crate::report::site_profile::Version;
use crate::report::sr::COMPREHENSIVE_3D_SR;
use crate::report::sr_read::KEY_OBJECT_SELECTION;
use crate::retrieve::{COMPRESSED, IMAGES};

/// Write the conformance statements
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tocsin conformance docs/conformance")]
pub struct Conformance {
    /// The folder to write to
    dir: PathBuf,
}

impl Conformance {
    pub fn run(self) -> Result<(), Failure> {
        fs::create_dir_all(&self.dir)?;
        for (name, text) in statements() {
            fs::write(self.dir.join(name), text)?;
        }
        Ok(())
    }
}

/// All statements, by the names of their files.
pub fn statements() -> [(&'static str, String); 5] {
    [
        ("dicom.md", dicom()),
        ("dicomweb.md", web::dicomweb()),
        ("fhir.md", web::fhir()),
        ("hl7.md", hl7()),
        ("ihe.md", ihe::ihe()),
    ]
}

const WRITTEN: &str = "Written by `tocsin conformance` from the tables that the program works with.";

const RETRIEVAL: &str = "\
    Levels: patient, study, series, image; the unique key of each level above is asked for as one value. Matching: one value, \
    lists of UIDs and of values, wildcards, ranges of dates and times; names without regard to case. A key that is not known is \
    told by FF01. An identifier that was merged finds what its survivor has. Answers are in ISO_IR 192. C-GET and C-MOVE send \
    instances as they are stored, or in the other of implicit and explicit VR little endian; nothing is decompressed. C-MOVE sends to \
    peers of the configuration that have a port. Roles are agreed on by SCP/SCU role selection.\n\n";

const ANNOUNCED: &str = "\
    N-CREATE and N-SET of performed procedure steps, N-CREATE of notices; committed before success. An attribute of type 1 that is missing or empty is \
    answered with 0x0120 or 0x0121 and named in the error comment, a value that may not be with 0x0106; attributes of type 2 may be \
    absent. 0x0111: the instance is there; 0x0112: it is not; 0x0110 with Error ID 0xA710: it is final; 0x0107: something that may not be \
    changed was not.\n\n";

/// Processes of JPEG that no library here knows (PS3.6 table A-1).
const RETIRED_JPEG: [&str; 8] = [
    "1.2.840.10008.1.2.4.52",
    "1.2.840.10008.1.2.4.53",
    "1.2.840.10008.1.2.4.54",
    "1.2.840.10008.1.2.4.55",
    "1.2.840.10008.1.2.4.56",
    "1.2.840.10008.1.2.4.58",
    "1.2.840.10008.1.2.4.59",
    "1.2.840.10008.1.2.4.60",
];

/// Of the SOP classes that are named one by one (PS3.6 table A-1).
const NAMES: [(&str, &str); 25] = [
    (WORKLIST_FIND, "Modality Worklist Information Model - FIND"),
    (VERIFICATION, "Verification"),
    ("1.2.840.10008.5.1.1.27", "Stored Print Storage (retired)"),
    (
        "1.2.840.10008.5.1.1.29",
        "Hardcopy Grayscale Image Storage (retired)",
    ),
    ("1.2.840.10008.5.1.1.30", "Hardcopy Color Image Storage (retired)"),
    (
        "1.2.840.10008.5.1.4.34.1",
        "RT Beams Delivery Instruction Storage - Trial (retired)",
    ),
    (
        "1.2.840.10008.5.1.4.34.7",
        "RT Beams Delivery Instruction Storage",
    ),
    (
        "1.2.840.10008.5.1.4.34.10",
        "RT Brachy Application Setup Delivery Instruction Storage",
    ),
    ("1.2.840.10008.5.1.4.38.1", "Hanging Protocol Storage"),
    ("1.2.840.10008.5.1.4.39.1", "Color Palette Storage"),
    ("1.2.840.10008.5.1.4.43.1", "Generic Implant Template Storage"),
    ("1.2.840.10008.5.1.4.44.1", "Implant Assembly Template Storage"),
    ("1.2.840.10008.5.1.4.45.1", "Implant Template Group Storage"),
    (COMPREHENSIVE_3D_SR, "Comprehensive 3D SR Storage"),
    (SECONDARY_CAPTURE, "Secondary Capture Image Storage"),
    (SEGMENTATION_STORAGE, "Segmentation Storage"),
    (KEY_OBJECT_SELECTION, "Key Object Selection Document Storage"),
    ("1.2.840.10008.5.1.4.1.1.1", "Computed Radiography Image Storage"),
    (
        "1.2.840.10008.5.1.4.1.1.1.1",
        "Digital X-Ray Image Storage - For Presentation",
    ),
    (
        "1.2.840.10008.5.1.4.1.1.1.1.1",
        "Digital X-Ray Image Storage - For Processing",
    ),
    ("1.2.840.10008.5.1.4.1.1.2", "CT Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.2.1", "Enhanced CT Image Storage"),
    (
        "1.2.840.10008.5.1.4.1.1.2.2",
        "Legacy Converted Enhanced CT Image Storage",
    ),
    ("1.2.840.10008.5.1.4.1.1.4", "MR Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.4.1", "Enhanced MR Image Storage"),
];

fn dicom() -> String {
    let mut text = format!(
        "# DICOM conformance\n\n{WRITTEN} In the order of PS3.2; what is not named is not supported.\n\n\
         ## Associations\n\n\
         | | |\n| --- | --- |\n\
         | Application context | 1.2.840.10008.3.1.1.1 |\n\
         | Implementation class UID, version name | {IMPLEMENTATION_CLASS_UID}, {IMPLEMENTATION_VERSION_NAME} |\n\
         | PDU size | up to {MAX_PDU_BYTES} bytes offered |\n\
         | Asynchronous operations | none |\n\
         | Security | plain, or TLS 1.2 and 1.3 with certificates on both sides (BCP 195 profile of PS3.15) |\n\n\
         Of an accepted context the first transfer syntax of our list that is offered is taken, so that a sender need not convert.\n\n\
         ## Taken (SCP)\n\n"
    );
    classes(&mut text, "Verification", &[VERIFICATION]);
    let _ = writeln!(text, "**Storage**: every class below `{STORAGE_ARC}`, and\n");
    classes(&mut text, "Other storage classes of the standard", &OTHER_STORAGE);
    classes(&mut text, "Storage classes of manufacturers", &PRIVATE_STORAGE);
    syntaxes(
        &mut text,
        "Transfer syntaxes, in order of preference",
        &TRANSFER_SYNTAXES,
    );
    let served = |access| {
        let of = SERVICES.iter().filter(move |service| service.access == access);
        of.map(|service| service.class).collect::<Vec<_>>()
    };
    classes(
        &mut text,
        "Query and retrieve, by peers of whom the configuration says so",
        &served(Access::Retrievers),
    );
    text.push_str(RETRIEVAL);
    classes(&mut text, "What is announced of images", &[MPPS, IAN]);
    text.push_str(ANNOUNCED);
    text.push_str("Storage is of level 2 (full): an instance is kept byte by byte, with private elements, and on stable storage before success.\n\n");
    text.push_str("## Asked for (SCU)\n\n");
    classes(&mut text, "Verification", &[VERIFICATION]);
    classes(
        &mut text,
        "Storage of results",
        &[
            COMPREHENSIVE_3D_SR,
            SECONDARY_CAPTURE,
            SEGMENTATION_STORAGE,
            KEY_OBJECT_SELECTION,
        ],
    );
    classes(
        &mut text,
        "Storage commitment of results; the reports come over associations of the archive",
        &[PUSH_MODEL],
    );
    classes(
        &mut text,
        "Query and retrieve, study root",
        &[STUDY_ROOT_FIND, STUDY_ROOT_MOVE, STUDY_ROOT_GET],
    );
    classes(&mut text, "Modality worklist", &[WORKLIST_FIND]);
    classes(
        &mut text,
        "Storage in the association of a C-GET, as SCP",
        &IMAGES,
    );
    syntaxes(&mut text, "Compressed, each in a context of its own", &COMPRESSED);
    text.trim_end().to_owned() + "\n"
}

fn classes(text: &mut String, what: &str, uids: &[&str]) {
    let _ = writeln!(text, "| {what} | |\n| --- | --- |");
    for uid in uids {
        let _ = writeln!(text, "| {uid} | {} |", name_of(uid));
    }
    text.push('\n');
}

/// Of a SOP class; empty where it has none.
fn name_of(uid: &str) -> &'static str {
    let of_service = SERVICES.iter().map(|service| (service.class, service.name));
    let mut known = NAMES.into_iter().chain(of_service);
    known
        .find(|(known, _)| *known == uid)
        .map_or("", |(_, name)| name)
}

fn syntaxes(text: &mut String, what: &str, uids: &[&str]) {
    let _ = writeln!(text, "| {what} | |\n| --- | --- |");
    for uid in uids {
        let name = match TransferSyntaxRegistry.get(uid) {
            Some(syntax) => syntax.name(),
            None if RETIRED_JPEG.contains(uid) => "a retired process of JPEG; kept, not decoded",
            None => "",
        };
        let _ = writeln!(text, "| {uid} | {name} |");
    }
    text.push('\n');
}

fn hl7() -> String {
    let mut text = format!(
        "# HL7 v2 conformance\n\n{WRITTEN} MLLP, plain or under TLS; batches (FHS, BHS) are answered by batches.\n\n\
         ## Taken\n\n| Message | Triggers | Read as |\n| --- | --- | --- |\n"
    );
    for (kind, triggers, alone, meaning) in MESSAGES {
        let read = match meaning {
            Meaning::Orders => "orders: new, changed, cancelled, status",
            Meaning::Patient => "patient and visit",
            Meaning::Person => "patient",
            Meaning::Merge => "identifiers that become one",
            Meaning::Report => {
                "the radiologist's report; from a sender that is configured as a product, its results"
            }
            Meaning::Appointment => "the time of an order",
            Meaning::Answer => "what became of a message of ours",
        };
        let named = match (triggers.is_empty(), alone) {
            (true, _) => "all".to_owned(),
            (false, true) => format!("{}, or none", triggers.join(", ")),
            (false, false) => triggers.join(", "),
        };
        let _ = writeln!(text, "| {kind} | {named} | {read} |");
    }
    let versions = [
        Version::V23,
        Version::V231,
        Version::V24,
        Version::V25,
        Version::V251,
        Version::V26,
        Version::V27,
        Version::V28,
        Version::V282,
    ];
    let _ = write!(
        text,
        "\nEverything else that is well-formed is kept, accepted and marked as ignored.\n\n\
         | | |\n| --- | --- |\n\
         | Versions (MSH-12) | {} |\n\
         | Character sets (MSH-18) | {SUPPORTED} |\n\
         | Acknowledgement | original mode (AA, AE, AR); enhanced mode: CA, CE, CR where MSH-15 asks, else the application's where MSH-16 asks; where a way for it is configured, the application's comes later by itself (ACK, or ORR^O02, ORI^O24, ORG^O20) |\n\
         | Errors | ERR-2, 3, 4, 7, 8 from 2.5 on, ERR-1 before; MSA-3 up to 2.7 |\n\n\
         ## Sent\n\n\
         | Message | Event |\n| --- | --- |\n\
         | OMI^O23 or ORM^O01, ORC-1 XO | a priority is raised, or given back |\n\
         | ORU^R01 | a model's result: preliminary, corrected, withdrawn; a finding final where a radiologist's agreement verifies it; images that could not be used |\n\n\
         | | |\n| --- | --- |\n\
         | Versions | {} |\n\
         | Retries | the same bytes under the same MSH-10, until an answer comes, for a week; AE, AR, CE and CR are shown |\n",
        VERSIONS.join(", "),
        versions.map(Version::text).join(", "),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_in_the_documentation_are_those_of_this_program() {
        for (name, text) in statements() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/conformance");
            let kept = fs::read_to_string(format!("{path}/{name}")).unwrap_or_default();
            assert!(
                kept == text,
                "{name}: write it anew with `tocsin conformance docs/conformance`"
            );
        }
    }

    #[test]
    fn every_class_and_syntax_of_the_standard_has_its_name() {
        let nameless =
            |line: &&str| line.starts_with("| 1.2.840.10008.") && line.trim_end().ends_with("|  |");
        assert_eq!(
            dicom().lines().filter(nameless).collect::<Vec<_>>(),
            Vec::<&str>::new()
        );
    }
}
