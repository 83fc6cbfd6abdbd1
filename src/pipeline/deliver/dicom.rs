//! Renders and sends the objects for the archive: the structured report, key images and the segmentation.

use chrono::Offset;
use tocsin_domain::finding::{ResultRecord, ResultStatus};

use super::{Attempt, pictures, rejection, sources};
use crate::deliver::chain;
use crate::deliver::dicom::{self, StoreStatus, Verdict};
use crate::deliver::web;
use crate::jobs::JobError;
use crate::pipeline::env::{Env, Way};
use crate::report::{Context, Installation, Object, ObjectKind, ObjectUids, ReportError, StudyHeader};
use crate::report::{key_image, segmentation, structured_report};
use crate::storage::blobs::BlobHash;
use crate::storage::deliveries::{self, DeliveryKind};
use crate::storage::entity::{delivery, study};
use crate::storage::{results, studies};

pub async fn send(env: &Env, row: &delivery::Model, study: &study::Model) -> Result<Attempt, JobError> {
    let Some(archive) = env
        .settings
        .archives
        .iter()
        .find(|archive| archive.name == row.destination)
    else {
        return Ok(Attempt::Refused {
            reason: "this archive is no longer configured".to_owned(),
        });
    };
    let bytes = match rendered(env, row)? {
        Some(bytes) => Some(bytes),
        None => render(env, row, study).await?,
    };
    let Some(bytes) = bytes else {
        return Ok(Attempt::Confirmed {
            note: "nothing of the result was sent there".to_owned(),
        });
    };
    Ok(match &archive.way {
        Way::Dicom(peer) => match dicom::store(peer, &[bytes]).await {
            Ok(statuses) => match statuses.first() {
                Some(status) => attempt(status),
                None => Attempt::Retry {
                    reason: "the archive answered nothing".to_owned(),
                },
            },
            // A rejection may be a configuration that is being mended at the other end.
            Err(error) => Attempt::Retry {
                reason: error.to_string(),
            },
        },
        Way::Web(peer) => match web::store(peer, &bytes).await {
            Ok(status) => attempt(&status),
            Err(error) if error.is_about_the_object() => Attempt::Refused {
                reason: chain(&error),
            },
            Err(error) => Attempt::Retry {
                reason: chain(&error),
            },
        },
    })
}

fn attempt(status: &StoreStatus) -> Attempt {
    match status.verdict() {
        Verdict::Delivered => Attempt::Confirmed { note: String::new() },
        Verdict::Retry => Attempt::Retry {
            reason: format!("{status:?}"),
        },
        Verdict::Failed => Attempt::Refused {
            reason: format!("{status:?}"),
        },
    }
}

/// The bytes of an earlier attempt.
pub(in crate::pipeline) fn rendered(env: &Env, row: &delivery::Model) -> Result<Option<Vec<u8>>, JobError> {
    let Some(hash) = &row.blob_sha256 else {
        return Ok(None);
    };
    let hash: BlobHash = hash
        .parse()
        .map_err(|_| JobError::Fail("the blob of the delivery has no name".to_owned()))?;
    env.blobs
        .read(&hash)
        .map(Some)
        .map_err(|error| JobError::Retry(error.to_string()))
}

/// `None` where there is nothing to take back.
async fn render(env: &Env, row: &delivery::Model, study: &study::Model) -> Result<Option<Vec<u8>>, JobError> {
    let record = sources::record(env, row)
        .await?
        .ok_or_else(|| JobError::Fail("no result to render".to_owned()))?;
    let object = match wanted(row)? {
        Some(wanted) => Some(compose(env, study, &record, wanted).await?),
        None => rejection::compose(env, row, study, &record).await?,
    };
    match object {
        Some(object) => keep(env, row, object).await.map(Some),
        None => Ok(None),
    }
}

/// An object of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Report,
    Segmentation,
    /// Its place among those of the result, 0-based.
    KeyImage(usize),
}

/// What a delivery sends of its result; `None` where it takes another one back. Of key images its detail says which.
fn wanted(row: &delivery::Model) -> Result<Option<Wanted>, JobError> {
    Ok(Some(match deliveries::kind_of(row)? {
        DeliveryKind::KeyImage => {
            let place = row.detail.as_deref().map_or(Ok(0), str::parse);
            Wanted::KeyImage(place.map_err(|_| JobError::Fail("no such key image".to_owned()))?)
        }
        DeliveryKind::Segmentation => Wanted::Segmentation,
        DeliveryKind::StructuredReport
        | DeliveryKind::PriorityChange
        | DeliveryKind::ResultMessage
        | DeliveryKind::Rejection
        | DeliveryKind::FhircastUpdate
        | DeliveryKind::FhirNotice => Wanted::Report,
        DeliveryKind::RejectionNote => return Ok(None),
    }))
}

/// The object of a result, made anew; the same result gives the same object.
pub(super) async fn compose(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
    wanted: Wanted,
) -> Result<Object, JobError> {
    let header = sources::header(env, study, record).await?;
    let (revision, predecessor) = history(env, study, record, &header).await?;
    let installation = installation(env, record);
    let context = Context {
        record,
        header: &header,
        installation: &installation,
        revision,
        predecessor: predecessor.as_ref(),
    };
    let object = match wanted {
        Wanted::Report => structured_report(&context),
        Wanted::KeyImage(place) => {
            key_image(&context, &pictures::key_image(env, study, record, place).await?)
        }
        Wanted::Segmentation => {
            let marks = pictures::marked_slices(env, study, record).await?;
            let (record, header) = (record.clone(), header.clone());
            let pack = move || {
                let context = Context {
                    record: &record,
                    header: &header,
                    installation: &installation,
                    revision,
                    predecessor: None,
                };
                segmentation(&context, &marks)
            };
            in_the_background(pack).await?
        }
    };
    object.map_err(|error| JobError::Fail(error.to_string()))
}

/// Packing a large mask takes a second of one core.
async fn in_the_background(
    pack: impl FnOnce() -> Result<Object, ReportError> + Send + 'static,
) -> Result<Result<Object, ReportError>, JobError> {
    tokio::task::spawn_blocking(pack)
        .await
        .map_err(|_| JobError::Retry("packing the marks was interrupted".to_owned()))
}

/// This installation as it was when the result was made.
pub(super) fn installation(env: &Env, record: &ResultRecord) -> Installation {
    let produced_at = record.produced_at.with_timezone(&env.settings.time_zone);
    Installation {
        site: env.settings.site_id.clone(),
        serial: env.settings.installation_serial.clone(),
        offset: produced_at.offset().fix(),
    }
}

/// How many results this model has given for this study, and the report that this one replaces.
pub(super) async fn history(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
    header: &StudyHeader,
) -> Result<(u32, Option<ObjectUids>), JobError> {
    let mut revision = 0;
    let mut predecessor = None;
    for row in results::of_study(env.store.read(), studies::id_of(study)?).await? {
        let known = results::record_of(&row)?;
        if Some(known.id) == record.supersedes && known.status != ResultStatus::Withdrawn {
            // By the version that made it, which may have been another.
            let (kind, uid) = (ObjectKind::StructuredReport, &header.study_uid);
            predecessor = Some(ObjectUids::of(kind, uid, &known.model, known.id));
        }
        if known.model.name == record.model.name {
            revision += 1;
        }
        if known.id == record.id {
            break;
        }
    }
    Ok((revision.max(1), predecessor))
}

async fn keep(env: &Env, row: &delivery::Model, object: Object) -> Result<Vec<u8>, JobError> {
    let delivery = deliveries::id_of(row)?;
    let (blobs, bytes) = (env.blobs.clone(), object.bytes.clone());
    let blob = tokio::task::spawn_blocking(move || blobs.put(&bytes))
        .await
        .map_err(|_| JobError::Retry("keeping the object was interrupted".to_owned()))?
        .map_err(|error| JobError::Retry(error.to_string()))?;
    let uid = object.uids.instance.to_string();
    env.store
        .write(move |tx| {
            Box::pin(async move {
                deliveries::rendered(tx, delivery, None, Some(uid), Some(blob.hash.to_string())).await
            })
        })
        .await?;
    Ok(object.bytes)
}
