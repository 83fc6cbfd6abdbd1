//! The kinds of resource that are served.

/// A resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    AuditEvent,
    Communication,
    Device,
    DiagnosticReport,
    ImagingStudy,
    Observation,
    Patient,
    Provenance,
    ServiceRequest,
    Subscription,
    Task,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::AuditEvent,
        Self::Communication,
        Self::Device,
        Self::DiagnosticReport,
        Self::ImagingStudy,
        Self::Observation,
        Self::Patient,
        Self::Provenance,
        Self::ServiceRequest,
        Self::Subscription,
        Self::Task,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::AuditEvent => "AuditEvent",
            Self::Communication => "Communication",
            Self::Device => "Device",
            Self::DiagnosticReport => "DiagnosticReport",
            Self::ImagingStudy => "ImagingStudy",
            Self::Observation => "Observation",
            Self::Patient => "Patient",
            Self::Provenance => "Provenance",
            Self::ServiceRequest => "ServiceRequest",
            Self::Subscription => "Subscription",
            Self::Task => "Task",
        }
    }

    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a subscription may wait for it: what a model has said.
    pub fn is_told(self) -> bool {
        match self {
            Self::DiagnosticReport | Self::Observation => true,
            Self::AuditEvent
            | Self::Communication
            | Self::Device
            | Self::ImagingStudy
            | Self::Patient
            | Self::Provenance
            | Self::ServiceRequest
            | Self::Subscription
            | Self::Task => false,
        }
    }
}
