//! Takes back, at one archive, what it was sent of the result that this one replaces. What it never got is not named.

use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::{ResultId, Uid};

use super::{dicom, sources};
use crate::jobs::JobError;
use crate::pipeline::env::Env;
use crate::report::{self, Context, Object, ObjectKind, SentObject};
use crate::storage::deliveries::{self, DeliveryKind, DeliveryState};
use crate::storage::entity::{delivery, study};
use crate::storage::{StoreError, results, studies};

/// The selection, or `None` where the archive has nothing of the older result.
pub async fn compose(
    env: &Env,
    row: &delivery::Model,
    study: &study::Model,
    record: &ResultRecord,
) -> Result<Option<Object>, JobError> {
    let Some(older) = record.supersedes else {
        return Ok(None);
    };
    let sent = sent(env, row, study, older).await?;
    let older = results::record_of(&results::get(env.store.read(), older).await?)?;
    if sent.is_empty() {
        return Ok(None);
    }
    let header = sources::header(env, study, record).await?;
    let (revision, predecessor) = dicom::history(env, study, record, &header).await?;
    let installation = dicom::installation(env, record);
    let context = Context {
        record,
        header: &header,
        installation: &installation,
        revision,
        predecessor: predecessor.as_ref(),
    };
    let object = report::rejection(&context, &older, &sent);
    object
        .map(Some)
        .map_err(|error| JobError::Fail(error.to_string()))
}

/// What this archive has confirmed of the older result.
async fn sent(
    env: &Env,
    row: &delivery::Model,
    study: &study::Model,
    older: ResultId,
) -> Result<Vec<SentObject>, StoreError> {
    let older = older.to_string();
    let owed = deliveries::of_study(env.store.read(), studies::id_of(study)?).await?;
    let mut found = Vec::new();
    for other in owed {
        let theirs = other.destination == row.destination && other.result_id.as_ref() == Some(&older);
        if !theirs || deliveries::state_of(&other)? != DeliveryState::Confirmed {
            continue;
        }
        let kind = match deliveries::kind_of(&other)? {
            DeliveryKind::StructuredReport => ObjectKind::StructuredReport,
            DeliveryKind::KeyImage => ObjectKind::KeyImage,
            DeliveryKind::Segmentation => ObjectKind::Segmentation,
            DeliveryKind::PriorityChange
            | DeliveryKind::ResultMessage
            | DeliveryKind::Rejection
            | DeliveryKind::RejectionNote
            | DeliveryKind::FhircastUpdate
            | DeliveryKind::FhirNotice => continue,
        };
        let uid = other.object_uid.as_deref().and_then(|uid| Uid::parse(uid).ok());
        found.extend(uid.map(|instance| SentObject { kind, instance }));
    }
    Ok(found)
}
