//! The search parameters of each kind of resource, as R4 names them: what type they are of, and where in a resource they look.

use crate::fhir::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Token,
    Date,
    Reference,
    Text,
    Uri,
    /// An identifier of the patient that a resource is about.
    PatientIdentifier,
}

impl Type {
    /// As a capability statement says it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Token | Self::PatientIdentifier => "token",
            Self::Date => "date",
            Self::Reference => "reference",
            Self::Text => "string",
            Self::Uri => "uri",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    pub name: &'static str,
    pub kind: Type,
    pub path: &'static str,
}

const fn param(kind: Type, name: &'static str, path: &'static str) -> Param {
    Param { name, kind, path }
}

const fn token(name: &'static str, path: &'static str) -> Param {
    param(Type::Token, name, path)
}

const fn date(name: &'static str, path: &'static str) -> Param {
    param(Type::Date, name, path)
}

const fn reference(name: &'static str, path: &'static str) -> Param {
    param(Type::Reference, name, path)
}

const fn text(name: &'static str, path: &'static str) -> Param {
    param(Type::Text, name, path)
}

const fn uri(name: &'static str, path: &'static str) -> Param {
    param(Type::Uri, name, path)
}

/// Whom it is about.
const fn whose(name: &'static str) -> Param {
    param(Type::PatientIdentifier, name, "")
}

const EVERY: &[Param] = &[token("_id", "id"), date("_lastUpdated", "meta.lastUpdated")];

const AUDIT_EVENT: &[Param] = &[
    date("date", "recorded"),
    token("action", "action"),
    token("outcome", "outcome"),
    token("type", "type"),
    token("subtype", "subtype"),
    text("agent-name", "agent.name"),
    text("entity-name", "entity.name"),
];
const COMMUNICATION: &[Param] = &[
    token("identifier", "identifier"),
    reference("patient", "subject"),
    reference("subject", "subject"),
    whose("patient.identifier"),
    token("status", "status"),
    token("category", "category"),
    date("sent", "sent"),
    date("received", "received"),
];
const DEVICE: &[Param] = &[
    token("identifier", "identifier"),
    token("status", "status"),
    token("type", "type"),
    text("device-name", "deviceName.name"),
    text("manufacturer", "manufacturer"),
];
const DIAGNOSTIC_REPORT: &[Param] = &[
    token("identifier", "identifier"),
    reference("patient", "subject"),
    reference("subject", "subject"),
    whose("patient.identifier"),
    token("status", "status"),
    token("code", "code"),
    token("category", "category"),
    date("date", "effectiveDateTime"),
    date("issued", "issued"),
    reference("based-on", "basedOn"),
    reference("result", "result"),
];
const IMAGING_STUDY: &[Param] = &[
    token("identifier", "identifier"),
    reference("patient", "subject"),
    reference("subject", "subject"),
    whose("patient.identifier"),
    token("status", "status"),
    token("modality", "modality"),
    token("series", "series.uid"),
    date("started", "started"),
    reference("basedon", "basedOn"),
];
const OBSERVATION: &[Param] = &[
    token("identifier", "identifier"),
    reference("patient", "subject"),
    reference("subject", "subject"),
    whose("patient.identifier"),
    token("status", "status"),
    token("code", "code"),
    token("category", "category"),
    token("value-concept", "valueCodeableConcept"),
    token("component-code", "component.code"),
    date("date", "effectiveDateTime"),
    reference("based-on", "basedOn"),
    reference("derived-from", "derivedFrom"),
    reference("has-member", "hasMember"),
    reference("device", "device"),
];
const PATIENT: &[Param] = &[
    token("identifier", "identifier"),
    token("active", "active"),
    token("gender", "gender"),
    date("birthdate", "birthDate"),
];
const PROVENANCE: &[Param] = &[
    reference("target", "target"),
    reference("agent", "agent.who"),
    reference("entity", "entity.what"),
    date("recorded", "recorded"),
];
const SERVICE_REQUEST: &[Param] = &[
    token("identifier", "identifier"),
    reference("patient", "subject"),
    reference("subject", "subject"),
    whose("patient.identifier"),
    token("status", "status"),
    token("intent", "intent"),
    token("priority", "priority"),
    token("code", "code"),
    token("category", "category"),
];
const SUBSCRIPTION: &[Param] = &[
    token("status", "status"),
    token("type", "channel.type"),
    token("payload", "channel.payload"),
    uri("url", "channel.endpoint"),
    text("criteria", "criteria"),
];
const TASK: &[Param] = &[
    reference("patient", "for"),
    reference("subject", "for"),
    whose("patient.identifier"),
    token("status", "status"),
    token("intent", "intent"),
    token("priority", "priority"),
    token("code", "code"),
    date("authored-on", "authoredOn"),
    date("modified", "lastModified"),
    reference("based-on", "basedOn"),
    reference("focus", "focus"),
];

fn own(kind: Kind) -> &'static [Param] {
    match kind {
        Kind::AuditEvent => AUDIT_EVENT,
        Kind::Communication => COMMUNICATION,
        Kind::Device => DEVICE,
        Kind::DiagnosticReport => DIAGNOSTIC_REPORT,
        Kind::ImagingStudy => IMAGING_STUDY,
        Kind::Observation => OBSERVATION,
        Kind::Patient => PATIENT,
        Kind::Provenance => PROVENANCE,
        Kind::ServiceRequest => SERVICE_REQUEST,
        Kind::Subscription => SUBSCRIPTION,
        Kind::Task => TASK,
    }
}

pub fn of(kind: Kind) -> impl Iterator<Item = &'static Param> {
    EVERY.iter().chain(own(kind))
}

pub fn find(kind: Kind, name: &str) -> Option<&'static Param> {
    of(kind).find(|param| param.name == name)
}
