//! What is served by HTTP to other systems: DICOMweb, the worklist by UPS-RS, and FHIR; from the routes, and from what the capability
//! statement is made of.

use std::fmt::Write;

use tocsin_domain::dicomweb::accept::{DICOM, OCTETS};
use tocsin_domain::finding::{Presence, ResultStatus};

use super::WRITTEN;
use crate::api::auth::Role;
use crate::api::dicomweb::{JSON, MOST};
use crate::api::routes::{self, Access, Route};
use crate::api::ups;
use crate::fhir::{FHIR_VERSION, Kind, MEDIA_TYPE, capability};
use crate::report::fhir::{VERIFIED, report_status, status};

/// Three parts of one service (PS3.18 10.4 to 10.6).
const SEARCH: &str = "Search (QIDO-RS)";
const RETRIEVE: &str = "Retrieve (WADO-RS)";
const STORE: &str = "Store (STOW-RS)";

pub(super) fn dicomweb() -> String {
    let mut text = format!(
        "# DICOMweb conformance\n\n{WRITTEN} After PS3.18; what is not named is not supported. Every request needs a bearer token or a \
         session whose role is named.\n\n"
    );
    for part in [SEARCH, RETRIEVE, STORE] {
        let of_part = routes::DICOMWEB.iter().filter(|route| part_of(route) == part);
        table(&mut text, part, of_part);
    }
    table(&mut text, "Worklist of readings (UPS-RS)", routes::UPS.iter());
    let _ = write!(
        text,
        "| | |\n| --- | --- |\n\
         | Data sets | `{}` |\n\
         | Instances, frames, values | `multipart/related` of `{DICOM}` and `{OCTETS}`, in the transfer syntax that is stored; implicit VR is told as explicit |\n\
         | A search answers at most | {MOST} data sets |\n\
         | Keys of UPS-RS that are matched | {} |\n",
        JSON,
        ups::matched().collect::<Vec<_>>().join(", "),
    );
    text
}

fn part_of(route: &Route) -> &'static str {
    let end = route.path.rsplit('/').next().unwrap_or_default();
    match (route.method, end) {
        ("GET", "studies" | "series" | "instances") => SEARCH,
        ("GET", _) => RETRIEVE,
        _ => STORE,
    }
}

fn table<'r>(text: &mut String, title: &str, of: impl Iterator<Item = &'r Route>) {
    let _ = writeln!(text, "## {title}\n\n| Request | | Roles |\n| --- | --- | --- |");
    for route in of {
        let Route {
            method,
            path,
            summary,
            ..
        } = route;
        let _ = writeln!(
            text,
            "| `{method} {path}` | {summary} | {} |",
            roles(route.access)
        );
    }
    text.push('\n');
}

fn roles(access: Access) -> String {
    match access {
        Access::Open => "anybody".to_owned(),
        Access::Link => "whoever holds the link".to_owned(),
        Access::SignedIn => "all".to_owned(),
        Access::Needs(action) => {
            let may = Role::ALL.into_iter().filter(|role| role.may(action));
            may.map(Role::text).collect::<Vec<_>>().join(", ")
        }
    }
}

pub(super) fn fhir() -> String {
    let mut text = format!(
        "# FHIR conformance\n\n{WRITTEN} `GET /fhir/metadata` of a service says the same with its address.\n\n\
         | | |\n| --- | --- |\n| Version | {FHIR_VERSION} |\n| Format | `{MEDIA_TYPE}` |\n\n\
         Results that policy holds for a radiologist are neither found nor read nor told of before they are let go.\n\n\
         | Resource | Interactions | Search parameters | Roles | |\n| --- | --- | --- | --- | --- |\n"
    );
    for kind in Kind::ALL {
        let resource = capability::resource(kind);
        let names = |key: &str, field: &str| {
            let all = resource[key].as_array().into_iter().flatten();
            let all = all.filter_map(|one| one[field].as_str());
            all.collect::<Vec<_>>().join(", ")
        };
        let path = format!("/fhir/{}", kind.name());
        let access = routes::find("GET", &path).map(|route| roles(route.access));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            kind.name(),
            names("interaction", "code"),
            names("searchParam", "name"),
            access.unwrap_or_default(),
            resource["documentation"].as_str().unwrap_or_default(),
        );
    }
    let told = Kind::ALL
        .into_iter()
        .filter(|kind| kind.is_told())
        .map(Kind::name);
    let told = told.collect::<Vec<_>>().join(", ");
    let _ = write!(text, "\nSubscriptions wait for {told}.\n\n{}", statuses());
    text
}

/// What the status of a result makes of its resources.
fn statuses() -> String {
    use Presence::{Present, Undetermined};
    use ResultStatus::{Corrected, Preliminary, Withdrawn};
    let mut text = "| A result is | Observation | DiagnosticReport |\n| --- | --- | --- |\n".to_owned();
    for (said, observation, of) in [
        ("what a model says", status(Preliminary, Present), Preliminary),
        (
            "corrected, or confirmed by a radiologist",
            status(Corrected, Present),
            Corrected,
        ),
        (
            "verified by a radiologist, where the site takes an agreement for that",
            VERIFIED,
            Corrected,
        ),
        (
            "without a finding that could be determined, or that a radiologist rejected among others",
            status(Corrected, Undetermined),
            Corrected,
        ),
        (
            "withdrawn, or rejected by a radiologist as a whole",
            status(Withdrawn, Present),
            Withdrawn,
        ),
    ] {
        let _ = writeln!(text, "| {said} | {observation} | {} |", report_status(of));
    }
    text
}
