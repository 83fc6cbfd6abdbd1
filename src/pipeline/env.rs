//! What the jobs share, and which job a payload asks for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Tz;
use tocsin_domain::alert::{Person, Policy};
use tocsin_domain::clock::Timestamp;
use tocsin_domain::leaving::SendPolicy;
use tocsin_domain::triage::Pack;
use tocsin_domain::vendor::product::Product;
use tocsin_domain::work::Work;
use tocsin_domain::worklist::PriorityMap;

use crate::deliver::dicom::DicomPeer;
use crate::deliver::hook::HookPeer;
use crate::deliver::hub::HubPeer;
use crate::deliver::mllp::MllpPeer;
use crate::deliver::web::WebPeer;
use crate::fhir;
use crate::inference::pool::Pool;
use crate::jobs::{Handler, JobError};
use crate::notify::{Mailer, PageTemplates};
use crate::report::hl7_context::Parties;
use crate::report::site_profile::SendProfile;
use crate::retrieve::Priors;
use crate::retrieve::worklist::Worklist;
use crate::storage::Store;
use crate::storage::blobs::BlobStore;
use crate::storage::leases::Lease;
use crate::telemetry::Metrics;

use super::models::{AbsentModel, ActiveModel};
use super::{
    admit_study, answer_message, apply_message, assemble_study, check_deadline, compare_priors, deliver,
    explain, fetch_announced, find_priors, infer, keep_safe, poll_worklist, publish_result, read_document,
    send_notification, step_alert, triage_study,
};

/// Everything a job may use.
pub struct Env {
    pub store: Store,
    pub blobs: BlobStore,
    pub settings: Arc<Settings>,
    pub metrics: Metrics,
    pub mailer: Mailer,
    pub templates: PageTemplates,
    /// The rule packs in force.
    pub packs: Arc<Vec<Pack>>,
    /// The models in force.
    pub models: Arc<Vec<ActiveModel>>,
    pub absent_models: Arc<Vec<AbsentModel>>,
    /// The child process that decodes and infers.
    pub worker: Arc<Pool>,
    /// The archives that are asked for earlier studies, if there are any.
    pub priors: Option<Arc<Priors>>,
    /// The modality worklists that are asked for orders.
    pub worklists: Arc<Vec<Worklist>>,
    /// What results are told as to subscribers, and how each receiver is called.
    pub fhir: Arc<fhir::Server>,
    pub hooks: Vec<HookPeer>,
    /// The FHIRcast hub, if there is one.
    pub hub: Option<Hub>,
}

/// A hub, and whose reports are offered what.
#[derive(Clone)]
pub struct Hub {
    pub peer: HubPeer,
    pub topics: Vec<String>,
    /// Not only results in which something was found.
    pub any: bool,
    pub patience_minutes: u32,
    /// From one look at a session to the next.
    pub look: Duration,
}

/// The configuration as far as jobs read it.
pub struct Settings {
    pub site_name: String,
    pub time_zone: Tz,
    /// Where phones reach the acknowledge page, without a slash at its end.
    pub base_url: String,
    /// As `SeriesSignals` has it.
    pub step_patience: TimeDelta,
    /// Assigning authority of identifiers that name none.
    pub default_authority: String,
    pub priorities: PriorityMap,
    pub people: Vec<Person>,
    pub policies: BTreeMap<String, Policy>,
    pub default_policy: String,
    pub mail_from: String,
    /// Right-hand side of our Message-IDs.
    pub mail_host: String,
    /// Signs acknowledge links, which hold for so long.
    pub link_key: Vec<u8>,
    pub link_hours: i64,
    /// Whether a RIS is configured to be told anything.
    pub ris_enabled: bool,
    /// So often in a row a subscriber may fail.
    pub hook_failures: i64,
    pub ris: Option<Ris>,
    /// Where the second answer to a sender goes, by its name in the configuration.
    pub answers: BTreeMap<String, AnswerRoute>,
    pub archives: Vec<Archive>,
    /// Which results wait for a radiologist before they leave.
    pub sends: SendPolicy,
    /// Other vendors' products whose results are read.
    pub vendors: Vec<Product>,
    pub site_id: String,
    /// Names this installation in what it makes; stable.
    pub installation_serial: String,
}

/// The RIS, and how it wants its messages.
#[derive(Clone)]
pub struct Ris {
    pub peer: MllpPeer,
    pub profile: SendProfile,
    pub parties: Parties,
}

/// Where a sender takes the answers that come after a message was applied.
#[derive(Clone)]
pub enum AnswerRoute {
    To(MllpPeer),
    /// Its own connection; the listener does it.
    SameConnection,
}

/// Which results a receiver of objects gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gets {
    Everything,
    /// Those of studies that a rule routes to it.
    WhatRulesRoute,
}

/// How objects are handed to a receiver.
#[derive(Clone)]
pub enum Way {
    /// C-STORE.
    Dicom(DicomPeer),
    /// STOW-RS.
    Web(WebPeer),
}

/// A receiver of objects, and what it gets.
#[derive(Clone)]
pub struct Archive {
    /// Its AE title, or what it is called in the configuration.
    pub name: String,
    pub way: Way,
    pub gets: Gets,
    pub structured_report: bool,
    pub key_image: bool,
    pub segmentation: bool,
    /// It is asked to keep safe what it has taken.
    pub commitment: bool,
    pub rejects: Rejects,
}

impl Archive {
    /// How it is asked to keep safe what it has taken, if it is.
    pub fn committing(&self) -> Option<&DicomPeer> {
        match (&self.way, self.commitment) {
            (Way::Dicom(peer), true) => Some(peer),
            (Way::Dicom(_), false) | (Way::Web(_), _) => None,
        }
    }
}

/// When a receiver is told that objects of a result are taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejects {
    Never,
    /// Of results that were withdrawn.
    Withdrawn,
    /// Of those that a corrected one has replaced, too.
    Replaced,
}

impl Settings {
    /// The site's wall clock, for people.
    pub fn local_time(&self, at: Timestamp) -> String {
        at.with_timezone(&self.time_zone)
            .format("%Y-%m-%d %H:%M:%S")
            .to_string()
    }

    /// As HL7 writes it, with its offset.
    pub fn hl7_time(&self, at: Timestamp) -> String {
        at.with_timezone(&self.time_zone)
            .format("%Y%m%d%H%M%S%z")
            .to_string()
    }

    /// The policy of that name, else the default one.
    pub fn policy(&self, name: Option<&str>) -> Option<&Policy> {
        name.and_then(|name| self.policies.get(name))
            .or_else(|| self.policies.get(&self.default_policy))
    }
}

impl Handler for Env {
    async fn run(&self, lease: &Lease) -> Result<(), JobError> {
        let started = std::time::Instant::now();
        let outcome = self.dispatch(lease).await;
        self.metrics
            .stage(lease.work.kind())
            .observe(started.elapsed().as_secs_f64());
        outcome
    }

    async fn given_up(&self, lease: &Lease, reason: &str) {
        let marked = match lease.work {
            Work::ApplyMessage { message, .. } => apply_message::given_up(self, message, reason).await,
            Work::AnswerMessage { message } => answer_message::given_up(self, message, reason).await,
            Work::Infer { analysis, .. } | Work::InferPrior { analysis } => {
                infer::given_up(self, analysis, reason).await
            }
            Work::Explain { result } => explain::given_up(self, result, reason).await,
            Work::Deliver { delivery } => deliver::given_up(self, delivery, reason).await,
            Work::AskToKeep { delivery } => keep_safe::given_up(self, delivery, reason).await,
            Work::ReadDocument { instance } => read_document::given_up(self, instance, reason).await,
            Work::AssembleStudy { study }
            | Work::AdmitStudy { study }
            | Work::TriageStudy { study }
            | Work::CheckStudyDeadline { study } => {
                check_deadline::stuck(self, study, lease.work.kind(), reason).await
            }
            Work::FindPriors { study, ref source } => {
                find_priors::given_up(self, study, source, reason).await
            }
            Work::FetchAnnounced { announcement } => {
                fetch_announced::given_up(self, announcement, reason).await
            }
            Work::PollWorklist { ref source } => poll_worklist::given_up(self, source, reason).await,
            // The row of the page or result says what happened; escalation goes on by its own timer.
            Work::PublishResult { .. }
            | Work::StepAlert { .. }
            | Work::SendNotification { .. }
            | Work::CheckKeeping { .. }
            | Work::ComparePriors { .. } => Ok(()),
        };
        if let Err(error) = marked {
            tracing::error!(%error, "a job that was given up could not be marked");
        }
    }
}

impl Env {
    async fn dispatch(&self, lease: &Lease) -> Result<(), JobError> {
        match lease.work {
            Work::ApplyMessage { message, paging } => apply_message::run(self, lease, message, paging).await,
            Work::AnswerMessage { message } => answer_message::run(self, lease, message).await,
            Work::AssembleStudy { study } => assemble_study::run(self, lease, study).await,
            Work::ReadDocument { instance } => read_document::run(self, lease, instance).await,
            Work::AdmitStudy { study } => admit_study::run(self, lease, study).await,
            Work::Infer { analysis, urgency } => infer::run(self, lease, analysis, Some(urgency)).await,
            Work::InferPrior { analysis } => infer::run(self, lease, analysis, None).await,
            Work::PublishResult { result } => publish_result::run(self, lease, result).await,
            Work::Explain { result } => explain::run(self, lease, result).await,
            Work::Deliver { delivery } => deliver::run(self, lease, delivery).await,
            Work::AskToKeep { delivery } => keep_safe::run(self, lease, delivery).await,
            Work::CheckKeeping {
                delivery,
                ref transaction,
            } => keep_safe::check(self, lease, delivery, transaction).await,
            Work::TriageStudy { study } => triage_study::run(self, lease, study).await,
            Work::StepAlert { alert } => step_alert::run(self, lease, alert).await,
            Work::SendNotification { notification } => {
                send_notification::run(self, lease, notification).await
            }
            Work::CheckStudyDeadline { study } => check_deadline::run(self, lease, study).await,
            Work::FindPriors { study, ref source } => find_priors::run(self, lease, study, source).await,
            Work::FetchAnnounced { announcement } => fetch_announced::run(self, lease, announcement).await,
            Work::PollWorklist { ref source } => poll_worklist::run(self, lease, source).await,
            Work::ComparePriors { study } => compare_priors::run(self, lease, study).await,
        }
    }
}
