//! Job: recomputes what is known of a study from its instances, and decides which series are ready and whether the study
//! is settled. Runs while images arrive; late images run it again.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sea_orm::ActiveValue::Set;
use tocsin_domain::announced::Outlook;
use tocsin_domain::assemble::{
    self, DeadlineLimits, Pace, Readiness, SeriesSignals, Settled, StudyContext, StudySignals, readiness,
    settled,
};
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::{StudyId, Uid};
use tocsin_domain::study::{InstanceFacts, SeriesFacts, StudyFacts};
use tocsin_domain::work::Work;

use super::announced::{self, Told};
use super::check_deadline;
use super::decode_ahead;
use super::env::Env;
use super::link::relink;
use crate::jobs::JobError;
use crate::storage::announcements::{self, Heard};
use crate::storage::entity::{instance, series, study};
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::prior_searches::Purpose;
use crate::storage::{StoreError, Tx, document, instances, orders, paces, reports, studies, timeline};

/// A study cannot be looked at again sooner than this, whatever the clock says.
const PAUSE: TimeDelta = TimeDelta::milliseconds(50);

/// A study as its rows tell of it.
struct Look {
    series: Vec<Gathered>,
    heard: Heard,
    told: Vec<Told>,
    step_patience: TimeDelta,
}

/// One series of it.
struct Gathered {
    row: series::Model,
    instances: Vec<InstanceFacts>,
    arrivals: Vec<i64>,
    pace_key: String,
    pace: Pace,
    facts: SeriesFacts,
    readiness: Readiness,
}

pub async fn run(env: &Env, lease: &Lease, id: StudyId) -> Result<(), JobError> {
    let now = env.store.now();
    let look = gather(env, id, now).await?;
    let (lease, authority) = (lease.clone(), env.settings.default_authority.clone());
    env.store
        .write(move |tx| {
            Box::pin(async move {
                save(tx, id, look, now, &authority).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    decode_ahead::begin(env, id).await;
    Ok(())
}

async fn gather(env: &Env, id: StudyId, now: Timestamp) -> Result<Look, StoreError> {
    let conn = env.store.read();
    let study = studies::get(conn, id).await?;
    let mut of_series: BTreeMap<String, Vec<instance::Model>> = BTreeMap::new();
    for row in instances::of_study(conn, id).await? {
        of_series.entry(row.series_id.clone()).or_default().push(row);
    }
    let rows = studies::series_of(conn, id).await?;
    let heard = heard(env, &study, &rows, &of_series).await?;
    let step_patience = env.settings.step_patience;
    let mut gathered = Vec::new();
    for row in rows {
        let Some(own) = of_series.remove(&row.id) else {
            continue;
        };
        let facts: Vec<InstanceFacts> = own.iter().map(instances::facts_of).collect::<Result<_, _>>()?;
        let arrivals: Vec<i64> = own.iter().map(|i| i.received_at).collect();
        let Some(series_facts) = assemble::series_facts(&facts) else {
            continue;
        };
        let pace_key = format!("{}|{}", study.sender_ae, series_facts.protocol);
        let pace = paces::of(conn, &pace_key).await?;
        let last = arrivals.iter().copied().max().unwrap_or(0);
        let signals = SeriesSignals {
            gap_free: series_facts.gap_free,
            released: row.released_at.is_some_and(|at| at >= last),
            announced: heard.outlook.of_series(&series_facts.series_uid),
            received: u32::try_from(own.len()).unwrap_or(u32::MAX),
            last_arrival: from_micros(last),
            quiet: pace.quiet(),
            step_patience,
        };
        let readiness = readiness(&signals, now);
        gathered.push(Gathered {
            row,
            instances: facts,
            arrivals,
            pace_key,
            pace,
            facts: series_facts,
            readiness,
        });
    }
    Ok(Look {
        series: gathered,
        told: announced::told(env, &heard),
        heard,
        step_patience,
    })
}

async fn heard(
    env: &Env,
    study: &study::Model,
    series: &[series::Model],
    instances: &BTreeMap<String, Vec<instance::Model>>,
) -> Result<Heard, StoreError> {
    let uids: Vec<String> = series.iter().map(|row| row.series_uid.clone()).collect();
    let mut here = Vec::new();
    for row in series {
        let own = instances.get(&row.id).into_iter().flatten();
        here.extend(own.map(|one| (row.series_uid.as_str(), one.sop_uid.as_str())));
    }
    announcements::heard(env.store.read(), study, &uids, &here).await
}

async fn save(tx: &Tx, id: StudyId, look: Look, now: Timestamp, authority: &str) -> Result<(), StoreError> {
    let relinked = relink(tx, id, authority).await?;
    let row = studies::lock(tx, id).await?;
    let Look {
        series: gathered,
        heard,
        told,
        step_patience,
    } = look;
    let outlook = heard.outlook;
    let told = announced::note(tx, id, &told).await?;
    let facts = study_facts(tx, &row, &gathered, &outlook).await?;
    let first_time = row.facts.is_none();
    let total: usize = gathered.iter().map(|g| g.instances.len()).sum();
    let news = row.instances != count(total);
    let last = gathered
        .iter()
        .flat_map(|g| g.arrivals.iter().copied())
        .max()
        .unwrap_or(row.last_instance_at);
    let study_signals = StudySignals {
        series: gathered.iter().map(|g| g.readiness).collect(),
        last_arrival: from_micros(last),
        quiet: gathered
            .iter()
            .map(|g| g.pace.study_quiet())
            .max()
            .unwrap_or_else(|| Pace::default().study_quiet()),
        announced: outlook.of_study(),
        step_patience,
    };
    let settled = settled(&study_signals, now);
    let any_ready = gathered
        .iter()
        .any(|g| matches!(g.readiness, Readiness::Ready { .. }));
    let newly_ready = note_series(tx, id, gathered).await?;
    // A model that waited for more images hears that none will come.
    let newly_settled = matches!(settled, Settled::Yes) && row.state != "settled";
    let admit = newly_ready || newly_settled || (news && matches!(settled, Settled::Yes));
    note_state(tx, id, &row, &settled, news, &outlook).await?;
    save_study(tx, row, &facts, total, last, any_ready, &settled).await?;
    follow_up(
        tx,
        id,
        admit,
        first_time || relinked || news || told,
        &settled,
        now,
    )
    .await
}

/// Saves each series; says whether one is ready with something new.
async fn note_series(tx: &Tx, id: StudyId, gathered: Vec<Gathered>) -> Result<bool, StoreError> {
    let mut any = false;
    for g in gathered {
        let received = count(g.instances.len());
        let changed = g.row.instances != received;
        let last = g.arrivals.iter().copied().max().unwrap_or(g.row.last_instance_at);
        let state = match g.readiness {
            Readiness::Ready { because } if g.row.state != "ready" || changed => {
                let why = serde_json::to_value(because).map(|v| v.as_str().unwrap_or_default().to_owned());
                let detail = format!("{received} instances, {}", why.unwrap_or_default());
                timeline::note(tx, id, "series_ready", detail).await?;
                paces::learn(tx, &g.pace_key, g.pace, &g.arrivals).await?;
                any = true;
                "ready"
            }
            Readiness::Ready { .. } => "ready",
            Readiness::Wait { .. } => "receiving",
        };
        studies::save_series(tx, g.row, &g.facts, state, received, last).await?;
    }
    Ok(any)
}

async fn note_state(
    tx: &Tx,
    id: StudyId,
    row: &study::Model,
    settled: &Settled,
    news: bool,
    outlook: &Outlook,
) -> Result<(), StoreError> {
    let (was_settled, is_settled) = (row.state == "settled", matches!(settled, Settled::Yes));
    // What came late reopened the study even if it is complete again by now.
    let reopened = was_settled && news;
    if reopened {
        timeline::note(tx, id, "reopened", "more images arrived").await?;
    }
    if is_settled && (reopened || !was_settled) {
        timeline::note(tx, id, "settled", at_the_end(outlook)).await?;
    }
    Ok(())
}

/// How complete a study is that counts as complete.
fn at_the_end(outlook: &Outlook) -> String {
    let counts = outlook.counts();
    match counts.missing {
        0 => "every series is complete".to_owned(),
        missing => format!("{missing} of {} announced images are missing", counts.listed),
    }
}

async fn save_study(
    tx: &Tx,
    row: study::Model,
    facts: &StudyFacts,
    total: usize,
    last: i64,
    any_ready: bool,
    settled: &Settled,
) -> Result<(), StoreError> {
    let state = match settled {
        Settled::Yes => "settled",
        Settled::No { .. } if any_ready => "ready",
        Settled::No { .. } => "receiving",
    };
    let json = document::write(facts)?;
    let waits = Purpose::of(&row) == Purpose::Reading
        && assemble::for_reading(facts)
        && !row.report_status.as_deref().is_some_and(reports::is_read);
    if row.on_worklist && !waits {
        timeline::note(
            tx,
            studies::id_of(&row)?,
            "not_for_reading",
            "no images among its objects",
        )
        .await?;
    }
    let mut row: study::ActiveModel = row.into();
    row.on_worklist = Set(waits);
    row.facts = Set(Some(json));
    row.modality = Set(facts.modality.clone());
    row.description = Set(facts.description.clone());
    row.instances = Set(count(total));
    row.last_instance_at = Set(last);
    row.state = Set(state.to_owned());
    studies::save(tx, row).await.map(|_| ())
}

async fn follow_up(
    tx: &Tx,
    id: StudyId,
    admit: bool,
    news: bool,
    settled: &Settled,
    now: Timestamp,
) -> Result<(), StoreError> {
    if admit {
        jobs::enqueue(
            tx,
            &Work::AdmitStudy { study: id },
            Terms::once(format!("admit:{id}")),
        )
        .await?;
    }
    if news {
        let deadline = Terms::once(check_deadline::key(id)).at(now + DeadlineLimits::default().idle + PAUSE);
        jobs::enqueue(tx, &Work::CheckStudyDeadline { study: id }, deadline).await?;
        jobs::enqueue(tx, &Work::TriageStudy { study: id }, Terms::triage(id)).await?;
    }
    if let Settled::No { until, .. } = settled {
        let next = Terms::assembly(id).at((*until).max(now + PAUSE));
        jobs::enqueue(tx, &Work::AssembleStudy { study: id }, next).await?;
    }
    Ok(())
}

async fn study_facts(
    tx: &Tx,
    row: &study::Model,
    gathered: &[Gathered],
    outlook: &Outlook,
) -> Result<StudyFacts, StoreError> {
    let order = match &row.order_id {
        Some(order) => orders::by_id(tx.conn(), order).await?,
        None => None,
    };
    let record = order.as_ref().map(orders::record_of).transpose()?;
    let context = StudyContext {
        sender_ae: row.sender_ae.clone(),
        link: row.link.clone(),
        procedure_code: record
            .as_ref()
            .map(|r| r.procedure.code.clone())
            .unwrap_or_default(),
        procedure_text: record
            .as_ref()
            .map(|r| r.procedure.text.clone())
            .unwrap_or_default(),
        body_part: record
            .as_ref()
            .and_then(|r| r.body_part.clone())
            .unwrap_or_default(),
        patient_class: record
            .as_ref()
            .and_then(|r| r.patient_class.clone())
            .unwrap_or_default(),
        location: record
            .as_ref()
            .and_then(|r| r.location.clone())
            .unwrap_or_default(),
        acquisition: outlook.acquisition().to_owned(),
    };
    let uid = Uid::parse(&row.study_uid).map_err(|_| StoreError::Inconsistent {
        table: "study",
        column: "study_uid",
        id: row.id.clone(),
    })?;
    let all: Vec<InstanceFacts> = gathered
        .iter()
        .flat_map(|g| g.instances.iter().cloned())
        .collect();
    Ok(assemble::study_facts(&uid, &all, &context))
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
