//! Loads what the renderers need of a study, its order and its patient. Objects repeat the patient as the images name it,
//! so that they file beside them; messages name the patient that stands after merges.

use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::{ResultId, Uid};
use tocsin_domain::order::OrderRecord;
use tocsin_domain::phi::{Demographics, PatientIdentifier};
use tocsin_domain::study::InstanceFacts;

use crate::pipeline::env::Env;
use crate::report::hl7_context::OrderContext;
use crate::report::{Request, SourceSeries, StudyHeader};
use crate::storage::entity::{delivery, instance, study};
use crate::storage::{StoreError, instances, orders, patients, results, studies};

pub async fn record(env: &Env, row: &delivery::Model) -> Result<Option<ResultRecord>, StoreError> {
    let Some(id) = row
        .result_id
        .as_deref()
        .and_then(|id| id.parse::<ResultId>().ok())
    else {
        return Ok(None);
    };
    Ok(Some(results::record_of(
        &results::get(env.store.read(), id).await?,
    )?))
}

pub async fn order(env: &Env, study: &study::Model) -> Result<Option<OrderRecord>, StoreError> {
    match &study.order_id {
        Some(id) => orders::by_id(env.store.read(), id)
            .await?
            .as_ref()
            .map(orders::record_of)
            .transpose(),
        None => Ok(None),
    }
}

/// The linked order and its patient as they stand now.
pub async fn order_context(env: &Env, study: &study::Model) -> Result<Option<OrderContext>, StoreError> {
    let Some(id) = &study.order_id else {
        return Ok(None);
    };
    let conn = env.store.read();
    let row = orders::by_id(conn, id)
        .await?
        .ok_or(StoreError::Missing("order"))?;
    let record = orders::record_of(&row)?;
    let patient = match &row.patient_id {
        Some(patient) => patients::by_id(conn, patient)
            .await?
            .ok_or(StoreError::Missing("patient"))?,
        None => return Ok(None),
    };
    let patient = patients::survivor(conn, patient).await?;
    let identifier = PatientIdentifier {
        value: patient.identifier,
        authority: patient.authority,
    };
    let demographics = Demographics {
        name: patient.name.map(Into::into),
        birth_date: patient.birth_date.map(Into::into),
        sex: patient.sex.map(Into::into),
    };
    let mut context = OrderContext::of(&record, identifier, demographics);
    if context.study_uid.is_none() {
        context.study_uid = Uid::parse(&study.study_uid).ok();
    }
    Ok(Some(context))
}

/// The instances of the series that was read, in the order in which they were read.
pub async fn read_instances(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
) -> Result<Vec<(instance::Model, InstanceFacts)>, StoreError> {
    let id = studies::id_of(study)?;
    let mut found = Vec::new();
    for row in instances::of_study(env.store.read(), id).await? {
        let facts = instances::facts_of(&row)?;
        if facts.series_uid == record.series_uid {
            found.push((row, facts));
        }
    }
    Ok(found)
}

/// The modules that every object of ours repeats.
pub async fn header(
    env: &Env,
    study: &study::Model,
    record: &ResultRecord,
) -> Result<StudyHeader, StoreError> {
    let own = read_instances(env, study, record).await?;
    let (_, facts) = own
        .into_iter()
        .next()
        .ok_or(StoreError::Missing("instance that was read"))?;
    let request = order(env, study).await?.map(|order| Request {
        placer: order.placer,
        filler: order.filler,
        procedure: order.procedure,
    });
    Ok(StudyHeader {
        patient: facts.patient,
        demographics: facts.demographics,
        study_uid: facts.study_uid,
        study_id: facts.study_id,
        study_date: facts.study_date,
        study_time: facts.study_time,
        study_description: facts.study_description,
        accession: facts.accession,
        referring_physician: facts.referring_physician,
        institution: None,
        request,
        source: SourceSeries {
            modality: facts.modality,
            sop_class_uid: facts.sop_class_uid,
            frame_of_reference_uid: facts.frame_of_reference_uid,
            body_part: facts.body_part,
            orientation: facts.orientation,
        },
    })
}
