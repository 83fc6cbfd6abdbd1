//! Renders and sends the objects for the archive: the structured report and the key image.

use chrono::Offset;
use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::ResultId;

use super::Attempt;
use super::sources;
use crate::deliver::dicom::{self, Verdict};
use crate::inference::child::protocol::{PictureForm, PictureRequest};
use crate::jobs::JobError;
use crate::pipeline::env::Env;
use crate::pipeline::infer::slice;
use crate::report::RgbImage;
use crate::report::{Context, Installation, KeyImage, Object, ObjectKind, ObjectUids, StudyHeader};
use crate::report::{key_image, structured_report};
use crate::storage::blobs::BlobHash;
use crate::storage::deliveries::{self, DeliveryKind};
use crate::storage::entity::{delivery, study};
use crate::storage::{results, studies};

/// Centre and width in HU: blood against brain.
const BRAIN_WINDOW: [f64; 2] = [40.0, 80.0];

pub async fn send(env: &Env, row: &delivery::Model, study: &study::Model) -> Result<Attempt, JobError> {
    let Some(archive) = env
        .settings
        .archives
        .iter()
        .find(|a| a.peer.ae_title == row.destination)
    else {
        return Ok(Attempt::Refused {
            reason: "this archive is no longer configured".to_owned(),
        });
    };
    let bytes = match rendered(env, row)? {
        Some(bytes) => bytes,
        None => render(env, row, study).await?,
    };
    let sent = dicom::store(&archive.peer, &[bytes]).await;
    Ok(match sent {
        Ok(statuses) => match statuses.first() {
            Some(status) => match status.verdict() {
                Verdict::Delivered => Attempt::Confirmed { note: String::new() },
                Verdict::Retry => Attempt::Retry {
                    reason: format!("{status:?}"),
                },
                Verdict::Failed => Attempt::Refused {
                    reason: format!("{status:?}"),
                },
            },
            None => Attempt::Retry {
                reason: "the archive answered nothing".to_owned(),
            },
        },
        // A rejection may be a configuration that is being mended at the other end.
        Err(error) => Attempt::Retry {
            reason: error.to_string(),
        },
    })
}

/// The bytes of an earlier attempt.
pub(super) fn rendered(env: &Env, row: &delivery::Model) -> Result<Option<Vec<u8>>, JobError> {
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

async fn render(env: &Env, row: &delivery::Model, study: &study::Model) -> Result<Vec<u8>, JobError> {
    let record = sources::record(env, row)
        .await?
        .ok_or_else(|| JobError::Fail("no result to render".to_owned()))?;
    let object = compose(env, study, &record, deliveries::kind_of(row)?).await?;
    keep(env, row, object).await
}

/// The object of a result, made anew; the same result gives the same object.
pub(super) async fn compose(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
    kind: DeliveryKind,
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
    let object = match kind {
        DeliveryKind::KeyImage => key_image(&context, &picture(env, study, record).await?),
        DeliveryKind::StructuredReport
        | DeliveryKind::PriorityChange
        | DeliveryKind::ResultMessage
        | DeliveryKind::Rejection => structured_report(&context),
    };
    object.map_err(|error| JobError::Fail(error.to_string()))
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
async fn history(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
    header: &StudyHeader,
) -> Result<(u32, Option<ObjectUids>), JobError> {
    let mut revision = 0;
    for row in results::of_study(env.store.read(), studies::id_of(study)?).await? {
        if results::record_of(&row)?.model.name == record.model.name {
            revision += 1;
        }
        if row.id == record.id.to_string() {
            break;
        }
    }
    let of =
        |id: ResultId| ObjectUids::of(ObjectKind::StructuredReport, &header.study_uid, &record.model, id);
    Ok((revision.max(1), record.supersedes.map(of)))
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

/// The instance that shows the finding best, with the outline of what was segmented.
async fn picture(env: &Env, study: &study::Model, record: &ResultRecord) -> Result<KeyImage, JobError> {
    let key = record
        .findings
        .iter()
        .filter(|f| f.flagged)
        .find_map(|f| f.key_instance.clone());
    let key = key.ok_or_else(|| JobError::Fail("the result names no key instance".to_owned()))?;
    let own = sources::read_instances(env, study, record).await?;
    let (row, _) = own
        .into_iter()
        .find(|(_, facts)| facts.sop_instance_uid == key)
        .ok_or_else(|| JobError::Fail("the key instance is not stored".to_owned()))?;
    let mask = results::mask_of(env.store.read(), record.id).await?;
    let request = PictureRequest {
        file: slice(env, &row)?,
        frame: 0,
        window: Some(BRAIN_WINDOW),
        mask_slice: record
            .instance_uids
            .iter()
            .position(|uid| *uid == key)
            .filter(|_| !mask.is_empty()),
        form: PictureForm::Rgb,
    };
    let drawn = env
        .worker
        .picture(request, &mask)
        .await
        .map_err(|error| JobError::Retry(error.to_string()))?;
    let image = RgbImage {
        rows: drawn.rows,
        columns: drawn.columns,
        data: drawn.bytes,
    };
    Ok(KeyImage { instance: key, image })
}
