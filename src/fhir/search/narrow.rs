//! From criteria to what a query of the database can tell: it may let too much through, and never keeps back what would match.

use sea_orm::ConnectionTrait;
use tocsin_domain::clock::to_micros;
use tocsin_domain::ids::SiteId;

use super::date::Prefix;
use super::param::Type;
use super::query::{Criterion, Query};
use super::value::{Sought, System};
use crate::fhir::{Kind, Server, patient, result};
use crate::storage::entity::study;
use crate::storage::told::{self, Wanted, Whose};
use crate::storage::{StoreError, patients};

pub async fn narrow(
    conn: &impl ConnectionTrait,
    server: &Server,
    query: &Query,
) -> Result<Wanted, StoreError> {
    let mut wanted = Wanted {
        patients: whose(conn, server, query).await?,
        ..Wanted::default()
    };
    for criterion in &query.criteria {
        match (query.kind, criterion.param.name) {
            (_, "_id") => meet(&mut wanted.ids, row_ids(query.kind, criterion)),
            (_, "based-on" | "basedon") => meet(&mut wanted.orders, ids(criterion)),
            (Kind::Task, "focus") | (Kind::Observation, "derived-from") => {
                meet(&mut wanted.studies, ids(criterion));
            }
            (Kind::DiagnosticReport, "result") | (Kind::Provenance, "target") => {
                let named = ids(criterion);
                let results = named.iter().map(|id| result::result_of(id).to_owned());
                meet(&mut wanted.ids, results.collect());
            }
            (Kind::ServiceRequest | Kind::ImagingStudy, "identifier") => {
                meet(&mut wanted.numbers, numbers(criterion));
            }
            (Kind::AuditEvent, "date" | "_lastUpdated")
            | (Kind::Task, "authored-on")
            | (Kind::DiagnosticReport | Kind::Observation | Kind::Provenance, "_lastUpdated") => {
                bound(&mut wanted, criterion);
            }
            _ => {}
        }
    }
    Ok(wanted)
}

/// Both must hold.
fn meet(known: &mut Option<Vec<String>>, also: Vec<String>) {
    *known = Some(match known.take() {
        Some(before) => before.into_iter().filter(|one| also.contains(one)).collect(),
        None => also,
    });
}

fn ids(criterion: &Criterion) -> Vec<String> {
    let id = |sought: &Sought| match sought {
        Sought::Reference(text) => text.rsplit('/').next().map(str::to_owned),
        Sought::Token { .. } | Sought::Date(..) | Sought::Text(_) | Sought::Uri(_) => None,
    };
    criterion.any.iter().filter_map(id).collect()
}

fn codes(criterion: &Criterion) -> impl Iterator<Item = (&System, &str)> {
    criterion.any.iter().filter_map(|sought| match sought {
        Sought::Token {
            system,
            code: Some(code),
        } => Some((system, code.as_str())),
        Sought::Token { code: None, .. }
        | Sought::Reference(_)
        | Sought::Date(..)
        | Sought::Text(_)
        | Sought::Uri(_) => None,
    })
}

fn row_ids(kind: Kind, criterion: &Criterion) -> Vec<String> {
    let row = |id: &str| match kind {
        Kind::Observation => result::result_of(id).to_owned(),
        Kind::AuditEvent
        | Kind::Communication
        | Kind::Device
        | Kind::DiagnosticReport
        | Kind::ImagingStudy
        | Kind::Patient
        | Kind::Provenance
        | Kind::ServiceRequest
        | Kind::Subscription
        | Kind::Task => id.to_owned(),
    };
    codes(criterion).map(|(_, id)| row(id)).collect()
}

/// A search for a whole system is not narrowed by numbers; it has none, so that nothing is found by it.
fn numbers(criterion: &Criterion) -> Vec<String> {
    let plain = |code: &str| code.strip_prefix("urn:oid:").unwrap_or(code).to_owned();
    codes(criterion).map(|(_, code)| plain(code)).collect()
}

/// The span of time outside of which nothing can match.
fn bound(wanted: &mut Wanted, criterion: &Criterion) {
    let [Sought::Date(prefix, span)] = criterion.any.as_slice() else {
        return;
    };
    let (low, high) = (to_micros(span.low), to_micros(span.high));
    let from = match prefix {
        Prefix::Equal | Prefix::Greater | Prefix::GreaterOrEqual | Prefix::StartsAfter => Some(low),
        Prefix::NotEqual
        | Prefix::Less
        | Prefix::LessOrEqual
        | Prefix::EndsBefore
        | Prefix::Approximately => None,
    };
    let before = match prefix {
        Prefix::Equal | Prefix::Less | Prefix::LessOrEqual | Prefix::EndsBefore => Some(high),
        Prefix::NotEqual
        | Prefix::Greater
        | Prefix::GreaterOrEqual
        | Prefix::StartsAfter
        | Prefix::Approximately => None,
    };
    wanted.from = wanted.from.max(from);
    wanted.before = match (wanted.before, before) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
}

/// Whom the search is about, if it says so: by reference, by identifier, or both.
async fn whose(
    conn: &impl ConnectionTrait,
    server: &Server,
    query: &Query,
) -> Result<Option<Whose>, StoreError> {
    let mut whose: Option<Whose> = None;
    let named = query
        .criteria
        .iter()
        .filter(|criterion| ["patient", "subject"].contains(&criterion.param.name));
    for criterion in named {
        let mut one = Whose::default();
        for id in ids(criterion) {
            match patient::study_of(&id) {
                Some(study) => one.studies.push(study.to_owned()),
                None => one.records.push(id),
            }
        }
        one.records = told::members(conn, one.records).await?;
        both(&mut whose, one);
    }
    for criterion in query.of(Type::PatientIdentifier) {
        let one = identified(conn, server, criterion).await?;
        both(&mut whose, one);
    }
    Ok(whose)
}

fn both(known: &mut Option<Whose>, also: Whose) {
    *known = Some(match known.take() {
        Some(before) => Whose {
            records: before
                .records
                .into_iter()
                .filter(|id| also.records.contains(id))
                .collect(),
            studies: before
                .studies
                .into_iter()
                .filter(|id| also.studies.contains(id))
                .collect(),
        },
        None => also,
    });
}

/// A number leads to the patient who bears it now, also where it was retired by a merge.
async fn identified(
    conn: &impl ConnectionTrait,
    server: &Server,
    criterion: &Criterion,
) -> Result<Whose, StoreError> {
    let mut stays = Vec::new();
    let mut studies = Vec::new();
    for (system, number) in codes(criterion) {
        for record in patients::of_value(conn, &server.site, number).await? {
            if is_of(server, system, &record.authority) {
                stays.push(patients::survivor(conn, record).await?.id);
            }
        }
        for study in told::imaged(conn, number).await? {
            if is_of(server, system, &authority(server, &study)) {
                studies.push(study.id);
            }
        }
    }
    Ok(Whose {
        records: told::members(conn, stays).await?,
        studies,
    })
}

fn authority(server: &Server, study: &study::Model) -> String {
    let said = study.patient_authority.clone().filter(|said| !said.is_empty());
    said.unwrap_or_else(|| server.default_authority.clone())
}

/// As the identifier is shown: with the system that the site has told of its authority, or with none.
fn is_of(server: &Server, wanted: &System, authority: &str) -> bool {
    let system = server.systems.get(authority);
    match wanted {
        System::Any => true,
        System::Absent => system.is_none(),
        System::Is(wanted) => system == Some(wanted),
    }
}

/// Records of patients that a search for patients names: all that bear one of the numbers.
pub async fn patients_named(
    conn: &impl ConnectionTrait,
    site: &SiteId,
    query: &Query,
) -> Result<Vec<crate::storage::entity::patient::Model>, StoreError> {
    let mut found = Vec::new();
    for criterion in query.named("identifier") {
        for (_, number) in codes(criterion) {
            found.extend(patients::of_value(conn, site, number).await?);
        }
    }
    for criterion in query.named("_id") {
        for (_, id) in codes(criterion) {
            found.extend(patients::by_id(conn, id).await?);
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found.dedup_by(|a, b| a.id == b.id);
    Ok(found)
}
