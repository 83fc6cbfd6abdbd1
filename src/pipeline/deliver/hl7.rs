//! Composes and sends the messages to the RIS: a change of the reading priority, and a result.

use sha2::{Digest, Sha256};
use tocsin_domain::answer::Condition;
use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::{MessageId, SiteId, Uid};
use tocsin_domain::worklist::Band;

use super::Attempt;
use super::sources;
use crate::deliver::mllp::{self, AckCode, AckOutcome};
use crate::jobs::JobError;
use crate::pipeline::env::{Env, Ris};
use crate::report::hl7_build::Built;
use crate::report::hl7_context::{Envelope, OrderContext};
use crate::report::hl7_keys;
use crate::report::orm::{self, NewPriority, PriorityChange, Reason};
use crate::report::oru::{self, ResultMessage};
use crate::report::oru_rejection::{self, Rejection};
use crate::report::{ObjectKind, ObjectUids, uids};
use crate::storage::deliveries::{self, DeliveryKind};
use crate::storage::entity::{delivery, message, study};
use crate::storage::messages::Draft;
use crate::storage::{StoreError, messages, orders, studies};

pub async fn send(env: &Env, row: &delivery::Model, study: &study::Model) -> Result<Attempt, JobError> {
    let Some(ris) = env.settings.ris.clone() else {
        return Ok(Attempt::Refused {
            reason: "no RIS is configured any more".to_owned(),
        });
    };
    let message = match composed(env, row).await? {
        Some(message) => message,
        None => match compose(env, row, study, &ris).await? {
            Composed::Message(message) => *message,
            Composed::NotPossible(reason) => return Ok(Attempt::Refused { reason }),
        },
    };
    let outcome = mllp::send(&ris.peer, &message.raw, &message.control_id).await;
    Ok(match outcome {
        Ok(AckOutcome::Accepted { code, text, raw }) => {
            answered(env, &message, "acknowledged", code.text(), raw.to_vec()).await?;
            match code == AckCode::CommitAccept && asks_the_application(&message.raw) {
                true => Attempt::Committed,
                false => Attempt::Confirmed { note: text },
            }
        }
        Ok(AckOutcome::Refused { code, text, raw }) => {
            answered(env, &message, "refused", code.text(), raw.to_vec()).await?;
            Attempt::Refused {
                reason: format!("{} {text}", code.text()),
            }
        }
        Err(error) => Attempt::Retry {
            reason: error.to_string(),
        },
    })
}

/// Whether a message of ours, written with the usual delimiters, asks for an application's answer (MSH-16).
fn asks_the_application(message: &[u8]) -> bool {
    let mut fields = message.split(|byte| *byte == b'|');
    let asked = fields.nth(15).and_then(|field| std::str::from_utf8(field).ok());
    Condition::read(asked).asks()
}

pub(super) async fn composed(env: &Env, row: &delivery::Model) -> Result<Option<message::Model>, StoreError> {
    let Some(id) = row
        .message_id
        .as_deref()
        .and_then(|id| id.parse::<MessageId>().ok())
    else {
        return Ok(None);
    };
    messages::by_id(env.store.read(), id).await
}

enum Composed {
    Message(Box<message::Model>),
    NotPossible(String),
}

async fn compose(
    env: &Env,
    row: &delivery::Model,
    study: &study::Model,
    ris: &Ris,
) -> Result<Composed, JobError> {
    let Some(order) = sources::order_context(env, study).await? else {
        return Ok(Composed::NotPossible("the order names no patient".to_owned()));
    };
    let id = MessageId(env.store.ids().uuid());
    let control_id = messages::control_id(id);
    let envelope = Envelope {
        profile: &ris.profile,
        parties: &ris.parties,
        control_id: &control_id,
        at: env.store.now(),
        zone: env.settings.time_zone,
    };
    let (kind, built) = match deliveries::kind_of(row)? {
        DeliveryKind::PriorityChange => (
            "priority change",
            priority(env, row, study, &order, &envelope).await?,
        ),
        DeliveryKind::Rejection => ("ORU^R01", rejection(row, study, &order, &envelope)?),
        DeliveryKind::ResultMessage
        | DeliveryKind::StructuredReport
        | DeliveryKind::KeyImage
        | DeliveryKind::Segmentation
        | DeliveryKind::FhirNotice
        | DeliveryKind::RejectionNote
        | DeliveryKind::FhircastUpdate => {
            let record = sources::record(env, row)
                .await?
                .ok_or_else(|| JobError::Fail("no result to send".to_owned()))?;
            ("ORU^R01", result(env, study, &record, &order, &envelope).await?)
        }
    };
    match built {
        Ok(built) => keep(env, row, study, id, kind, built)
            .await
            .map(|m| Composed::Message(Box::new(m))),
        Err(reason) => Ok(Composed::NotPossible(reason)),
    }
}

async fn priority(
    env: &Env,
    row: &delivery::Model,
    study: &study::Model,
    order: &OrderContext,
    envelope: &Envelope<'_>,
) -> Result<Result<Built, String>, JobError> {
    let wanted = row
        .detail
        .as_deref()
        .and_then(|text| Band::ALL.into_iter().find(|band| band.text() == text));
    let Some(to) = wanted else {
        return Err(JobError::Fail("the delivery names no band".to_owned()));
    };
    let human = Band::from_number(study.human_band).unwrap_or(Band::Routine);
    let before = match raised_from(env, study).await? {
        Raised::From(was) => was,
        Raised::Overtaken if to <= human => {
            return Ok(Err(
                "the order's own priority was changed meanwhile; there is nothing to restore".to_owned(),
            ));
        }
        Raised::Overtaken => String::new(),
    };
    let record = sources::record(env, row).await?;
    let flagged = record
        .as_ref()
        .and_then(|record| PriorityChange::raised(to, record));
    let change = match flagged {
        _ if to <= human && !before.is_empty() => PriorityChange::restored(&before),
        Some(change) => change,
        None => by_rule(to, study),
    };
    Ok(orm::change_priority(order, &change, envelope).map_err(|error| error.to_string()))
}

/// What a model said of images that it could not read.
fn rejection(
    row: &delivery::Model,
    study: &study::Model,
    order: &OrderContext,
    envelope: &Envelope<'_>,
) -> Result<Result<Built, String>, JobError> {
    let study_uid =
        Uid::parse(&study.study_uid).map_err(|_| JobError::Fail("a study without a UID".to_owned()))?;
    let message = Rejection {
        order,
        study_uid: &study_uid,
        why: row.detail.as_deref().unwrap_or_default(),
    };
    Ok(oru_rejection::rejection(&message, envelope).map_err(|error| error.to_string()))
}

/// What the order said before we asked for another priority.
enum Raised {
    /// Empty where it said nothing.
    From(String),
    /// Somebody has changed the order since.
    Overtaken,
}

async fn raised_from(env: &Env, study: &study::Model) -> Result<Raised, StoreError> {
    let row = match &study.order_id {
        Some(id) => orders::by_id(env.store.read(), id).await?,
        None => None,
    };
    let Some(row) = row else {
        return Ok(Raised::From(String::new()));
    };
    Ok(match orders::stands_as_raised(&row, &orders::record_of(&row)?) {
        true => Raised::From(row.raised_from.unwrap_or_default()),
        false => Raised::Overtaken,
    })
}

/// A raise that no model asked for, explained by the first reason of the worklist.
fn by_rule(to: Band, study: &study::Model) -> PriorityChange<'static> {
    let reasons: Vec<tocsin_domain::worklist::Reason> =
        serde_json::from_str(&study.reasons).unwrap_or_default();
    let said = reasons
        .into_iter()
        .find(|r| r.source != "order")
        .map(|r| r.text)
        .unwrap_or_default();
    PriorityChange {
        to: NewPriority::Raised(to),
        reason: Reason {
            code: "TRIAGE-RULE".to_owned(),
            text: "Triage rule".to_owned(),
        },
        sentence: format!("Triage: {said}"),
    }
}

/// The result message as it would be sent now; its control id is given when it is sent.
pub(super) async fn draft(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
) -> Result<Result<Built, String>, JobError> {
    let Some(ris) = &env.settings.ris else {
        return Ok(Err("no RIS is configured".to_owned()));
    };
    let Some(order) = sources::order_context(env, study).await? else {
        return Ok(Err("no order with a patient is known for this study".to_owned()));
    };
    let envelope = Envelope {
        profile: &ris.profile,
        parties: &ris.parties,
        control_id: "",
        at: env.store.now(),
        zone: env.settings.time_zone,
    };
    result(env, study, record, &order, &envelope).await
}

async fn result(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
    order: &OrderContext,
    envelope: &Envelope<'_>,
) -> Result<Result<Built, String>, JobError> {
    let header = sources::header(env, study, record).await?;
    let sr = ObjectUids::of(
        ObjectKind::StructuredReport,
        &header.study_uid,
        &record.model,
        record.id,
    );
    let device = uids::device(&env.settings.installation_serial, &record.model);
    let message = ResultMessage {
        record,
        order,
        study_uid: &header.study_uid,
        sr_instance_uid: Some(&sr.instance),
        device_uid: Some(&device),
    };
    Ok(oru::result(&message, envelope).map_err(|error| error.to_string()))
}

/// Keeps the message, and that it is the one of this delivery, before it is sent for the first time.
async fn keep(
    env: &Env,
    row: &delivery::Model,
    study: &study::Model,
    id: MessageId,
    kind: &'static str,
    built: Built,
) -> Result<message::Model, JobError> {
    let (delivery, study_id) = (deliveries::id_of(row)?, studies::id_of(study)?);
    let (site, peer) = (SiteId(study.site.clone()), row.destination.clone());
    let sha256 = hex::encode(Sha256::digest(&built.bytes));
    let draft = Draft {
        keys: hl7_keys::of(&built.bytes),
        id,
        study: Some(study_id),
        site,
        peer,
        kind: kind.to_owned(),
        raw: built.bytes,
        sha256,
    };
    let kept = env
        .store
        .write(move |tx| {
            Box::pin(async move {
                messages::compose(tx, draft).await?;
                deliveries::rendered(tx, delivery, Some(id), None, None).await?;
                messages::by_id(tx.conn(), id)
                    .await?
                    .ok_or(StoreError::Missing("message"))
            })
        })
        .await?;
    Ok(kept)
}

async fn answered(
    env: &Env,
    message: &message::Model,
    state: &'static str,
    code: &'static str,
    ack: Vec<u8>,
) -> Result<(), JobError> {
    let id: MessageId = message
        .id
        .parse()
        .map_err(|_| JobError::Fail("a message without an id".to_owned()))?;
    env.store
        .write(move |tx| {
            Box::pin(async move {
                // The application may have answered by itself before its listener did.
                let known = messages::by_id(tx.conn(), id).await?;
                let told = known.and_then(|row| row.ack_code);
                if code.starts_with('C') && told.is_some_and(|told| told.starts_with('A')) {
                    return Ok(());
                }
                messages::answered(tx, id, state, code, ack).await
            })
        })
        .await?;
    Ok(())
}
