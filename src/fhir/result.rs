//! DiagnosticReport and Observation: what a model said of a study, by the encoder of all its forms. A result that a newer one
//! has replaced can still be read, and says so.

use chrono::Offset;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tocsin_domain::finding::ResultRecord;

use super::sources::Studied;
use super::{Entry, Kind, Server, device, entry, study};
use crate::report::fhir::{Addresses, Names, ResultOf};
use crate::report::hl7_context::OrderContext;
use crate::report::{Context, Installation, StudyHeader};
use crate::storage::entity::result;
use crate::storage::{StoreError, results};

/// In an extension of these names a resource says which one it replaces.
const REPORT_REPLACES: &str = "http://hl7.org/fhir/StructureDefinition/diagnosticReport-replaces";

/// A result with what its resources refer to.
pub struct Told {
    pub record: ResultRecord,
    superseded_by: Option<String>,
    created_at: i64,
    study: String,
    header: StudyHeader,
    order: Option<OrderContext>,
    addresses: Addresses,
}

impl Told {
    pub async fn of(
        conn: &impl ConnectionTrait,
        row: &result::Model,
        studied: &Studied,
    ) -> Result<Self, StoreError> {
        let record = results::record_of(row)?;
        let superseded_by = match &row.superseded_by {
            Some(id) => Some(current(conn, id).await?),
            None => None,
        };
        Ok(Self {
            superseded_by,
            created_at: row.created_at,
            study: studied.row.id.clone(),
            header: studied.header(),
            order: studied
                .ordered
                .as_ref()
                .map(|ordered| ordered.context(&studied.row)),
            addresses: Addresses {
                patient: studied.patient(),
                study: study::address(&studied.row.id),
                device: device::address(&record),
                order: studied.order(),
            },
            record,
        })
    }

    pub fn report(&self, server: &Server) -> Entry {
        let mut report = self.render(server, |of| of.report());
        if let Some(older) = self.record.supersedes {
            let older = super::reference(Kind::DiagnosticReport, &older.to_string());
            report["extension"] = json!([{ "url": REPORT_REPLACES, "valueReference": older }]);
        }
        if let Some(newer) = &self.superseded_by {
            let words = report["conclusion"].as_str().unwrap_or_default();
            report["conclusion"] = format!("{}\n{words}", replaced_by(newer)).into();
        }
        self.entry(server, self.record.id.to_string(), report)
    }

    pub fn observations(&self, server: &Server) -> Vec<Entry> {
        let all = self.render(server, |of| {
            let named = of.observations();
            let named = named.into_iter().map(|(part, value)| (of.name(part), value));
            named.collect::<Vec<_>>()
        });
        let prefix = format!("{}/", Kind::Observation.name());
        all.into_iter()
            .map(|(name, mut observation)| {
                if let Some(newer) = &self.superseded_by {
                    let mut notes = vec![json!({ "text": replaced_by(newer) })];
                    notes.extend(observation["note"].as_array().cloned().unwrap_or_default());
                    observation["note"] = notes.into();
                }
                let id = name.strip_prefix(&prefix).unwrap_or(&name).to_owned();
                self.entry(server, id, observation)
            })
            .collect()
    }

    pub fn device(&self, server: &Server) -> Value {
        self.render(server, |of| of.device())
    }

    /// What belongs to the result without being a part of it.
    pub fn entry(&self, server: &Server, id: String, resource: Value) -> Entry {
        entry(server, id, Some(self.created_at), resource, Some(&self.study))
    }

    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    fn render<T>(&self, server: &Server, with: impl FnOnce(&ResultOf<'_>) -> T) -> T {
        let produced_at = self.record.produced_at.with_timezone(&server.time_zone);
        let installation = Installation {
            site: server.site.to_string(),
            serial: server.serial.clone(),
            offset: produced_at.offset().fix(),
        };
        with(&ResultOf {
            context: Context {
                record: &self.record,
                header: &self.header,
                installation: &installation,
                revision: 1,
                predecessor: None,
            },
            order: self.order.as_ref(),
            names: Names::Server(&self.addresses),
        })
    }
}

fn replaced_by(newer: &str) -> String {
    format!("REPLACED by a newer result, DiagnosticReport/{newer}: do not use this one.")
}

/// The end of a chain of corrections; a longer one than this is a fault in the data.
const CHAIN: usize = 100;

async fn current(conn: &impl ConnectionTrait, first: &str) -> Result<String, StoreError> {
    let mut id = first.to_owned();
    for _ in 0..CHAIN {
        let parsed = id.parse().map_err(|_| StoreError::Missing("result"))?;
        match results::get(conn, parsed).await?.superseded_by {
            Some(next) => id = next,
            None => break,
        }
    }
    Ok(id)
}

/// `{result}`, `{result}.{finding}` or `{result}.{finding}.{lesion}` → the result.
pub fn result_of(id: &str) -> &str {
    id.split('.').next().unwrap_or(id)
}
