//! What a result says to others, for people to look at: the bytes that were fixed for a delivery, else what a delivery would
//! compose now, by the same functions. Sends nothing, and keeps nothing.

use tocsin_domain::finding::ResultRecord;

use super::{dicom, hl7, sources};
use crate::jobs::JobError;
use crate::pipeline::env::Env;
use crate::report::fhir::{self, BundleOf};
use crate::report::outputs::{Composed, Outputs};
use crate::report::{Context, StudyHeader};
use crate::storage::deliveries::{self, DeliveryKind};
use crate::storage::entity::{delivery, study};
use crate::storage::studies;

/// Everything that one result says.
pub async fn of(env: &Env, study: &study::Model, record: &ResultRecord) -> Result<Outputs, JobError> {
    if !record.origin.is_own() {
        let theirs = "it was received from another vendor's product, and is not sent on";
        return Ok(Outputs {
            structured_report: Composed::Impossible(theirs.to_owned()),
            message: Composed::Impossible(theirs.to_owned()),
            fhir: Err(theirs.to_owned()),
        });
    }
    let id = record.id.to_string();
    let mut owed = deliveries::of_study(env.store.read(), studies::id_of(study)?).await?;
    owed.retain(|row| row.result_id.as_ref() == Some(&id));
    Ok(Outputs {
        structured_report: structured_report(env, study, record, &owed).await?,
        message: message(env, study, record, &owed).await?,
        fhir: or_reason(bundle(env, study, record).await)?,
    })
}

fn of_kind(owed: &[delivery::Model], kind: DeliveryKind) -> impl Iterator<Item = &delivery::Model> {
    owed.iter().filter(move |row| row.kind == kind.text())
}

async fn structured_report(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
    owed: &[delivery::Model],
) -> Result<Composed, JobError> {
    for row in of_kind(owed, DeliveryKind::StructuredReport) {
        if let Some(bytes) = dicom::rendered(env, row)? {
            return Ok(Composed::Fixed(bytes));
        }
    }
    let composed = dicom::compose(env, study, record, dicom::Wanted::Report).await;
    Ok(match or_reason(composed)? {
        Ok(object) => Composed::Draft(object.bytes),
        Err(reason) => Composed::Impossible(reason),
    })
}

async fn message(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
    owed: &[delivery::Model],
) -> Result<Composed, JobError> {
    for row in of_kind(owed, DeliveryKind::ResultMessage) {
        if let Some(message) = hl7::composed(env, row).await? {
            return Ok(Composed::Fixed(message.raw));
        }
    }
    Ok(match or_reason(hl7::draft(env, study, record).await)? {
        Ok(Ok(built)) => Composed::Draft(built.bytes),
        Ok(Err(reason)) | Err(reason) => Composed::Impossible(reason),
    })
}

/// The patient is named as in messages, which is by the order where one is known.
async fn bundle(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
) -> Result<serde_json::Value, JobError> {
    let header: StudyHeader = sources::header(env, study, record).await?;
    let order = sources::order_context(env, study).await?;
    let default = &env.settings.default_authority;
    let (patient, demographics) = match &order {
        Some(order) => (Some(order.patient.clone()), &order.demographics),
        None => (
            header.patient.as_ref().map(|id| id.qualified(default)),
            &header.demographics,
        ),
    };
    Ok(fhir::bundle(&BundleOf {
        context: Context {
            record,
            header: &header,
            installation: &dicom::installation(env, record),
            revision: 1,
            predecessor: None,
        },
        patient: patient.as_ref(),
        demographics,
        order: order.as_ref(),
    }))
}

/// What will never succeed is something to show; anything else is a fault of the moment.
fn or_reason<T>(composed: Result<T, JobError>) -> Result<Result<T, String>, JobError> {
    match composed {
        Ok(composed) => Ok(Ok(composed)),
        Err(JobError::Fail(reason)) => Ok(Err(reason)),
        Err(error @ (JobError::Retry(_) | JobError::RetryAfter { .. } | JobError::Fenced)) => Err(error),
    }
}
