//! Job: takes the next step of an alert. The decision is `tocsin_domain::alert`; here a page becomes a row and a job, and
//! the timer becomes a `due_at`, all in one transaction, so that a restart forgets nobody.

use sea_orm::ActiveValue::Set;
use tocsin_domain::alert::{self, AlertState, NotifyReason, Person, Policy, Step, StopReason};
use tocsin_domain::audit::Event;
use tocsin_domain::clock::{Timestamp, to_micros};
use tocsin_domain::ids::AlertId;
use tocsin_domain::work::Work;

use super::env::Env;
use crate::jobs::JobError;
use crate::storage::alerts::{self, Page};
use crate::storage::entity::alert as row;
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::{StoreError, Tx, audit, document, timeline};

/// The channel of a page; others follow the same rows.
pub const EMAIL: &str = "email";

pub async fn run(env: &Env, lease: &Lease, id: AlertId) -> Result<(), JobError> {
    let (lease, settings) = (lease.clone(), env.settings.clone());
    env.store
        .write(move |tx| {
            Box::pin(async move {
                step(tx, id, &settings.people, &settings.mail_host).await?;
                leases::complete(tx, &lease).await
            })
        })
        .await?;
    Ok(())
}

async fn step(tx: &Tx, id: AlertId, people: &[Person], host: &str) -> Result<(), StoreError> {
    let alert = alerts::lock(tx, id).await?;
    let (state, policy) = (alerts::state_of(&alert)?, policy_of(&alert)?);
    match alert::next_step(&state, &policy, tx.now()) {
        Step::Notify { level, round, reason } => {
            notify(
                tx,
                id,
                &alert,
                &policy,
                Level { level, round, reason },
                people,
                host,
            )
            .await?;
            let now = tx.now();
            let next = state
                .notified(level, round, now)
                .map_err(|e| StoreError::Refused(e.to_string()))?;
            wait_until(tx, id, alert, next, now + policy.wait(level)).await
        }
        Step::Wait { until } => {
            let again = Terms::once(key(id)).at(until);
            jobs::enqueue(tx, &Work::StepAlert { alert: id }, again).await
        }
        Step::Stop(StopReason::Acknowledged | StopReason::Withheld | StopReason::Retracted) => {
            alerts::cancel_pages(tx, id).await?;
            let mut alert: row::ActiveModel = alert.into();
            alert.due_at = Set(None);
            alerts::save(tx, alert).await.map(|_| ())
        }
    }
}

/// The one waiting step of an alert.
pub fn key(id: AlertId) -> String {
    format!("alert:{id}")
}

struct Level {
    level: usize,
    round: u32,
    reason: NotifyReason,
}

async fn notify(
    tx: &Tx,
    id: AlertId,
    alert: &row::Model,
    policy: &Policy,
    level: Level,
    people: &[Person],
    host: &str,
) -> Result<(), StoreError> {
    let mut paged = Vec::new();
    for person in policy.recipients(level.level, people) {
        let page = Page {
            alert: id,
            step_key: alert::step_key(level.level, level.round),
            recipient: person.id.clone(),
            channel: EMAIL.to_owned(),
            reason: level.reason.text().to_owned(),
        };
        if let Some(notification) = alerts::add_page(tx, page, host).await? {
            jobs::enqueue(tx, &Work::SendNotification { notification }, Terms::now()).await?;
            paged.push(person.id.clone());
        }
    }
    let detail = format!("{} to {}", level.reason.text(), paged.join(", "));
    timeline::note(tx, alerts::study_of(alert)?, "page_queued", detail).await?;
    let facts = serde_json::json!({ "level": level.level, "round": level.round, "recipients": paged });
    audit::record(
        tx,
        Event::by_system("alert.page", format!("alert:{id}"), &alert.site, facts),
    )
    .await
    .map(|_| ())
}

async fn wait_until(
    tx: &Tx,
    id: AlertId,
    alert: row::Model,
    state: AlertState,
    due: Timestamp,
) -> Result<(), StoreError> {
    let mut alert: row::ActiveModel = alert.into();
    alert.status = Set(state.name().to_owned());
    alert.state = Set(document::write(&state)?);
    alert.due_at = Set(Some(to_micros(due)));
    alerts::save(tx, alert).await?;
    jobs::enqueue(tx, &Work::StepAlert { alert: id }, Terms::once(key(id)).at(due)).await
}

pub fn policy_of(alert: &row::Model) -> Result<Policy, StoreError> {
    document::read(&alert.policy, "alert", "policy", &alert.id)
}
