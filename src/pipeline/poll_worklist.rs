//! Job: asks one modality worklist for the orders of these days, folds them in, and is due again after a while, whatever
//! came of it. How it fared is kept for people to see.

use chrono::TimeDelta;
use tocsin_domain::order::OrderEvent;
use tocsin_domain::scheduled::{Unusable, events, is_only_scheduled};
use tocsin_domain::work::Work;

use super::apply_message::{Scope, look_again};
use super::env::{Env, Settings};
use crate::jobs::JobError;
use crate::retrieve::worklist::Worklist;
use crate::storage::jobs::{self, Terms};
use crate::storage::leases::{self, Lease};
use crate::storage::worklist_polls::{self, Polled};
use crate::storage::{Store, StoreError, Tx, orders, patients};

/// Orders of one transaction; others write in between.
const TOGETHER: usize = 50;

pub async fn run(env: &Env, lease: &Lease, name: &str) -> Result<(), JobError> {
    let Some(worklist) = env.worklists.iter().find(|worklist| worklist.name == name) else {
        let lease = lease.clone();
        let done = env
            .store
            .write(move |tx| Box::pin(async move { leases::complete(tx, &lease).await }));
        return Ok(done.await?);
    };
    let zone = env.settings.time_zone;
    let today = env.store.now().with_timezone(&zone).date_naive();
    let polled = match worklist.ask(today, &zone).await {
        Ok(items) => {
            let count = items.len();
            let (events, unusable) = events(items);
            take(env, lease, worklist, count, events, unusable).await?
        }
        Err(error) => {
            let reason = error.to_string();
            tracing::warn!(worklist = name, reason, "a modality worklist could not be asked");
            Polled::Failed { reason }
        }
    };
    let (lease, name) = (lease.clone(), name.to_owned());
    let every = TimeDelta::from_std(worklist.every).unwrap_or(TimeDelta::days(1));
    env.store
        .write(move |tx| {
            Box::pin(async move {
                worklist_polls::note(tx, &name, &polled).await?;
                leases::complete(tx, &lease).await?;
                queue(tx, &name, every).await
            })
        })
        .await?;
    Ok(())
}

/// One at a time, also where a second process has begun to ask as well.
async fn queue(tx: &Tx, name: &str, after: TimeDelta) -> Result<(), StoreError> {
    let key = format!("worklist:{name}");
    let terms = Terms {
        order_key: Some(key.clone()),
        ..Terms::once(key)
    };
    let work = Work::PollWorklist {
        source: name.to_owned(),
    };
    jobs::enqueue(tx, &work, terms.at(tx.now() + after)).await
}

/// From the start of the service on each is asked.
pub async fn begin(store: &Store, worklists: &[Worklist]) -> Result<(), StoreError> {
    let names: Vec<String> = worklists.iter().map(|worklist| worklist.name.clone()).collect();
    store
        .write(move |tx| {
            Box::pin(async move {
                for name in &names {
                    queue(tx, name, TimeDelta::zero()).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Until the service starts anew it is not asked again.
pub async fn given_up(env: &Env, name: &str, reason: &str) -> Result<(), StoreError> {
    let (name, polled) = (
        name.to_owned(),
        Polled::Failed {
            reason: format!("given up: {reason}"),
        },
    );
    env.store
        .write(move |tx| Box::pin(async move { worklist_polls::note(tx, &name, &polled).await }))
        .await
}

/// What came of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Changed,
    NoNews,
    /// A message says that the order is somebody else's: nothing of the item may be believed.
    OtherPatient,
}

async fn take(
    env: &Env,
    lease: &Lease,
    worklist: &Worklist,
    items: usize,
    events: Vec<OrderEvent>,
    unusable: Vec<Unusable>,
) -> Result<Polled, StoreError> {
    let mut taken = Vec::with_capacity(events.len());
    for some in events.chunks(TOGETHER) {
        let (some, worklist, lease) = (some.to_vec(), worklist.clone(), lease.clone());
        let settings = env.settings.clone();
        let came = env.store.write(move |tx| {
            Box::pin(async move {
                leases::fence(tx, &lease).await?;
                let scope = Scope {
                    tx,
                    site: &worklist.site,
                    authority: &settings.default_authority,
                };
                let mut taken = Vec::with_capacity(some.len());
                for event in &some {
                    taken.push(one(&scope, &settings, &worklist.name, event).await?);
                }
                Ok(taken)
            })
        });
        taken.extend(came.await?);
    }
    Ok(Polled::Answered {
        items: i64::try_from(items).unwrap_or(i64::MAX),
        detail: told(items, &taken, unusable),
    })
}

async fn one(
    scope: &Scope<'_>,
    settings: &Settings,
    name: &str,
    event: &OrderEvent,
) -> Result<Taken, StoreError> {
    let (conn, site) = (scope.tx.conn(), scope.site);
    let patient = match scope.upsert(&event.patient).await? {
        Some(id) => survivor(scope.tx, &id).await?,
        None => None,
    };
    if let Some(row) = orders::known(conn, site, event).await? {
        let record = orders::record_of(&row)?;
        let bearer = match &row.patient_id {
            Some(id) => survivor(scope.tx, id).await?,
            None => None,
        };
        let other = bearer.is_some() && bearer != patient;
        if other && !is_only_scheduled(&record) {
            return Ok(Taken::OtherPatient);
        }
        if !other && bearer.is_some() && record.clone().apply(event) == record {
            return Ok(Taken::NoNews);
        }
    }
    let touched = scope
        .orders(std::slice::from_ref(event), &format!("worklist {name}"))
        .await?;
    for study in touched {
        look_again(scope.tx, settings, study).await?;
    }
    Ok(Taken::Changed)
}

async fn survivor(tx: &Tx, id: &str) -> Result<Option<String>, StoreError> {
    match patients::by_id(tx.conn(), id).await? {
        Some(row) => Ok(Some(patients::survivor(tx.conn(), row).await?.id)),
        None => Ok(None),
    }
}

/// `12 steps, 3 orders new or changed; not taken: 1 without a Patient ID`.
fn told(items: usize, taken: &[Taken], mut unusable: Vec<Unusable>) -> String {
    let count = |what| taken.iter().filter(|one| **one == what).count();
    let mut text = format!("{items} steps, {} orders new or changed", count(Taken::Changed));
    unusable.sort_unstable();
    let mut left: Vec<String> = unusable
        .chunk_by(|a, b| a == b)
        .map(|same| format!("{} {}", same.len(), same[0].text()))
        .collect();
    if let others @ 1.. = count(Taken::OtherPatient) {
        left.push(format!("{others} of another patient than their messages say"));
    }
    if !left.is_empty() {
        text += &format!("; not taken: {}", left.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_poll_is_told_in_one_line() {
        let taken = [Taken::Changed, Taken::NoNews, Taken::OtherPatient];
        let unusable = vec![Unusable::NoNumber, Unusable::NoPatient, Unusable::NoNumber];
        assert_eq!(
            told(6, &taken, unusable),
            "6 steps, 1 orders new or changed; not taken: 1 without a Patient ID, 2 without an accession number, a \
             Study Instance UID or an order number, 1 of another patient than their messages say"
        );
        assert_eq!(told(0, &[], Vec::new()), "0 steps, 0 orders new or changed");
    }
}
