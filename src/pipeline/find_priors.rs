//! Job: asks one archive for earlier studies to compare a study with, and fetches them. The study's own result waits for
//! nothing of this. What came of it, or why nothing did, is kept for people to see.

use tocsin_domain::ids::{SiteId, StudyId};
use tocsin_domain::phi::{Demographics, PatientIdentifier, Phi};
use tocsin_domain::priors::{Choice, Chosen, Wanted, can_be_asked_for, choose};
use tocsin_domain::work::Work;

use super::env::Env;
use crate::jobs::JobError;
use crate::retrieve::{Fetched, Origin, Priors, RetrieveError, Source, Taker};
use crate::storage::entity::study;
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::prior_searches::{self, SearchState};
use crate::storage::{StoreError, Tx, instances, studies, timeline};

/// How a search ended.
struct Outcome {
    state: SearchState,
    /// For people; names no patient.
    detail: String,
}

pub async fn run(env: &Env, lease: &Lease, id: StudyId, name: &str) -> Result<(), JobError> {
    let priors = env.priors.clone();
    let source = priors.as_deref().and_then(|priors| priors.source(name));
    let (Some(priors), Some(source)) = (&priors, source) else {
        let detail = "this archive is no longer configured".to_owned();
        return end(env, lease, id, name, given_up_because(detail)).await;
    };
    let row = studies::get(env.store.read(), id).await?;
    let wanted = match wanted(env, &row).await? {
        Ok(wanted) => wanted,
        Err(reason) => return end(env, lease, id, name, given_up_because(reason.to_owned())).await,
    };
    match ask(env, priors, source, &row, &wanted).await {
        Ok(outcome) => end(env, lease, id, name, outcome).await,
        Err(Failed::Archive(error)) if error.is_transient() => {
            let reason = error.to_string();
            note(env, id, name, SearchState::Waiting, reason.clone()).await?;
            Err(JobError::Retry(reason))
        }
        Err(Failed::Archive(error)) => end(env, lease, id, name, given_up_because(error.to_string())).await,
        Err(Failed::Store(error)) => Err(error.into()),
    }
}

fn given_up_because(detail: String) -> Outcome {
    Outcome {
        state: SearchState::GivenUp,
        detail,
    }
}

enum Failed {
    Archive(RetrieveError),
    Store(StoreError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn ask(
    env: &Env,
    priors: &Priors,
    source: &Source,
    row: &study::Model,
    wanted: &Wanted,
) -> Result<Outcome, Failed> {
    let found = source
        .search(wanted, &priors.bounds)
        .await
        .map_err(Failed::Archive)?;
    let choice = choose(&found, wanted, &priors.bounds);
    let mut here = Fetched::default();
    let (mut fetched, mut known) = (0, 0);
    for chosen in &choice.fetch {
        if expect(env, row, source, chosen).await? {
            known += 1;
            continue;
        }
        let origin = Origin {
            sender: source.sender().title,
            site: SiteId(row.site.clone()),
            study: None,
        };
        let taker = Taker {
            intake: &priors.intake,
            origin: &origin,
            most: priors.bounds.instances,
        };
        let came = source.fetch(chosen, &taker).await.map_err(Failed::Archive)?;
        if came.instances > 0 {
            fetched += 1;
            arrived(env, row, chosen).await?;
        }
        here.add(came);
    }
    Ok(Outcome {
        state: SearchState::Done,
        detail: told(&choice, found.len(), fetched, known, &here),
    })
}

/// Has its images known when they arrive. `true` when they are here already.
async fn expect(env: &Env, row: &study::Model, source: &Source, chosen: &Chosen) -> Result<bool, StoreError> {
    let (row, sender, uid) = (row.clone(), source.sender(), chosen.study_uid.clone());
    env.store
        .write(move |tx| {
            Box::pin(async move {
                let here = prior_searches::is_here(tx.conn(), &SiteId(row.site.clone()), &uid).await?;
                prior_searches::expect(tx, &row, &sender, &uid).await?;
                Ok(here)
            })
        })
        .await
}

async fn arrived(env: &Env, row: &study::Model, chosen: &Chosen) -> Result<(), StoreError> {
    let (site, uid) = (SiteId(row.site.clone()), chosen.study_uid.clone());
    env.store
        .write(move |tx| Box::pin(async move { prior_searches::arrived(tx, &site, &uid).await }))
        .await
}

/// `5 studies, 1 fetched with 24 images; left out: 3 of another modality, 1 too old`.
fn told(choice: &Choice, found: usize, fetched: usize, known: usize, here: &Fetched) -> String {
    if found == 0 {
        return "no study of this patient".to_owned();
    }
    let mut text = several(found, "study", "studies");
    if fetched > 0 {
        let images = several(here.instances as usize, "image", "images");
        text += &format!(", {fetched} fetched with {images}");
    }
    if known > 0 {
        text += &format!(", {known} here already");
    }
    if fetched + known == 0 {
        text += ", none fetched";
    }
    let mut reasons = choice.left_out.clone();
    reasons.sort_unstable();
    let mut left_out = Vec::new();
    for group in reasons.chunk_by(|a, b| a == b) {
        left_out.push(format!("{} {}", group.len(), group[0].text()));
    }
    if !left_out.is_empty() {
        text += &format!("; left out: {}", left_out.join(", "));
    }
    if !here.refused.is_empty() {
        text += &format!("; not kept: {}", here.refused.join(", "));
    }
    text
}

fn several(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// What is asked for, or why nothing can be.
async fn wanted(env: &Env, row: &study::Model) -> Result<Result<Wanted, &'static str>, StoreError> {
    let Some(value) = row.patient_identifier.clone() else {
        return Ok(Err("the images name no patient"));
    };
    if !can_be_asked_for(&value) {
        return Ok(Err(
            "the patient's number cannot be asked for: it would be a pattern",
        ));
    }
    let first = instances::first_of_study(env.store.read(), &row.id).await?;
    let Some(first) = first.as_ref().map(instances::facts_of).transpose()? else {
        return Ok(Err("the study has no images"));
    };
    let Some(date) = first.study_date.clone() else {
        return Ok(Err("the images have no date"));
    };
    let body_part = studies::facts_of(row)?
        .map(|facts| facts.body_part)
        .unwrap_or_default();
    let phi = |said: &Option<String>| said.clone().map(Phi::new);
    Ok(Ok(Wanted {
        study_uid: first.study_uid,
        patient: PatientIdentifier {
            value,
            authority: row.patient_authority.clone().unwrap_or_default(),
        },
        demographics: Demographics {
            name: phi(&row.patient_name),
            birth_date: phi(&row.birth_date),
            sex: phi(&row.sex),
        },
        date,
        time: first.study_time,
        modality: row.modality.clone(),
        body_part,
    }))
}

async fn note(
    env: &Env,
    id: StudyId,
    name: &str,
    state: SearchState,
    detail: String,
) -> Result<(), StoreError> {
    let name = name.to_owned();
    env.store
        .write(move |tx| Box::pin(async move { prior_searches::note(tx, id, &name, state, &detail).await }))
        .await
}

async fn end(env: &Env, lease: &Lease, id: StudyId, name: &str, outcome: Outcome) -> Result<(), JobError> {
    let (lease, name) = (lease.clone(), name.to_owned());
    env.store
        .write(move |tx| {
            Box::pin(async move {
                ended(tx, id, &name, &outcome).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

async fn ended(tx: &Tx, id: StudyId, name: &str, outcome: &Outcome) -> Result<(), StoreError> {
    prior_searches::note(tx, id, name, outcome.state, &outcome.detail).await?;
    timeline::note(tx, id, "priors_asked", format!("{name}: {}", outcome.detail)).await?;
    let compare = Terms::once(format!("compare:{id}"));
    jobs::enqueue(tx, &Work::ComparePriors { study: id }, compare).await
}

/// The archive was asked often enough.
pub async fn given_up(env: &Env, id: StudyId, name: &str, reason: &str) -> Result<(), StoreError> {
    let (name, outcome) = (name.to_owned(), given_up_because(reason.to_owned()));
    env.store
        .write(move |tx| Box::pin(async move { ended(tx, id, &name, &outcome).await }))
        .await
}

/// Asks every archive about a study, unless that was done before.
pub async fn begin(tx: &Tx, row: &study::Model, sources: &[Source]) -> Result<(), StoreError> {
    let id = studies::id_of(row)?;
    let of_site = |source: &&Source| source.site.as_ref().is_none_or(|site| site.0 == row.site);
    for source in sources.iter().filter(of_site) {
        let name = &source.name;
        if prior_searches::of_source(tx.conn(), id, name).await?.is_some() {
            continue;
        }
        prior_searches::note(tx, id, name, SearchState::Asking, "is being asked").await?;
        let work = Work::FindPriors {
            study: id,
            source: name.clone(),
        };
        jobs::enqueue(tx, &work, Terms::once(format!("priors:{id}:{name}"))).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tocsin_domain::priors::LeftOut;

    use super::*;

    #[test]
    fn what_came_of_a_search_is_told_in_one_line() {
        let choice = Choice {
            fetch: Vec::new(),
            left_out: vec![LeftOut::TooOld, LeftOut::OtherModality, LeftOut::OtherModality],
        };
        let here = Fetched {
            instances: 24,
            refused: vec!["another number".into()],
        };
        assert_eq!(
            told(&choice, 4, 1, 0, &here),
            "4 studies, 1 fetched with 24 images; left out: 1 too old, 2 of another modality; not kept: another number"
        );
        assert_eq!(
            told(&Choice::default(), 0, 0, 0, &Fetched::default()),
            "no study of this patient"
        );
    }
}
