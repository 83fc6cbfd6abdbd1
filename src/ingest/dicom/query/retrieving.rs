//! C-GET and C-MOVE: one sub-operation for each instance, back over the same association or to a node of the configuration,
//! with an answer after each that says how far it has come (PS3.4 C.4.2, C.4.3).

use dicom_core::VR;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use tocsin_domain::dimse::query::{
    STATUS_CANCELLED, STATUS_DESTINATION_UNKNOWN, STATUS_NOTHING_SENT, STATUS_PENDING,
    STATUS_SUB_OPERATIONS_FAILED, STATUS_TOO_MANY, SubOperations,
};
use tocsin_domain::dimse::{self, Head, Originator, Response};
use tracing::{info, warn};

use super::question::Question;
use super::search;
use super::sending::{Outlet, Sent};
use super::{STATUS_UNABLE, noted, root_of};
use crate::deliver::chain;
use crate::deliver::dicom::Sender;
use crate::ingest::dicom::association::Association;
use crate::ingest::dicom::line::Broken;
use crate::ingest::dicom::services::{Asked, Reply, Served};
use crate::ingest::dicom::sink::InstanceSink;
use crate::storage::StoreError;
use crate::storage::entity::instance;
use crate::storage::holdings::Part;

/// Instances of one request; its counters go no further.
const MOST_INSTANCES: usize = 65_535;
const MOST_STUDIES: usize = 1_000;

/// Why nothing is sent.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("no identifier")]
    NoIdentifier,
    #[error(transparent)]
    Unclear(super::question::Unclear),
    #[error("this AE title is not in the configuration, or has no port")]
    Destination,
    #[error("more than {MOST_INSTANCES} instances, or {MOST_STUDIES} studies")]
    TooMany,
    #[error("try again later")]
    Store(#[source] StoreError),
}

impl Refused {
    fn status(&self) -> u16 {
        match self {
            Self::NoIdentifier | Self::Unclear(_) => dimse::STATUS_DATA_SET_MISMATCH,
            Self::Destination => STATUS_DESTINATION_UNKNOWN,
            Self::TooMany => STATUS_TOO_MANY,
            Self::Store(_) => STATUS_UNABLE,
        }
    }
}

/// How far a retrieval has come.
#[derive(Default)]
struct Progress {
    remaining: usize,
    completed: usize,
    warning: usize,
    /// UIDs of those that were not sent or not taken.
    failed: Vec<String>,
}

impl Progress {
    fn count(&mut self, row: &instance::Model, sent: &Sent) {
        self.remaining = self.remaining.saturating_sub(1);
        match sent {
            Sent::Taken => self.completed += 1,
            Sent::Warned => self.warning += 1,
            Sent::Failed(reason) => {
                warn!(instance.id = %row.id, reason, "an instance was not sent");
                self.failed.push(row.sop_uid.clone());
            }
        }
    }

    fn counts(&self) -> SubOperations {
        let number = |count: usize| Some(u16::try_from(count).unwrap_or(u16::MAX));
        SubOperations {
            remaining: number(self.remaining),
            completed: number(self.completed),
            failed: number(self.failed.len()),
            warning: number(self.warning),
        }
    }

    /// The last answer, which names what failed.
    fn end(&self, head: &Head, cancelled: bool) -> Reply {
        let status = match (cancelled, self.failed.len(), self.completed + self.warning) {
            (true, ..) => STATUS_CANCELLED,
            (false, 0, _) if self.warning == 0 => dimse::STATUS_SUCCESS,
            (false, 1.., 0) => STATUS_NOTHING_SENT,
            (false, ..) => STATUS_SUB_OPERATIONS_FAILED,
        };
        let mut response = Response::to(head, status, "");
        response.sub_operations = self.counts();
        // The standard has it in the answers to come and after a cancellation.
        response.sub_operations.remaining = response.sub_operations.remaining.filter(|_| cancelled);
        let named = !self.failed.is_empty() && status != dimse::STATUS_SUCCESS;
        Reply {
            response,
            data: named.then(|| {
                let mut failed = InMemDicomObject::new_empty();
                let uids = self.failed.join("\\");
                super::super::small::put(&mut failed, tags::FAILED_SOP_INSTANCE_UID_LIST, VR::UI, &uids);
                failed
            }),
        }
    }
}

impl<S: InstanceSink> Association<S> {
    pub(in crate::ingest::dicom) async fn get(
        &mut self,
        served: &Served,
        asked: &Asked,
        head: &Head,
    ) -> Result<(), Broken> {
        let to = self.calling_ae.clone();
        match chosen(served, &to, &to, asked, head).await {
            Ok(rows) => self.send_all(asked, head, rows, Outlet::Back).await,
            Err(refused) => self.refuse(asked, head, &refused).await,
        }
    }

    pub(in crate::ingest::dicom) async fn move_to(
        &mut self,
        served: &Served,
        asked: &Asked,
        head: &Head,
        destination: &str,
    ) -> Result<(), Broken> {
        let Some(peer) = served
            .destinations
            .iter()
            .find(|peer| peer.ae_title == destination)
        else {
            return self.refuse(asked, head, &Refused::Destination).await;
        };
        let rows = match chosen(served, &self.calling_ae, destination, asked, head).await {
            Ok(rows) => rows,
            Err(refused) => return self.refuse(asked, head, &refused).await,
        };
        if rows.is_empty() {
            return self.send_all(asked, head, rows, Outlet::Back).await;
        }
        let mut kinds: Vec<(&str, &str)> = rows
            .iter()
            .map(|row| (row.sop_class.as_str(), row.transfer_syntax.as_str()))
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let originator = Originator {
            ae_title: self.calling_ae.clone(),
            message_id: head.message_id,
        };
        match Sender::open(peer, &kinds).await {
            Ok(sender) => {
                let away = Outlet::Away(Box::new(sender), originator);
                self.send_all(asked, head, rows, away).await
            }
            Err(error) => {
                warn!(destination, error = %chain(&error), "the destination of a C-MOVE cannot be reached");
                let progress = Progress {
                    failed: rows.into_iter().map(|row| row.sop_uid).collect(),
                    ..Progress::default()
                };
                let mut reply = progress.end(head, false);
                reply.response.comment = error.to_string();
                self.reply(asked, reply).await
            }
        }
    }

    async fn send_all(
        &mut self,
        asked: &Asked,
        head: &Head,
        rows: Vec<instance::Model>,
        mut outlet: Outlet,
    ) -> Result<(), Broken> {
        let mut progress = Progress {
            remaining: rows.len(),
            ..Progress::default()
        };
        let mut cancelled = false;
        for row in &rows {
            cancelled = self.line.is_cancelled(head.message_id).await?;
            if cancelled {
                break;
            }
            let sent = outlet.send(&mut self.line, &self.env.blobs, row).await?;
            progress.count(row, &sent);
            let mut response = Response::to(head, STATUS_PENDING, "");
            response.sub_operations = progress.counts();
            self.reply(asked, Reply { response, data: None }).await?;
        }
        outlet.close().await;
        info!(
            instances = rows.len(),
            completed = progress.completed,
            failed = progress.failed.len(),
            cancelled,
            "retrieval ended"
        );
        self.reply(asked, progress.end(head, cancelled)).await
    }

    async fn refuse(&mut self, asked: &Asked, head: &Head, refused: &Refused) -> Result<(), Broken> {
        let status = refused.status();
        warn!(status = format_args!("{status:#06x}"), reason = %chain(refused), "retrieval refused");
        self.reply(asked, Reply::status(head, status, &refused.to_string()))
            .await
    }
}

/// What is asked for, once the audit chain says who gets it.
async fn chosen(
    served: &Served,
    calling_ae: &str,
    to: &str,
    asked: &Asked,
    head: &Head,
) -> Result<Vec<instance::Model>, Refused> {
    let data = asked.data.as_ref().ok_or(Refused::NoIdentifier)?;
    let question = Question::named(root_of(&head.sop_class), data).map_err(Refused::Unclear)?;
    let site = (served.site_of)(calling_ae);
    let found = search::studies(served, &site, &question, MOST_STUDIES)
        .await
        .map_err(Refused::Store)?;
    if found.len() > MOST_STUDIES {
        return Err(Refused::TooMany);
    }
    let studies: Vec<String> = found.into_iter().map(|found| found.row.id).collect();
    let part = Part {
        series: question.values(tags::SERIES_INSTANCE_UID).map(<[String]>::to_vec),
        instances: question.values(tags::SOP_INSTANCE_UID).map(<[String]>::to_vec),
    };
    let rows = search::rows(served, &studies, &part, MOST_INSTANCES)
        .await
        .map_err(Refused::Store)?;
    if rows.len() > MOST_INSTANCES {
        return Err(Refused::TooMany);
    }
    let about = ("sent", serde_json::json!({ "to": to, "instances": rows.len() }));
    noted(served, calling_ae, "study.retrieve", studies, about)
        .await
        .map_err(Refused::Store)?;
    Ok(rows)
}
