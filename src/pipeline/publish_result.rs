//! Job: decides which outputs of a result are owed to whom. Rendering waits for the delivery, which fixes the bytes before
//! its first attempt.

use std::collections::BTreeSet;

use tocsin_domain::finding::{ResultRecord, ResultStatus, Statement};
use tocsin_domain::ids::{ResultId, SiteId};
use tocsin_domain::leaving::Leaving;
use tocsin_domain::triage::{Pack, Verdict, evaluate};
use tocsin_domain::work::Work;

use super::compare_priors;
use super::env::{Archive, Env, Gets, Rejects, Settings};
use super::tell_ris::RIS;
use super::tell_sessions;
use super::tell_subscribers;
use super::triage_study;
use crate::jobs::JobError;
use crate::storage::deliveries::{self, DeliveryKind, Owed};
use crate::storage::entity::study;
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::outbox::beginning;
use crate::storage::prior_searches::{self, Purpose};
use crate::storage::{StoreError, Tx, holds, priors, results, studies};

pub async fn run(env: &Env, lease: &Lease, id: ResultId) -> Result<(), JobError> {
    let (lease, settings, packs) = (lease.clone(), env.settings.clone(), env.packs.clone());
    let (server, hub) = (env.fhir.clone(), env.hub.clone());
    env.store
        .write(move |tx| {
            Box::pin(async move {
                let mut record = results::record_of(&results::get(tx.conn(), id).await?)?;
                let study = studies::lock(tx, record.study).await?;
                if Purpose::of(&study) == Purpose::Comparison {
                    compare_with(tx, &study).await?;
                    return leases::complete(tx, &lease).await;
                }
                if record.comparison.is_none() && record.status != ResultStatus::Withdrawn {
                    record.comparison = compare_priors::comparison(tx, &study, &record, &settings).await?;
                    results::complete(tx, &record).await?;
                }
                let verdicts = verdicts_on(tx, &record, &settings, &packs).await?;
                record.statements = statements(&record, &verdicts, &settings);
                results::complete(tx, &record).await?;
                let hold = match leaving(tx, &record, &settings).await? {
                    Leaving::AtOnce => Some(None),
                    Leaving::Held { finding } => Some(Some(holds::words(&finding))),
                    Leaving::Never => None,
                };
                holds::drop_replaced(tx, &record).await?;
                if let Some(hold) = hold {
                    let hold = hold.as_deref();
                    for wanted in outputs(&record, &settings, &routed(&verdicts)) {
                        owe(tx, &study, &record, wanted, hold).await?;
                    }
                    let row = results::get(tx.conn(), id).await?;
                    tell_subscribers::owe(tx, &server, &study, &row, hold).await?;
                    tell_sessions::owe(tx, hub.as_ref(), &study, &record, hold).await?;
                }
                if map_comes(&record) {
                    jobs::enqueue(tx, &Work::Explain { result: id }, Terms::now()).await?;
                }
                later_ones(tx, &study, &settings).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

/// What was received from another vendor's product has left it already.
async fn leaving(tx: &Tx, record: &ResultRecord, settings: &Settings) -> Result<Leaving, StoreError> {
    match record.origin.is_own() {
        true => holds::decide(tx, record, &settings.sends).await,
        false => Ok(Leaving::AtOnce),
    }
}

/// Later studies of the patient that still wait to be read may be compared with this one now.
async fn later_ones(tx: &Tx, study: &study::Model, settings: &Settings) -> Result<(), StoreError> {
    for other in priors::of(tx.conn(), study, &settings.default_authority).await? {
        if other.on_worklist {
            let other = studies::id_of(&other)?;
            let terms = Terms::once(format!("compare:{other}"));
            jobs::enqueue(tx, &Work::ComparePriors { study: other }, terms).await?;
        }
    }
    Ok(())
}

/// A result on a study that is only compared with goes nowhere; it lets those that wait for it be compared.
async fn compare_with(tx: &Tx, prior: &study::Model) -> Result<(), StoreError> {
    for study in prior_searches::askers(tx.conn(), prior).await? {
        let terms = Terms::once(format!("compare:{study}"));
        jobs::enqueue(tx, &Work::ComparePriors { study }, terms).await?;
    }
    Ok(())
}

/// What the rules in force say of a study on which this result has the word; nothing once a newer one has it.
async fn verdicts_on(
    tx: &Tx,
    record: &ResultRecord,
    settings: &Settings,
    packs: &[Pack],
) -> Result<Vec<Verdict>, StoreError> {
    let case = triage_study::load(tx, record.study, settings).await?;
    let case = case.filter(|case| case.records.iter().any(|standing| standing.id == record.id));
    Ok(case.map_or(Vec::new(), |case| {
        packs.iter().map(|pack| evaluate(pack, &case.facts)).collect()
    }))
}

/// What the rules add to the result, under its model's name or under the one that it is read as.
fn statements(record: &ResultRecord, verdicts: &[Verdict], settings: &Settings) -> Vec<Statement> {
    let name = &record.model.name;
    let product = settings.vendors.iter().find(|product| product.name == *name);
    let name = product.map_or(name, |product| &product.reads_as);
    verdicts.iter().flat_map(|v| v.statements(name)).collect()
}

/// The destinations that a rule names.
fn routed(verdicts: &[Verdict]) -> BTreeSet<&str> {
    let routes = verdicts.iter().flat_map(|v| &v.routes);
    routes.map(|route| route.to.as_str()).collect()
}

/// One thing that somebody gets.
struct Wanted {
    kind: DeliveryKind,
    destination: String,
    /// Among the key images of the result, 0-based; 0 of all else.
    place: usize,
}

/// What was received from another vendor's product is theirs to send.
fn outputs(record: &ResultRecord, settings: &Settings, routed: &BTreeSet<&str>) -> Vec<Wanted> {
    if !record.origin.is_own() {
        return Vec::new();
    }
    let one = |kind, destination: &str| Wanted {
        kind,
        destination: destination.to_owned(),
        place: 0,
    };
    let mut wanted = Vec::new();
    if record.status != ResultStatus::Withdrawn {
        wanted.extend(objects(record, settings, routed));
    }
    wanted
        .extend(rejections(record, settings).map(|archive| one(DeliveryKind::RejectionNote, &archive.name)));
    if settings.ris_enabled {
        wanted.push(one(DeliveryKind::ResultMessage, RIS));
    }
    wanted
}

/// Every archive that is to hear that what it has of an older result is not to be used.
fn rejections<'s>(record: &ResultRecord, settings: &'s Settings) -> impl Iterator<Item = &'s Archive> {
    let (replaces, status) = (record.supersedes.is_some(), record.status);
    settings.archives.iter().filter(move |archive| {
        let hears = match (archive.rejects, status) {
            (Rejects::Never, _) | (_, ResultStatus::Preliminary) => false,
            (Rejects::Withdrawn | Rejects::Replaced, ResultStatus::Withdrawn) => true,
            (Rejects::Withdrawn, ResultStatus::Corrected) => false,
            (Rejects::Replaced, ResultStatus::Corrected) => true,
        };
        hears && replaces
    })
}

fn objects(record: &ResultRecord, settings: &Settings, routed: &BTreeSet<&str>) -> Vec<Wanted> {
    let one = |kind, destination: &str| Wanted {
        kind,
        destination: destination.to_owned(),
        place: 0,
    };
    let mut wanted = Vec::new();
    for archive in receivers(settings, routed) {
        let destination = &archive.name;
        if archive.structured_report {
            wanted.push(one(DeliveryKind::StructuredReport, destination));
        }
        if archive.segmentation && record.sends_segmentation() {
            wanted.push(one(DeliveryKind::Segmentation, destination));
        }
        if !map_comes(record) {
            wanted.extend(key_images(record, archive));
        }
    }
    wanted
}

/// Key images wait for a map that will be drawn on them; nothing else does.
fn map_comes(record: &ResultRecord) -> bool {
    record.status != ResultStatus::Withdrawn
        && record.explanation.map_follows
        && record.model.display_policy.shows_marks()
}

/// The archives that get this result.
fn receivers<'s>(settings: &'s Settings, routed: &'s BTreeSet<&str>) -> impl Iterator<Item = &'s Archive> {
    settings.archives.iter().filter(|archive| match archive.gets {
        Gets::Everything => true,
        Gets::WhatRulesRoute => routed.contains(archive.name.as_str()),
    })
}

fn key_images(record: &ResultRecord, archive: &Archive) -> Vec<Wanted> {
    if !archive.key_image {
        return Vec::new();
    }
    let one = |place| Wanted {
        kind: DeliveryKind::KeyImage,
        destination: archive.name.clone(),
        place,
    };
    (0..record.key_images().len()).map(one).collect()
}

/// Owes the key images that waited for a map.
pub(super) async fn owe_key_images(
    tx: &Tx,
    record: &ResultRecord,
    settings: &Settings,
    packs: &[Pack],
) -> Result<(), StoreError> {
    let study = studies::lock(tx, record.study).await?;
    let row = results::get(tx.conn(), record.id).await?;
    if row.superseded_by.is_some() {
        // Whatever stands in its place sends its own.
        return Ok(());
    }
    let hold = holds::of(tx.conn(), &row.analysis_id).await?;
    let hold = hold.filter(|hold| hold.released_at.is_none());
    let hold = hold.map(|hold| holds::words(&hold.finding));
    let verdicts = verdicts_on(tx, record, settings, packs).await?;
    let routed = routed(&verdicts);
    for archive in receivers(settings, &routed) {
        for wanted in key_images(record, archive) {
            owe(tx, &study, record, wanted, hold.as_deref()).await?;
        }
    }
    Ok(())
}

async fn owe(
    tx: &Tx,
    study: &study::Model,
    record: &ResultRecord,
    wanted: Wanted,
    hold: Option<&str>,
) -> Result<(), StoreError> {
    let Wanted {
        kind,
        destination,
        place,
    } = wanted;
    let (state, words) = beginning(&study.link, kind, hold);
    let owed = Owed {
        site: SiteId(study.site.clone()),
        study: record.study,
        result: Some(record.id),
        kind,
        dedup_key: match place {
            0 => format!("{}:{}:{destination}", record.id, kind.text()),
            _ => format!("{}:{}:{destination}:{place}", record.id, kind.text()),
        },
        destination,
        state,
        words,
        detail: (place > 0).then(|| place.to_string()),
    };
    deliveries::owe(tx, owed).await.map(|_| ())
}
