//! Payloads of background jobs: ids only, so that a job can be read, retried and logged without a patient in it.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::ids::{
    AlertId, AnalysisId, AnnouncementId, DeliveryId, InstanceId, MessageId, NotificationId, ResultId, StudyId,
};

/// Everything that happens after something was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Apply a stored HL7 message to patients, orders and reports.
    ApplyMessage {
        message: MessageId,
        #[serde(default)]
        paging: Paging,
    },
    /// Write and send the second answer that the sender of a message is owed.
    AnswerMessage { message: MessageId },
    /// Recompute the facts of a study from its instances; decide which series are ready.
    AssembleStudy { study: StudyId },
    /// Read a structured report or a key object selection that another system sent.
    ReadDocument { instance: InstanceId },
    /// Decide per model whether it runs on the study, and why.
    AdmitStudy { study: StudyId },
    /// Run one model.
    Infer {
        analysis: AnalysisId,
        #[serde(default)]
        urgency: Urgency,
    },
    /// Run the rules over everything known of the study.
    TriageStudy { study: StudyId },
    /// Render and queue the outputs of a result.
    PublishResult { result: ResultId },
    /// Make maps of where a classifier looked, for a result that is published.
    Explain { result: ResultId },
    /// Send one object or message.
    Deliver { delivery: DeliveryId },
    /// Ask an archive to keep a delivered object safe.
    AskToKeep { delivery: DeliveryId },
    /// Look whether the archive has answered what it was asked under this UID.
    CheckKeeping {
        delivery: DeliveryId,
        transaction: String,
    },
    /// Take the next step of an alert: page, wait, escalate or stop.
    StepAlert { alert: AlertId },
    /// Hand one page to its channel.
    SendNotification { notification: NotificationId },
    /// A study that stands still past its deadline becomes visibly stuck.
    CheckStudyDeadline { study: StudyId },
    /// Ask one archive, by its name in the configuration, for earlier studies to compare this one with; fetch them.
    FindPriors { study: StudyId, source: String },
    /// Fetch the images that a notice of an archive lists, as far as they are not here.
    FetchAnnounced { announcement: AnnouncementId },
    /// Ask one modality worklist, by its name in the configuration, for orders; then again after a while.
    PollWorklist { source: String },
    /// Run one model on a study that is there to be compared with.
    InferPrior { analysis: AnalysisId },
    /// Compare the results of a study with those of earlier ones, and amend them.
    ComparePriors { study: StudyId },
}

/// Whether what a job brings about may page people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Paging {
    #[default]
    AsUsual,
    /// Alerts are raised, shown, and page nobody before somebody lets them.
    Withheld,
}

/// Whether a patient may come to harm while a model's run waits. Runs of both kinds have a lane and a process each, so that
/// none of the first waits for one of the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    #[default]
    Urgent,
    /// Gives way, also to what comes later.
    Routine,
}

/// Lanes keep slow work from delaying urgent work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    Alerts,
    Ingest,
    /// Urgent runs of models.
    Inference,
    Delivery,
    /// Routine runs of models.
    Screening,
    /// Other systems are asked: for earlier studies, for images that were announced, for orders.
    Priors,
    /// They are read and compared with, when nothing waits to be read for its own sake.
    Comparison,
}

impl Lane {
    pub const ALL: [Lane; 7] = [
        Lane::Alerts,
        Lane::Ingest,
        Lane::Inference,
        Lane::Delivery,
        Lane::Screening,
        Lane::Priors,
        Lane::Comparison,
    ];

    /// Whether its jobs run models, which takes seconds in a child process.
    pub fn runs_models(self) -> bool {
        match self {
            Self::Inference | Self::Screening | Self::Comparison => true,
            Self::Alerts | Self::Ingest | Self::Delivery | Self::Priors => false,
        }
    }

    pub fn number(self) -> i16 {
        match self {
            Self::Alerts => 0,
            Self::Ingest => 1,
            Self::Inference => 2,
            Self::Delivery => 3,
            Self::Screening => 4,
            Self::Priors => 5,
            Self::Comparison => 6,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Alerts => "alerts",
            Self::Ingest => "ingest",
            Self::Inference => "inference",
            Self::Delivery => "delivery",
            Self::Screening => "screening",
            Self::Priors => "priors",
            Self::Comparison => "comparison",
        }
    }

    /// How long a worker may hold a job without renewing its lease, in seconds.
    pub fn lease_seconds(self) -> i64 {
        match self {
            Self::Alerts => 10,
            Self::Ingest | Self::Delivery => 15,
            Self::Inference | Self::Screening | Self::Priors | Self::Comparison => 30,
        }
    }

    /// How long to wait before attempt `attempts + 1`. Doubles up to a cap that keeps a recovered peer waiting no longer
    /// than 15 s for a page and a minute for the rest; a little of the job's number spreads those that failed together.
    pub fn backoff(self, attempts: i64, seq: i64) -> TimeDelta {
        let cap = match self {
            Self::Alerts => 15_000,
            Self::Ingest | Self::Inference | Self::Screening | Self::Comparison => 30_000,
            Self::Delivery => 60_000,
            Self::Priors => 300_000,
        };
        let doubled = 1000_i64.saturating_mul(1 << attempts.clamp(1, 12).saturating_sub(1));
        TimeDelta::milliseconds(doubled.min(cap) + (seq % 7) * 40)
    }

    pub fn max_attempts(self) -> i64 {
        match self {
            // A page is owed until someone acknowledges; escalation bounds it, not a retry count.
            Self::Alerts => 10_000,
            Self::Ingest => 8,
            Self::Inference | Self::Screening | Self::Comparison => 3,
            // Half an hour of an archive that is down: by then somebody has read the study.
            Self::Priors => 14,
            // A week of a system that is down; after that a person looks at what is owed.
            Self::Delivery => 10_000,
        }
    }

    /// How often the process may die under a job before the job is suspected and given up. Inference runs in a child and
    /// takes seconds: a power cut or a restart is then more likely than guilt, and `pause_after_deaths` bounds the harm.
    pub fn max_deaths(self) -> i64 {
        match self {
            Self::Inference | Self::Screening => 50,
            Self::Ingest | Self::Priors | Self::Comparison => 8,
            Self::Alerts | Self::Delivery => self.max_attempts(),
        }
    }

    /// The lane whose waiting jobs go first: none of this lane is taken up while one of that lane waits or runs.
    pub fn yields_to(self) -> Option<Self> {
        match self {
            Self::Comparison => Some(Self::Inference),
            Self::Alerts
            | Self::Ingest
            | Self::Inference
            | Self::Delivery
            | Self::Screening
            | Self::Priors => None,
        }
    }
}

/// How long a run of a model waits after a restart when the process had died under it so often before: not at all after the
/// first time, and then longer, so that whatever the job does to the process, the rest of the work gets its turn.
pub fn pause_after_deaths(before: i64) -> TimeDelta {
    TimeDelta::seconds(before.clamp(0, 15) * 2)
}

impl Work {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ApplyMessage { .. } => "apply_message",
            Self::AnswerMessage { .. } => "answer_message",
            Self::AssembleStudy { .. } => "assemble_study",
            Self::ReadDocument { .. } => "read_document",
            Self::AdmitStudy { .. } => "admit_study",
            Self::Infer { .. } => "infer",
            Self::TriageStudy { .. } => "triage_study",
            Self::PublishResult { .. } => "publish_result",
            Self::Explain { .. } => "explain",
            Self::Deliver { .. } => "deliver",
            Self::AskToKeep { .. } => "ask_to_keep",
            Self::CheckKeeping { .. } => "check_keeping",
            Self::StepAlert { .. } => "step_alert",
            Self::SendNotification { .. } => "send_notification",
            Self::CheckStudyDeadline { .. } => "check_study_deadline",
            Self::FindPriors { .. } => "find_priors",
            Self::FetchAnnounced { .. } => "fetch_announced",
            Self::PollWorklist { .. } => "poll_worklist",
            Self::InferPrior { .. } => "infer_prior",
            Self::ComparePriors { .. } => "compare_priors",
        }
    }

    pub fn lane(&self) -> Lane {
        match self {
            Self::StepAlert { .. } | Self::SendNotification { .. } => Lane::Alerts,
            Self::Infer {
                urgency: Urgency::Urgent,
                ..
            } => Lane::Inference,
            Self::Infer {
                urgency: Urgency::Routine,
                ..
            }
            // What shows why comes after what was found, and keeps nobody waiting.
            | Self::Explain { .. } => Lane::Screening,
            Self::Deliver { .. } | Self::AnswerMessage { .. } | Self::AskToKeep { .. } | Self::CheckKeeping { .. } => Lane::Delivery,
            Self::FindPriors { .. } | Self::FetchAnnounced { .. } | Self::PollWorklist { .. } => Lane::Priors,
            Self::InferPrior { .. } | Self::ComparePriors { .. } => Lane::Comparison,
            Self::ApplyMessage { .. }
            | Self::AssembleStudy { .. }
            | Self::ReadDocument { .. }
            | Self::AdmitStudy { .. }
            | Self::TriageStudy { .. }
            | Self::PublishResult { .. }
            | Self::CheckStudyDeadline { .. } => Lane::Ingest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_tried_again_within_fifteen_seconds() {
        let waits: Vec<i64> = (1..8).map(|n| Lane::Alerts.backoff(n, 0).num_seconds()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 15, 15, 15]);
        assert_eq!(Lane::Delivery.backoff(10_000, 0).num_seconds(), 60);
    }

    #[test]
    fn an_archive_that_is_down_is_asked_for_half_an_hour() {
        let lane = Lane::Priors;
        let waits = (1..lane.max_attempts()).map(|n| lane.backoff(n, 0).num_seconds());
        let minutes = waits.sum::<i64>() / 60;
        assert!((20..40).contains(&minutes), "{minutes}");
    }

    #[test]
    fn a_run_that_died_with_the_process_once_is_taken_up_at_once_and_later_ones_make_way() {
        let waits: Vec<i64> = [0, 1, 5, 15, 49]
            .map(|n| pause_after_deaths(n).num_seconds())
            .into();
        assert_eq!(waits, [0, 2, 10, 30, 30]);
    }

    #[test]
    fn a_payload_is_read_back_as_it_was_written() {
        let work = Work::Infer {
            analysis: AnalysisId(uuid::Uuid::from_u128(7)),
            urgency: Urgency::Routine,
        };
        let text = serde_json::to_string(&work).expect("a payload is JSON");
        assert_eq!(serde_json::from_str::<Work>(&text).expect("its own JSON"), work);
    }

    #[test]
    fn a_run_is_urgent_unless_it_says_otherwise_and_the_lanes_differ() {
        let older = r#"{"kind":"infer","analysis":"00000000-0000-0000-0000-000000000007"}"#;
        let work: Work = serde_json::from_str(older).expect("a payload of before");
        assert_eq!(work.lane(), Lane::Inference);
        let analysis = AnalysisId(uuid::Uuid::from_u128(7));
        let routine = Work::Infer {
            analysis,
            urgency: Urgency::Routine,
        };
        assert_eq!(routine.lane(), Lane::Screening);
        let numbers: Vec<i16> = Lane::ALL.map(Lane::number).into();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6], "rows of before keep their lane");
    }
}
