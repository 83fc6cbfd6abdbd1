//! Loads what the renderers need of a study, its order and its patient. Objects repeat the patient as the images name it,
//! so that they file beside them; messages name the patient that stands after merges.

use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::ResultId;
use tocsin_domain::order::OrderRecord;
use tocsin_domain::study::InstanceFacts;

use crate::fhir::sources::Ordered;
use crate::pipeline::env::Env;
use crate::report::hl7_context::OrderContext;
use crate::report::{Request, StudyHeader};
use crate::storage::entity::{delivery, instance, study};
use crate::storage::{StoreError, instances, orders, results, studies};

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
    let ordered = Ordered::of(env.store.read(), study).await?;
    Ok(ordered.map(|ordered| ordered.context(study)))
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
    Ok(StudyHeader::of(facts, request))
}
