//! Job: fetches the images that a notice of an archive lists and that are not here, from the archive that it names, where
//! the site wants that of it. They come to be read, as if they had been sent.

use std::collections::{BTreeMap, BTreeSet};

use tocsin_domain::announced::Announcement;
use tocsin_domain::ids::{AnnouncementId, SiteId, Uid};
use tocsin_domain::priors::Chosen;

use super::env::Env;
use crate::jobs::JobError;
use crate::retrieve::{Fetched, Origin, Priors, RetrieveError, Source, Taker};
use crate::storage::leases::{self, Lease};
use crate::storage::{StoreError, Tx, announcements, instances, studies, timeline};

/// How fetching ended, or stands.
struct Outcome {
    state: &'static str,
    /// For people; names no patient.
    detail: String,
    /// Whom it is of, and whether anything came.
    fetched: Vec<Uid>,
}

pub async fn run(env: &Env, lease: &Lease, id: AnnouncementId) -> Result<(), JobError> {
    let Some((row, one)) = announcements::by_id(env.store.read(), id).await? else {
        return end(env, lease, id, SiteId(String::new()), None).await;
    };
    let site = SiteId(row.site);
    let Some(priors) = env.priors.clone() else {
        return end(env, lease, id, site, None).await;
    };
    let wanted = missing(env, &site, &one, &priors).await?;
    if wanted.is_empty() {
        return end(env, lease, id, site, None).await;
    }
    match fetch(&priors, &site, &wanted).await {
        Ok(outcome) => end(env, lease, id, site, Some(outcome)).await,
        Err(error) if error.is_transient() => {
            let detail = error.to_string();
            let told = detail.clone();
            let noted = env.store.write(move |tx| {
                Box::pin(async move { announcements::note_fetch(tx, id, "waiting", &told).await })
            });
            noted.await?;
            Err(JobError::Retry(detail))
        }
        Err(error) => {
            let outcome = Outcome {
                state: "given_up",
                detail: error.to_string(),
                fetched: Vec::new(),
            };
            end(env, lease, id, site, Some(outcome)).await
        }
    }
}

/// What is to be fetched: the study's series by the name of their archive.
type Wanted = BTreeMap<String, Chosen>;

/// Those of which an instance is missing that can be had from an archive that is to be asked.
async fn missing(
    env: &Env,
    site: &SiteId,
    one: &Announcement,
    priors: &Priors,
) -> Result<Wanted, StoreError> {
    let all = one.series.iter().flat_map(|series| &series.instances);
    let uids: Vec<&str> = all.map(|listed| listed.sop_uid.as_str()).collect();
    let here = instances::which_are_here(env.store.read(), site, &uids).await?;
    let mut wanted = Wanted::new();
    for series in &one.series {
        let Some(study) = series.study_uid.as_ref().or_else(|| one.studies.first()) else {
            continue;
        };
        let to_come = series
            .instances
            .iter()
            .filter(|listed| listed.availability.may_come() && !here.contains(listed.sop_uid.as_str()));
        let titles: BTreeSet<&str> = to_come.map(|listed| listed.retrieve_ae.as_str()).collect();
        let Some(source) = titles.into_iter().find_map(|title| of_title(priors, site, title)) else {
            continue;
        };
        let chosen = wanted.entry(source.name.clone()).or_insert_with(|| Chosen {
            study_uid: study.clone(),
            series: Vec::new(),
        });
        chosen.series.push(series.series_uid.clone());
    }
    Ok(wanted)
}

fn of_title<'p>(priors: &'p Priors, site: &SiteId, title: &str) -> Option<&'p Source> {
    priors.sources.iter().find(|source| {
        source.announced_as.as_deref() == Some(title) && source.site.as_ref().is_none_or(|own| own == site)
    })
}

async fn fetch(priors: &Priors, site: &SiteId, wanted: &Wanted) -> Result<Outcome, RetrieveError> {
    let (mut here, mut fetched, mut names) = (Fetched::default(), Vec::new(), Vec::new());
    for (name, chosen) in wanted {
        let Some(source) = priors.source(name) else {
            continue;
        };
        let origin = Origin {
            sender: source.sender().title,
            site: site.clone(),
            study: None,
        };
        let taker = Taker {
            intake: &priors.intake,
            origin: &origin,
            most: priors.bounds.instances,
        };
        here.add(source.fetch(chosen, &taker).await?);
        fetched.push(chosen.study_uid.clone());
        names.push(name.as_str());
    }
    let mut detail = format!("{}: {} images", names.join(", "), here.instances);
    if !here.refused.is_empty() {
        detail += &format!("; not kept: {}", here.refused.join(", "));
    }
    Ok(Outcome {
        state: "done",
        detail,
        fetched,
    })
}

async fn end(
    env: &Env,
    lease: &Lease,
    id: AnnouncementId,
    site: SiteId,
    outcome: Option<Outcome>,
) -> Result<(), JobError> {
    let lease = lease.clone();
    env.store
        .write(move |tx| {
            Box::pin(async move {
                if let Some(outcome) = &outcome {
                    note(tx, id, &site, outcome).await?;
                }
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

async fn note(tx: &Tx, id: AnnouncementId, site: &SiteId, outcome: &Outcome) -> Result<(), StoreError> {
    announcements::note_fetch(tx, id, outcome.state, &outcome.detail).await?;
    for uid in &outcome.fetched {
        if let Some(row) = studies::by_uid(tx.conn(), site, uid.as_str()).await? {
            let study = studies::id_of(&row)?;
            timeline::note(tx, study, "images_fetched", outcome.detail.clone()).await?;
        }
    }
    Ok(())
}

/// The archive was asked often enough.
pub async fn given_up(env: &Env, id: AnnouncementId, reason: &str) -> Result<(), StoreError> {
    let reason = reason.to_owned();
    env.store
        .write(move |tx| {
            Box::pin(async move { announcements::note_fetch(tx, id, "given_up", &reason).await })
        })
        .await
}
