//! Job: looks into a structured report or a key object selection that somebody sent. A report of a product that is configured
//! becomes its result; our own, come back from an archive, and those of strangers stay what they are: stored objects. Why is
//! on the timeline.

use tocsin_domain::ids::{InstanceId, SiteId, StudyId, Uid};
use tocsin_domain::vendor::product::Product;
use tocsin_domain::vendor::{Origin, Speaker, Told};

use super::env::{Env, Settings};
use super::vendor_results;
use crate::jobs::JobError;
use crate::report::sr_read::{self, Document, MOST_BYTES, Report};
use crate::storage::analyses::{self, AnalysisState, Ending, Subject};
use crate::storage::blobs::BlobHash;
use crate::storage::entity::instance;
use crate::storage::leases::{self, Lease};
use crate::storage::vendor_documents::{self, Arrived, Source};
use crate::storage::{StoreError, Tx, deliveries, instances, results, studies, timeline, withdrawals};

/// Characters of a sender's words that are repeated.
const SHOWN: usize = 64;

pub async fn run(env: &Env, lease: &Lease, id: InstanceId) -> Result<(), JobError> {
    let row = instances::by_id(env.store.read(), &id.to_string())
        .await?
        .ok_or_else(|| JobError::Fail("the document is not stored any more".to_owned()))?;
    let document = read(env, &row).await?;
    let (lease, settings) = (lease.clone(), env.settings.clone());
    env.store
        .write(move |tx| {
            Box::pin(async move {
                take(tx, &settings, &row, document).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

/// The document, or why it cannot be read.
async fn read(env: &Env, row: &instance::Model) -> Result<Result<Document, String>, JobError> {
    if u64::try_from(row.length).is_ok_and(|length| length > MOST_BYTES) {
        return Ok(Err(format!("it is larger than {} MB", MOST_BYTES / 1024 / 1024)));
    }
    let hash: BlobHash = row
        .sha256
        .parse()
        .map_err(|_| JobError::Fail("the document has no file".to_owned()))?;
    let (blobs, zone, received_at) = (
        env.blobs.clone(),
        env.settings.time_zone,
        tocsin_domain::clock::from_micros(row.received_at),
    );
    let looked = tokio::task::spawn_blocking(move || {
        let bytes = blobs
            .read(&hash)
            .map_err(|error| JobError::Retry(error.to_string()))?;
        Ok(sr_read::read(&bytes, zone, received_at).map_err(|error| error.to_string()))
    });
    looked
        .await
        .map_err(|_| JobError::Retry("reading the document was interrupted".to_owned()))?
}

async fn take(
    tx: &Tx,
    settings: &Settings,
    row: &instance::Model,
    document: Result<Document, String>,
) -> Result<(), StoreError> {
    let study: StudyId = row
        .study_id
        .parse()
        .map_err(|_| StoreError::Missing("study of the document"))?;
    let ours = deliveries::sent_object(tx.conn(), &row.sop_uid).await?;
    match document {
        _ if ours => note(tx, study, "an object that this system made came back").await,
        Err(reason) => unreadable(tx, settings, row, study, &reason).await,
        Ok(Document::Other(title)) => {
            let title: String = title.chars().take(SHOWN).collect();
            note(
                tx,
                study,
                &format!("a document called {title}, which is no result of a product"),
            )
            .await
        }
        Ok(Document::Rejection(objects)) => reject(tx, row, study, &objects).await,
        Ok(Document::Report(report)) if report.serial.as_ref() == Some(&settings.installation_serial) => {
            note(tx, study, "a report of this system came back").await
        }
        Ok(Document::Report(report)) => self::report(tx, settings, row, study, &report).await,
    }
}

async fn note(tx: &Tx, study: StudyId, what: &str) -> Result<(), StoreError> {
    timeline::note(tx, study, "document_not_read", what).await
}

async fn report(
    tx: &Tx,
    settings: &Settings,
    row: &instance::Model,
    study: StudyId,
    report: &Report,
) -> Result<(), StoreError> {
    let site = SiteId(row.site.clone());
    let mut unknown: Option<&Speaker> = None;
    let mut known = false;
    for told in &report.told {
        let Some(product) = product_of(settings, row, told) else {
            unknown = unknown.or(Some(&told.by));
            continue;
        };
        known = true;
        let arrived = Arrived {
            site: &site,
            product: &product.name,
            source: Source::Report,
            source_id: row.id.clone(),
            study: Some(study),
            told,
        };
        vendor_documents::keep(tx, arrived).await?;
    }
    if let (false, Some(by)) = (known, unknown) {
        let named = |text: &str| match text.trim() {
            "" => "no name".to_owned(),
            said => said.chars().take(SHOWN).collect(),
        };
        let what = format!(
            "a report by {} of {}, sent by {}: no product of [[vendors]] is called so",
            named(&by.algorithm),
            named(&by.manufacturer),
            row.calling_ae
        );
        note(tx, study, &what).await?;
    }
    vendor_results::adopt(tx, settings, study).await
}

fn product_of<'s>(settings: &'s Settings, row: &instance::Model, told: &Told) -> Option<&'s Product> {
    let mut products = settings.vendors.iter();
    products.find(|product| product.wrote_report(&row.calling_ae, &told.by))
}

/// Where its sender is known to be a product, people see that there is no result of it.
async fn unreadable(
    tx: &Tx,
    settings: &Settings,
    row: &instance::Model,
    study: StudyId,
    reason: &str,
) -> Result<(), StoreError> {
    timeline::note(tx, study, "document_unreadable", reason.to_owned()).await?;
    let from = |product: &&Product| product.reads_reports && product.report_from.contains(&row.calling_ae);
    let Some(product) = settings.vendors.iter().find(from) else {
        return Ok(());
    };
    let subject = Subject {
        study,
        series: None,
        model: product.name.clone(),
        version: String::new(),
        sha256: String::new(),
        input_key: format!("report:{}", row.id),
    };
    let (analysis, _) = analyses::decide(tx, &subject, AnalysisState::Failed, reason).await?;
    let ending = Ending {
        state: AnalysisState::Failed,
        reason: format!("its report cannot be read: {reason}"),
        result: None,
        provider: None,
        inference_ms: None,
    };
    analyses::finished(tx, analysis, ending).await
}

/// Results whose report is among the objects that were taken back.
async fn reject(tx: &Tx, row: &instance::Model, study: StudyId, objects: &[Uid]) -> Result<(), StoreError> {
    let rows = analyses::of_study(tx.conn(), study).await?;
    let mut found = false;
    for standing in analyses::current(&rows) {
        let Some(id) = standing.result_id.as_deref().and_then(|id| id.parse().ok()) else {
            continue;
        };
        let record = results::record_of(&results::get(tx.conn(), id).await?)?;
        let named = match &record.origin {
            Origin::Vendor { report: Some(report) } => objects.contains(report),
            Origin::Vendor { report: None } | Origin::Own => false,
        };
        if named {
            found = true;
            let reason = format!("its report was rejected by {}", row.calling_ae);
            withdrawals::withdraw(tx, standing.clone(), tx.now(), &reason, Vec::new()).await?;
        }
    }
    match found {
        true => Ok(()),
        false => note(tx, study, "a rejection of objects that no result here rests on").await,
    }
}

/// The document stays stored.
pub async fn given_up(env: &Env, id: InstanceId, reason: &str) -> Result<(), StoreError> {
    let Some(row) = instances::by_id(env.store.read(), &id.to_string()).await? else {
        return Ok(());
    };
    let reason = reason.to_owned();
    env.store
        .write(move |tx| {
            Box::pin(async move {
                let study = row
                    .study_id
                    .parse()
                    .map_err(|_| StoreError::Missing("study of the document"))?;
                let study = studies::get(tx.conn(), study).await?;
                timeline::note(tx, studies::id_of(&study)?, "document_unreadable", reason).await
            })
        })
        .await
}
