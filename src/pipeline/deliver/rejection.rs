//! Takes back, at one archive, what it was sent of the results that this one replaces: of every version that a radiologist or a comparison has
//! made, since each is an object there. What it never got, and what it was told of before, is not named.

use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::Uid;

use super::{dicom, sources};
use crate::jobs::JobError;
use crate::pipeline::env::Env;
use crate::report::{self, Context, Object, ObjectKind, ObjectUids, SentObject};
use crate::storage::deliveries::{self, DeliveryKind, DeliveryState};
use crate::storage::entity::{delivery, study};
use crate::storage::{StoreError, results, studies};

/// Results of one model on one study that are looked through at most.
const CHAIN: usize = 1_000;

/// The selection, or `None` where the archive has nothing of the older results.
pub async fn compose(
    env: &Env,
    row: &delivery::Model,
    study: &study::Model,
    record: &ResultRecord,
) -> Result<Option<Object>, JobError> {
    let header = sources::header(env, study, record).await?;
    let sent = sent(env, row, study, record).await?;
    if sent.is_empty() {
        return Ok(None);
    }
    let (revision, predecessor) = dicom::history(env, study, record, &header).await?;
    let installation = dicom::installation(env, record);
    let context = Context {
        record,
        header: &header,
        installation: &installation,
        revision,
        predecessor: predecessor.as_ref(),
    };
    let object = report::rejection(&context, &sent);
    object
        .map(Some)
        .map_err(|error| JobError::Fail(error.to_string()))
}

/// What this archive has confirmed of the results before this one, back to those that it was told to reject.
async fn sent(
    env: &Env,
    row: &delivery::Model,
    study: &study::Model,
    record: &ResultRecord,
) -> Result<Vec<SentObject>, StoreError> {
    let mut owed = deliveries::of_study(env.store.read(), studies::id_of(study)?).await?;
    owed.retain(|other| {
        other.destination == row.destination && other.state == DeliveryState::Confirmed.text()
    });
    let uid = Uid::parse(&study.study_uid).map_err(|_| StoreError::Missing("UID of the study"))?;
    let mut found = Vec::new();
    let mut older = record.supersedes;
    for _ in 0..CHAIN {
        let Some(id) = older else { break };
        let known = results::record_of(&results::get(env.store.read(), id).await?)?;
        let own = |other: &&delivery::Model| other.result_id == Some(id.to_string());
        for other in owed.iter().filter(own) {
            found.extend(object(other, &uid, &known)?);
        }
        let noted = DeliveryKind::RejectionNote.text();
        let rejected = |other: &delivery::Model| other.kind == noted && other.object_uid.is_some();
        older = match owed.iter().filter(own).any(rejected) {
            true => None,
            false => known.supersedes,
        };
    }
    Ok(found)
}

/// What of a result a delivery has brought.
fn object(other: &delivery::Model, study: &Uid, of: &ResultRecord) -> Result<Option<SentObject>, StoreError> {
    let kind = match deliveries::kind_of(other)? {
        DeliveryKind::StructuredReport => ObjectKind::StructuredReport,
        DeliveryKind::KeyImage => ObjectKind::KeyImage,
        DeliveryKind::Segmentation => ObjectKind::Segmentation,
        DeliveryKind::PriorityChange
        | DeliveryKind::ResultMessage
        | DeliveryKind::Rejection
        | DeliveryKind::RejectionNote
        | DeliveryKind::FhircastUpdate
        | DeliveryKind::FhirNotice => return Ok(None),
    };
    let uid = other.object_uid.as_deref().and_then(|uid| Uid::parse(uid).ok());
    Ok(uid.map(|instance| SentObject {
        kind,
        series: ObjectUids::of(kind, study, &of.model, of.id).series,
        instance,
    }))
}
