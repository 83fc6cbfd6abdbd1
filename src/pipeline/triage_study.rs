//! Job: runs the rules over everything known of a study, and saves where it stands on the worklist, whom to page and what
//! the RIS is to be told. AI raises and never lowers: what it raised falls back to the human's priority at most.

use chrono::{Datelike, TimeDelta, Timelike};
use sea_orm::ActiveValue::Set;
use tocsin_domain::clock::from_micros;
use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::StudyId;
use tocsin_domain::order::{Contrast, OrderRecord, OrderState};
use tocsin_domain::triage::{AiFacts, AiState, CaseFacts, OrderFacts, Pack, Verdict, WaitFacts, evaluate};
use tocsin_domain::vendor::product::Product;
use tocsin_domain::work::{Paging, Work};
use tocsin_domain::worklist::{Band, Reason};

use super::env::{Env, Settings};
use super::raise_alerts;
use super::tell_ris;
use crate::jobs::JobError;
use crate::storage::analyses::{self, AnalysisState};
use crate::storage::entity::{analysis, study};
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::prior_searches::Purpose;
use crate::storage::{StoreError, Tx, document, orders, results, studies, timeline};

/// A study with everything its rules look at.
pub struct Case {
    pub study: study::Model,
    pub order: Option<OrderRecord>,
    pub human_band: Band,
    pub facts: CaseFacts,
    pub records: Vec<ResultRecord>,
}

pub async fn run(env: &Env, lease: &Lease, id: StudyId) -> Result<(), JobError> {
    let (lease, settings, packs) = (lease.clone(), env.settings.clone(), env.packs.clone());
    let latency = env
        .store
        .write(move |tx| {
            Box::pin(async move {
                let latency = decide(tx, id, &settings, &packs, Paging::AsUsual).await?;
                leases::complete(tx, &lease).await?;
                Ok(latency)
            })
        })
        .await?;
    if let Some(seconds) = latency {
        env.metrics.last_image_to_worklist.observe(seconds);
    }
    Ok(())
}

/// Evaluates the rules and saves what they come to. The seconds since the last image, when a model's word moved the study for
/// the first time.
pub async fn decide(
    tx: &Tx,
    id: StudyId,
    settings: &Settings,
    packs: &[Pack],
    paging: Paging,
) -> Result<Option<f64>, StoreError> {
    let case = match to_be_read(tx, id).await? {
        true => load(tx, id, settings).await?,
        false => None,
    };
    let Some(case) = case else {
        // It is only compared with; or its images have not been looked at yet, and assembly asks again.
        return Ok(None);
    };
    let verdicts: Vec<Verdict> = packs.iter().map(|pack| evaluate(pack, &case.facts)).collect();
    let latency = place(tx, id, &case, &verdicts).await?;
    raise_alerts::reconcile(tx, id, &case, &verdicts, settings, paging).await?;
    tell_ris::reconcile(tx, id, &case, band(&verdicts, case.human_band), settings).await?;
    if packs.iter().any(Pack::watches_the_clock) {
        look_again_later(tx, id, &case.study).await?;
    }
    Ok(latency)
}

async fn to_be_read(tx: &Tx, id: StudyId) -> Result<bool, StoreError> {
    let row = studies::get(tx.conn(), id).await?;
    Ok(Purpose::of(&row) == Purpose::Reading)
}

pub async fn load(tx: &Tx, id: StudyId, settings: &Settings) -> Result<Option<Case>, StoreError> {
    let study = studies::lock(tx, id).await?;
    let Some(facts) = studies::facts_of(&study)? else {
        return Ok(None);
    };
    let order = match &study.order_id {
        Some(order) => orders::by_id(tx.conn(), order)
            .await?
            .as_ref()
            .map(orders::record_of)
            .transpose()?,
        None => None,
    };
    let standing = order
        .as_ref()
        .filter(|order| order.state != OrderState::Cancelled);
    let human_band = settings
        .priorities
        .band(standing.and_then(|order| order.priority.as_deref()));
    let mut case = CaseFacts::blank(facts.study_uid.clone());
    case.study = facts;
    case.study.link = study.link.clone();
    if let Some(order) = standing {
        case.order = order_facts(order, human_band);
    }
    case.wait = wait_facts(tx, &study, settings);
    let records = ai_facts(tx, id, &mut case, &settings.vendors).await?;
    Ok(Some(Case {
        study,
        order,
        human_band,
        facts: case,
        records,
    }))
}

fn order_facts(order: &OrderRecord, band: Band) -> OrderFacts {
    OrderFacts {
        placed: true,
        priority: order.priority.clone().unwrap_or_default(),
        band,
        patient_class: order.patient_class.clone().unwrap_or_default(),
        location: order.location.clone().unwrap_or_default(),
        modality: order.modality.clone().unwrap_or_default(),
        procedure_code: order.procedure.code.clone(),
        procedure_text: order.procedure.text.clone(),
        body_part: order.body_part.clone().unwrap_or_default(),
        contrast: order.contrast.map_or("", Contrast::text).to_owned(),
    }
}

fn wait_facts(tx: &Tx, study: &study::Model, settings: &Settings) -> WaitFacts {
    let now = tx.now();
    let local = now.with_timezone(&settings.time_zone);
    WaitFacts {
        minutes: (now - from_micros(study.arrived_at)).num_seconds() as f64 / 60.0,
        hour: i64::from(local.hour()),
        weekday: i64::from(local.weekday().number_from_monday()),
    }
}

/// Fills in what the models say; the records that say it.
async fn ai_facts(
    tx: &Tx,
    id: StudyId,
    case: &mut CaseFacts,
    vendors: &[Product],
) -> Result<Vec<ResultRecord>, StoreError> {
    let rows = analyses::of_study(tx.conn(), id).await?;
    let mut records = Vec::new();
    for row in analyses::current(&rows) {
        let state = ai_state(analyses::state_of(row)?);
        let facts = match result_of(tx, row).await? {
            // What was taken back is nobody's word any more.
            Some(_) if state == AiState::Withdrawn => AiFacts::without_result(state, &row.reason),
            Some(record) => {
                let facts = AiFacts::of_result(&record, state);
                records.push(record);
                facts
            }
            None => AiFacts::without_result(state, &row.reason),
        };
        let product = vendors.iter().find(|product| product.name == row.model);
        if let Some(product) = product.filter(|product| product.reads_as != row.model) {
            case.hear(&product.reads_as, facts.clone());
        }
        case.hear(&row.model, facts);
    }
    Ok(records)
}

async fn result_of(tx: &Tx, row: &analysis::Model) -> Result<Option<ResultRecord>, StoreError> {
    let Some(id) = row.result_id.as_deref().and_then(|id| id.parse().ok()) else {
        return Ok(None);
    };
    Ok(Some(results::record_of(&results::get(tx.conn(), id).await?)?))
}

fn ai_state(state: AnalysisState) -> AiState {
    match state {
        AnalysisState::Waiting => AiState::Waiting,
        AnalysisState::Queued => AiState::Queued,
        AnalysisState::Running => AiState::Running,
        AnalysisState::Flagged => AiState::Flagged,
        AnalysisState::NotFlagged => AiState::NotFlagged,
        AnalysisState::Indeterminate => AiState::Indeterminate,
        AnalysisState::NotEligible => AiState::NotEligible,
        AnalysisState::QualityRejected => AiState::QualityRejected,
        AnalysisState::Failed => AiState::Failed,
        AnalysisState::Superseded => AiState::Superseded,
        AnalysisState::Withdrawn => AiState::Withdrawn,
    }
}

/// The band that the human's priority and all packs come to.
pub fn band(verdicts: &[Verdict], human: Band) -> Band {
    verdicts.iter().map(|v| v.band_from(human)).fold(human, Band::max)
}

/// Rules may speak of the time that a study has waited, which passes without news: while it waits it is looked at every
/// minute, and after an hour every five.
async fn look_again_later(tx: &Tx, id: StudyId, study: &study::Model) -> Result<(), StoreError> {
    if !study.on_worklist {
        return Ok(());
    }
    let now = tx.now();
    let waited = now - from_micros(study.arrived_at);
    let pause = match waited < TimeDelta::hours(1) {
        true => TimeDelta::minutes(1),
        false => TimeDelta::minutes(5),
    };
    let later = Terms::triage(id).at(now + pause);
    jobs::enqueue(tx, &Work::TriageStudy { study: id }, later).await
}

/// Saves the place on the worklist. The seconds since the last image, when a model's word moved the study for the first time.
async fn place(tx: &Tx, id: StudyId, case: &Case, verdicts: &[Verdict]) -> Result<Option<f64>, StoreError> {
    let band = band(verdicts, case.human_band);
    let score = f64::from(verdicts.iter().map(Verdict::score).fold(0, u32::saturating_add));
    let reasons = reasons(case, verdicts);
    let (reasons, verdict) = (document::write(&reasons)?, document::write(&verdicts)?);
    let before = &case.study;
    let moved = before.band != band.number() || before.score != score || before.reasons != reasons;
    let news = before.verdict.as_deref() != Some(verdict.as_str());
    if moved {
        let detail = format!("{}, score {score}", band.text());
        timeline::note(tx, id, "worklist_changed", detail).await?;
    }
    if news {
        for v in verdicts {
            let (name, version, sha256) = (&v.pack.name, &v.pack.version, &v.pack.sha256);
            results::keep_verdict(tx, id, name, version, sha256, document::write(v)?).await?;
        }
    }
    let by_model = !case.records.is_empty() && !timeline::has(tx.conn(), id, "ai_on_worklist").await?;
    if by_model {
        timeline::note(tx, id, "ai_on_worklist", "the list knows what the models said").await?;
    }
    let mut row: study::ActiveModel = before.clone().into();
    row.human_band = Set(case.human_band.number());
    row.band = Set(band.number());
    row.score = Set(score);
    row.reasons = Set(reasons);
    row.verdict = Set(Some(verdict));
    row.band_without_ai = Set(without_ai(verdicts, case.human_band).number());
    row.score_without_ai = Set(score_without_ai(verdicts));
    studies::save(tx, row).await?;
    Ok(by_model.then(|| (tx.now() - from_micros(before.last_instance_at)).as_seconds_f64()))
}

/// The band that the study would have if no model had spoken.
fn without_ai(verdicts: &[Verdict], human: Band) -> Band {
    verdicts
        .iter()
        .map(|v| v.band_without_ai(human))
        .fold(human, Band::max)
}

fn score_without_ai(verdicts: &[Verdict]) -> f64 {
    f64::from(
        verdicts
            .iter()
            .map(Verdict::score_without_ai)
            .fold(0, u32::saturating_add),
    )
}

/// The order's own priority first, then what each rule did.
fn reasons(case: &Case, verdicts: &[Verdict]) -> Vec<Reason> {
    let ordered = case
        .order
        .as_ref()
        .and_then(|order| order.priority.clone())
        .map(|priority| Reason {
            source: "order".to_owned(),
            effect: format!("band {}", case.human_band.text()),
            text: format!("Ordered with priority {priority}"),
        });
    ordered
        .into_iter()
        .chain(verdicts.iter().flat_map(Verdict::reasons))
        .collect()
}
