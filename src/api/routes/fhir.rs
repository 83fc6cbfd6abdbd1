//! FHIR R4 under `/fhir`: read and search of each kind of resource, and subscriptions.

use super::Access::{Needs, Open};
use super::{Route, delete, get, post};
use crate::api::auth::Action::{ReadAlerts, ReadAudit, ReadStudy, Subscribe};

/// For programs that speak FHIR.
pub const FHIR: &[Route] = &[
    get(
        "/fhir/metadata",
        Open,
        "What this server can (CapabilityStatement)",
    ),
    get("/fhir/ServiceRequest", Needs(ReadStudy), "Imaging orders: search"),
    post(
        "/fhir/ServiceRequest/_search",
        Needs(ReadStudy),
        "Imaging orders: search by a form",
    ),
    get(
        "/fhir/ServiceRequest/{id}",
        Needs(ReadStudy),
        "Imaging orders: read",
    ),
    get(
        "/fhir/ImagingStudy",
        Needs(ReadStudy),
        "Studies, by their series: search",
    ),
    post(
        "/fhir/ImagingStudy/_search",
        Needs(ReadStudy),
        "Studies, by their series: search by a form",
    ),
    get(
        "/fhir/ImagingStudy/{id}",
        Needs(ReadStudy),
        "Studies, by their series: read",
    ),
    get(
        "/fhir/DiagnosticReport",
        Needs(ReadStudy),
        "What models said of studies, never final: search",
    ),
    post(
        "/fhir/DiagnosticReport/_search",
        Needs(ReadStudy),
        "What models said of studies, never final: search by a form",
    ),
    get(
        "/fhir/DiagnosticReport/{id}",
        Needs(ReadStudy),
        "What models said of studies, never final: read",
    ),
    get(
        "/fhir/Observation",
        Needs(ReadStudy),
        "What models found and measured: search",
    ),
    post(
        "/fhir/Observation/_search",
        Needs(ReadStudy),
        "What models found and measured: search by a form",
    ),
    get(
        "/fhir/Observation/{id}",
        Needs(ReadStudy),
        "What models found and measured: read",
    ),
    get(
        "/fhir/Task",
        Needs(ReadStudy),
        "Studies to be read, with their priority: search",
    ),
    post(
        "/fhir/Task/_search",
        Needs(ReadStudy),
        "Studies to be read, with their priority: search by a form",
    ),
    get(
        "/fhir/Task/{id}",
        Needs(ReadStudy),
        "Studies to be read, with their priority: read",
    ),
    get(
        "/fhir/Communication",
        Needs(ReadAlerts),
        "Pages to people: search",
    ),
    post(
        "/fhir/Communication/_search",
        Needs(ReadAlerts),
        "Pages to people: search by a form",
    ),
    get(
        "/fhir/Communication/{id}",
        Needs(ReadAlerts),
        "Pages to people: read",
    ),
    get(
        "/fhir/Provenance",
        Needs(ReadStudy),
        "Where results come from: search",
    ),
    post(
        "/fhir/Provenance/_search",
        Needs(ReadStudy),
        "Where results come from: search by a form",
    ),
    get(
        "/fhir/Provenance/{id}",
        Needs(ReadStudy),
        "Where results come from: read",
    ),
    get(
        "/fhir/AuditEvent",
        Needs(ReadAudit),
        "Entries of the audit chain: search",
    ),
    post(
        "/fhir/AuditEvent/_search",
        Needs(ReadAudit),
        "Entries of the audit chain: search by a form",
    ),
    get(
        "/fhir/AuditEvent/{id}",
        Needs(ReadAudit),
        "Entries of the audit chain: read",
    ),
    get(
        "/fhir/Patient",
        Needs(ReadStudy),
        "Patients, by identifier: search",
    ),
    post(
        "/fhir/Patient/_search",
        Needs(ReadStudy),
        "Patients, by identifier: search by a form",
    ),
    get(
        "/fhir/Patient/{id}",
        Needs(ReadStudy),
        "Patients, by identifier: read",
    ),
    get(
        "/fhir/Device",
        Needs(ReadStudy),
        "The models, and this service: search",
    ),
    post(
        "/fhir/Device/_search",
        Needs(ReadStudy),
        "The models, and this service: search by a form",
    ),
    get(
        "/fhir/Device/{id}",
        Needs(ReadStudy),
        "The models, and this service: read",
    ),
    get(
        "/fhir/Subscription",
        Needs(Subscribe),
        "Who is told of results: search",
    ),
    post(
        "/fhir/Subscription/_search",
        Needs(Subscribe),
        "Who is told of results: search by a form",
    ),
    get(
        "/fhir/Subscription/{id}",
        Needs(Subscribe),
        "Who is told of results: read",
    ),
    post(
        "/fhir/Subscription",
        Needs(Subscribe),
        "Have a receiver told of results",
    ),
    delete("/fhir/Subscription/{id}", Needs(Subscribe), "End a subscription"),
];
