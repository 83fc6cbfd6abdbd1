//! Brings the alerts of a study in line with what the rules demand: one alert per rule; an open alert whose
//! demand is gone is retracted, and raised anew if the demand comes back. An acknowledged alert is history and stays.

use sea_orm::ActiveValue::Set;
use tocsin_domain::alert::{AlertState, Policy};
use tocsin_domain::audit::Event;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::{SiteId, StudyId};
use tocsin_domain::triage::{PageDemand, Verdict};
use tocsin_domain::work::{Paging, Work};

use super::env::Settings;
use super::send_notification::PageContent;
use super::step_alert;
use super::triage_study::{Case, band};
use crate::report::text;
use crate::storage::alerts::{self, Raise};
use crate::storage::entity::{alert as row, study};
use crate::storage::jobs::{self, Terms};
use crate::storage::{StoreError, Tx, audit, document, timeline};

pub async fn reconcile(
    tx: &Tx,
    id: StudyId,
    case: &Case,
    verdicts: &[Verdict],
    settings: &Settings,
    paging: Paging,
) -> Result<(), StoreError> {
    let demands: Vec<&PageDemand> = verdicts.iter().flat_map(|v| &v.pages).collect();
    let known = alerts::of_study(tx.conn(), id).await?;
    for demand in &demands {
        if let Some(key) = vacant(&known, id, demand)? {
            let state = first_state(paging, tx.now());
            raise(tx, id, case, verdicts, demand, Opening { key, state }, settings).await?;
        }
    }
    for alert in known {
        if !demands.iter().any(|demand| is_of(&alert, id, demand)) {
            retract(tx, id, alert).await?;
        }
    }
    Ok(())
}

/// The key of an alert to raise; `None` while one of this rule stands or was acknowledged. One that was retracted does not
/// count: what it was about holds again, and somebody must hear of it.
fn vacant(known: &[row::Model], id: StudyId, demand: &PageDemand) -> Result<Option<String>, StoreError> {
    let mut earlier = 0;
    for alert in known.iter().filter(|alert| is_of(alert, id, demand)) {
        match alerts::state_of(alert)? {
            AlertState::Raised { .. }
            | AlertState::Notified { .. }
            | AlertState::Acknowledged { .. }
            | AlertState::Withheld { .. } => return Ok(None),
            AlertState::Retracted { .. } => earlier += 1,
        }
    }
    Ok(Some(key(id, demand, earlier)))
}

/// How an alert begins.
struct Opening {
    key: String,
    state: AlertState,
}

fn first_state(paging: Paging, at: Timestamp) -> AlertState {
    match paging {
        Paging::AsUsual => AlertState::Raised { at },
        Paging::Withheld => AlertState::Withheld {
            because: "a message was replayed without pages".to_owned(),
            at,
        },
    }
}

fn is_of(alert: &row::Model, id: StudyId, demand: &PageDemand) -> bool {
    let first = key(id, demand, 0);
    let rest = alert.dedup_key.strip_prefix(&first);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

fn key(id: StudyId, demand: &PageDemand, earlier: usize) -> String {
    match earlier {
        0 => format!("{id}:{}", demand.rule),
        n => format!("{id}:{}:{n}", demand.rule),
    }
}

async fn raise(
    tx: &Tx,
    id: StudyId,
    case: &Case,
    verdicts: &[Verdict],
    demand: &PageDemand,
    opening: Opening,
    settings: &Settings,
) -> Result<(), StoreError> {
    let policy = settings
        .policy(Some(&demand.policy))
        .cloned()
        .unwrap_or_else(everyone);
    let record = case
        .records
        .iter()
        .find(|r| r.findings.iter().any(|f| f.flagged))
        .or(case.records.first());
    let raised = alerts::raise(
        tx,
        Raise {
            site: SiteId(case.study.site.clone()),
            study: id,
            result: record.map(|r| r.id),
            dedup_key: opening.key,
            title: demand.text.clone(),
            content: document::write(&content(case, verdicts, demand, record))?,
            policy: document::write(&policy)?,
            status: opening.state.name().to_owned(),
            state: document::write(&opening.state)?,
        },
    )
    .await?;
    let Some(alert) = raised else { return Ok(()) };
    timeline::note(
        tx,
        id,
        "alert_raised",
        format!("rule {}, policy {}", demand.rule, policy.name),
    )
    .await?;
    let facts = serde_json::json!({ "rule": demand.rule, "policy": policy.name });
    audit::record(
        tx,
        Event::by_system("alert.raise", format!("alert:{alert}"), &case.study.site, facts),
    )
    .await?;
    jobs::enqueue(
        tx,
        &Work::StepAlert { alert },
        Terms::once(step_alert::key(alert)),
    )
    .await
}

/// A page must reach somebody even where no policy is configured.
fn everyone() -> Policy {
    Policy {
        name: "everyone".to_owned(),
        steps: Vec::new(),
        last_resort: String::new(),
        repeat_minutes: 5,
    }
}

fn content(
    case: &Case,
    verdicts: &[Verdict],
    demand: &PageDemand,
    record: Option<&ResultRecord>,
) -> PageContent {
    let location = case.order.as_ref().and_then(|order| order.location.clone());
    let mut details = vec![exam(&case.study)];
    if let Some(record) = record {
        details.push(text::headline(record));
        let measured = record
            .findings
            .iter()
            .filter(|f| f.flagged)
            .flat_map(|f| &f.measurements);
        details.extend(measured.map(|m| format!("{}: {}", m.code.display, text::quantity(m))));
        details.extend(record.limitations.iter().cloned());
    }
    details.extend(
        verdicts
            .iter()
            .flat_map(|v| &v.recommends)
            .map(|r| r.text.clone()),
    );
    let disclaimer = record.map(|r| r.model.disclaimer.clone()).unwrap_or_default();
    PageContent {
        urgency: band(verdicts, case.human_band).text().to_ascii_uppercase(),
        headline: demand.text.clone(),
        details,
        location: location.as_deref().and_then(text::location),
        notice: format!("Preliminary AI result, not reviewed by a radiologist. {disclaimer}")
            .trim_end()
            .to_owned(),
    }
}

/// The kind of study, as the images say.
fn exam(study: &study::Model) -> String {
    format!("Study: {} {}", study.modality, study.description)
        .trim_end()
        .to_owned()
}

async fn retract(tx: &Tx, id: StudyId, alert: row::Model) -> Result<(), StoreError> {
    let because = "the rules no longer ask for it".to_owned();
    let Ok(state) = alerts::state_of(&alert)?.retract(because.clone(), tx.now()) else {
        return Ok(());
    };
    let alert_id = alerts::id_of(&alert)?;
    let site = alert.site.clone();
    let mut alert: row::ActiveModel = alert.into();
    alert.status = Set(state.name().to_owned());
    alert.state = Set(document::write(&state)?);
    alerts::save(tx, alert).await?;
    timeline::note(tx, id, "alert_retracted", because).await?;
    let facts = serde_json::json!({});
    audit::record(
        tx,
        Event::by_system("alert.retract", format!("alert:{alert_id}"), &site, facts),
    )
    .await?;
    jobs::enqueue(
        tx,
        &Work::StepAlert { alert: alert_id },
        Terms::once(step_alert::key(alert_id)),
    )
    .await
}
