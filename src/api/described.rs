//! What a row of the worklist shows besides its place and what lists sort by: reasons, models, patient, alert. Read for those
//! that somebody looks at, and kept with them until they change.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use sea_orm::ConnectionTrait;
use serde::Serialize;
use tocsin_domain::triage::{Contribution, Verdict};
use tocsin_domain::worklist::Reason;

use super::ai::{AiView, ai_of};
use super::patient::PatientView;
use crate::storage::alerts::Pressing;
use crate::storage::entity::{alert, study};
use crate::storage::{StoreError, alerts, analyses, document, orders, results, studies};

/// The rest of a row.
#[derive(Clone)]
pub struct Described {
    pub ris_priority: Option<String>,
    pub order_state: Option<String>,
    pub reasons: Vec<Reason>,
    pub contributions: Vec<Contribution>,
    pub ai: Vec<AiView>,
    pub patient: PatientView,
    pub state: String,
    pub sender: String,
    pub alert: Option<AlertBrief>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AlertBrief {
    pub id: String,
    pub status: String,
    pub title: String,
    pub acknowledged_by: Option<String>,
}

pub fn verdicts_of(row: &study::Model) -> Result<Vec<Verdict>, StoreError> {
    row.verdict.as_deref().map_or(Ok(Vec::new()), |text| {
        document::read(text, "study", "verdict", &row.id)
    })
}

pub fn reasons_of(row: &study::Model) -> Result<Vec<Reason>, StoreError> {
    document::read(&row.reasons, "study", "reasons", &row.id)
}

/// These studies by their ids, as far as they are there.
pub async fn of(
    conn: &impl ConnectionTrait,
    ids: &[String],
) -> Result<BTreeMap<String, Described>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = studies::by_ids(conn, ids).await?;
    let order_ids: Vec<String> = rows.iter().filter_map(|row| row.order_id.clone()).collect();
    let mut ordered = BTreeMap::new();
    for order in orders::by_ids(conn, &order_ids).await? {
        let priority = orders::record_of(&order)?.priority;
        ordered.insert(order.id, (priority, order.state));
    }
    let mut said = studies::by_study(analyses::of_studies(conn, ids).await?, |row| &row.study_id);
    let mut found = studies::by_study(results::of_studies(conn, ids).await?, |row| &row.study_id);
    let mut alerts = studies::by_study(alerts::of_studies(conn, ids).await?, |row| &row.study_id);
    let mut described = BTreeMap::new();
    for row in rows {
        let records = found.remove(&row.id).unwrap_or_default();
        let records = records
            .iter()
            .map(results::record_of)
            .collect::<Result<Vec<_>, _>>()?;
        let ai = ai_of(&said.remove(&row.id).unwrap_or_default(), &records)?;
        let order = row.order_id.as_ref().and_then(|id| ordered.get(id).cloned());
        let (priority, order_state) = order.unzip();
        let alert = most_pressing(alerts.remove(&row.id).unwrap_or_default().iter());
        let rest = Described {
            ris_priority: priority.flatten(),
            order_state,
            reasons: reasons_of(&row)?,
            contributions: verdicts_of(&row)?
                .into_iter()
                .flat_map(|verdict| verdict.contributions)
                .collect(),
            ai,
            patient: PatientView::of_images(&row),
            state: row.state,
            sender: row.sender_ae,
            alert,
        };
        described.insert(row.id, rest);
    }
    Ok(described)
}

/// One that nobody has acknowledged goes before all others, and the newest before the older.
fn most_pressing<'a>(alerts: impl Iterator<Item = &'a alert::Model>) -> Option<AlertBrief> {
    alerts
        .min_by_key(|a| (Pressing::of(&a.status), Reverse(a.created_at)))
        .map(|a| AlertBrief {
            id: a.id.clone(),
            status: a.status.clone(),
            title: a.title.clone(),
            acknowledged_by: a.acknowledged_by.clone(),
        })
}
