//! Work items as documents: rows of studies, orders and readings put into what `report/work_item.rs` writes.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{FixedOffset, Offset};
use serde_json::Value;
use tocsin_domain::clock::from_micros;
use tocsin_domain::ids::{StudyId, Uid};
use tocsin_domain::order::OrderRecord;
use tocsin_domain::reading::{self, Ending, Standing, Step};
use tocsin_domain::worklist::Band;

use super::answer;
use crate::api::auth::Principal;
use crate::api::described::reasons_of;
use crate::api::error::ApiError;
use crate::api::patient::PatientView;
use crate::api::state::State;
use crate::api::views;
use crate::report::dicom_json;
use crate::report::work_item::{self, InputSeries, Performed, Who, WorkItem};
use crate::storage::entity::{reading as reading_row, study};
use crate::storage::prior_searches::Purpose;
use crate::storage::{StoreError, Tx, instances, orders, readings, studies};

/// Which worklist an item is on: one for each band, because DICOM's priority tells only two of them apart.
pub fn worklist(band: Band) -> &'static str {
    match band {
        Band::Critical => "Reading critical",
        Band::Urgent => "Reading urgent",
        Band::Routine => "Reading routine",
    }
}

/// What the item is called: the words of the images, else the modality.
pub fn label<'r>(description: &'r str, modality: &'r str) -> &'r str {
    match description.trim() {
        "" => modality,
        said => said,
    }
}

/// A reading, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    pub study: StudyId,
    pub standing: Standing,
}

pub async fn get(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    if let Some(answer) = answer::unreadable(request.headers()) {
        return Ok(answer);
    }
    let (study, number) = target(&id)?;
    let row = studies::by_id(state.store.read(), study)
        .await?
        .filter(|row| Purpose::of(row) == Purpose::Reading)
        .ok_or(ApiError::NotFound("work item"))?;
    let (current, _) = readings::standing(state.store.read(), &row, state.now()).await?;
    let standing = match number {
        number if number == current.number => current,
        number if number < current.number => {
            let past = readings::numbered(state.store.read(), study, number).await?;
            past_of(number, past.as_ref())?
        }
        _ => return Err(ApiError::NotFound("work item")),
    };
    let inputs = inputs(&state, study).await?;
    let rows = Rows::of(&state, &[study]).await?;
    let document = rendered(&state, &rows, study, standing, &inputs)?;
    views::viewed(&state, &who, "ups.view", [study.to_string()]).await?;
    Ok(answer::documents(StatusCode::OK, &[document]))
}

/// The study and the number of the reading that a UID names.
pub fn target(uid: &str) -> Result<(StudyId, u32), ApiError> {
    reading::of_uid(uid).ok_or(ApiError::NotFound("work item"))
}

/// The study's row, and where the reading of this number stands: for changes, inside their transaction.
pub async fn standing_of(
    tx: &Tx,
    study: StudyId,
    number: u32,
) -> Result<(study::Model, Standing, Option<reading_row::Model>), StoreError> {
    let row = studies::lock(tx, study)
        .await
        .map_err(|error| missing(error, "study"))?;
    if Purpose::of(&row) != Purpose::Reading {
        return Err(StoreError::Missing("work item"));
    }
    let (current, own) = readings::standing(tx.conn(), &row, tx.now()).await?;
    match number {
        number if number == current.number => Ok((row, current, own)),
        number if number < current.number => {
            let past = readings::numbered(tx.conn(), study, number).await?;
            let standing = past_of(number, past.as_ref())?;
            Ok((row, standing, past))
        }
        _ => Err(StoreError::Missing("work item")),
    }
}

fn missing(error: StoreError, what: &str) -> StoreError {
    match error {
        StoreError::Missing(found) if found == what => StoreError::Missing("work item"),
        other => other,
    }
}

/// A reading that another follows is at an end, also where nobody wrote down how.
fn past_of(number: u32, row: Option<&reading_row::Model>) -> Result<Standing, StoreError> {
    let turn = row.map(readings::turn_of).transpose()?;
    let ending = turn.and_then(|turn| turn.ending).unwrap_or(Ending::Lapsed);
    Ok(Standing {
        number,
        step: ending.step(),
        ending: Some(ending),
    })
}

/// What documents are made of, read together.
pub struct Rows {
    studies: BTreeMap<String, study::Model>,
    orders: BTreeMap<String, OrderRecord>,
    readings: BTreeMap<(String, i64), reading_row::Model>,
    offset: FixedOffset,
}

impl Rows {
    pub async fn of(state: &State, ids: &[StudyId]) -> Result<Self, ApiError> {
        let conn = state.store.read();
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let rows = studies::by_ids(conn, &ids).await?;
        let ordered: Vec<String> = rows.iter().filter_map(|row| row.order_id.clone()).collect();
        let mut records = BTreeMap::new();
        for order in orders::by_ids(conn, &ordered).await? {
            let record = orders::record_of(&order)?;
            records.insert(order.id, record);
        }
        let readings = readings::of_studies(conn, &ids).await?;
        Ok(Self {
            studies: rows.into_iter().map(|row| (row.id.clone(), row)).collect(),
            orders: records,
            readings: readings
                .into_iter()
                .map(|row| ((row.study_id.clone(), row.number), row))
                .collect(),
            offset: state
                .now()
                .with_timezone(&state.settings.time_zone)
                .offset()
                .fix(),
        })
    }
}

/// These readings without the images they are about. Shows patients: note the view before it is answered.
pub async fn documents(state: &State, placed: &[Placed]) -> Result<Vec<Value>, ApiError> {
    let ids: Vec<StudyId> = placed.iter().map(|placed| placed.study).collect();
    let rows = Rows::of(state, &ids).await?;
    placed
        .iter()
        .filter(|placed| rows.studies.contains_key(&placed.study.to_string()))
        .map(|placed| rendered(state, &rows, placed.study, placed.standing, &[]))
        .collect()
}

fn rendered(
    state: &State,
    rows: &Rows,
    study: StudyId,
    standing: Standing,
    inputs: &[InputSeries],
) -> Result<Value, ApiError> {
    let id = study.to_string();
    let row = rows.studies.get(&id).ok_or(ApiError::NotFound("work item"))?;
    let own = rows.readings.get(&(id, i64::from(standing.number)));
    let band = Band::from_number(row.band).ok_or_else(|| unreadable(row, "band"))?;
    let patient = PatientView::of_images(row).qualified(&state.settings.default_authority);
    let study_uid = Uid::parse(&row.study_uid).map_err(|_| unreadable(row, "study_uid"))?;
    let reasons: Vec<String> = reasons_of(row)?
        .iter()
        .map(|reason| format!("{} ({}): {}", reason.source, reason.effect, reason.text))
        .collect();
    let arrived_at = from_micros(row.arrived_at);
    let named = |number| reading::uid(study, number).map_err(|_| unreadable(row, "id"));
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (name, identifier) = (text(&patient.name), text(&patient.identifier));
    let (authority, birth_date, sex) = (
        text(&patient.authority),
        text(&patient.birth_date),
        text(&patient.sex),
    );
    let replaces = match standing.number {
        ..=1 => None,
        later => Some(named(later - 1)?),
    };
    let set = work_item::data_set(&WorkItem {
        uid: named(standing.number)?,
        replaces,
        standing,
        band,
        label: label(&row.description, &row.modality),
        worklist: worklist(band),
        reasons: &reasons,
        study_uid: &study_uid,
        who: Who {
            name: &name,
            identifier: &identifier,
            authority: &authority,
            birth_date: &birth_date,
            sex: &sex,
        },
        arrived_at,
        due_at: arrived_at + state.settings.caps.of(band),
        changed_at: from_micros(row.updated_at),
        complete: row.state == "settled",
        accession: row.accession.as_deref().unwrap_or_default(),
        order: row.order_id.as_ref().and_then(|order| rows.orders.get(order)),
        retrieve_from: &state.settings.receives.0,
        inputs,
        performed: own.map(performed),
        offset: rows.offset,
    });
    let mut document = dicom_json::json(&set);
    if let Some(said) = own.and_then(|own| own.performed.as_deref()) {
        said_by_reader(&mut document, said);
    }
    Ok(document)
}

fn performed(row: &reading_row::Model) -> Performed<'_> {
    Performed {
        by: &row.by,
        began_at: from_micros(row.began_at),
        ended_at: row.ended_at.map(from_micros),
    }
}

/// What the reader said of their work goes before what we know of it, but for why it ended.
fn said_by_reader(document: &mut Value, said: &str) {
    let Ok(Value::Object(said)) = serde_json::from_str(said) else {
        return;
    };
    let canceled = document["00741000"]["Value"][0] == Step::Canceled.text();
    for (tag, element) in said {
        if !(canceled && tag == "00741002") {
            document[tag] = element;
        }
    }
}

async fn inputs(state: &State, study: StudyId) -> Result<Vec<InputSeries>, ApiError> {
    let conn = state.store.read();
    let mut found: BTreeMap<String, Vec<(Uid, Uid)>> = BTreeMap::new();
    for instance in instances::of_study(conn, study).await? {
        if let (Ok(class), Ok(uid)) = (Uid::parse(&instance.sop_class), Uid::parse(&instance.sop_uid)) {
            found.entry(instance.series_id).or_default().push((class, uid));
        }
    }
    let series = studies::series_of(conn, study).await?;
    let inputs = series.into_iter().filter_map(|row| {
        Some(InputSeries {
            series: Uid::parse(&row.series_uid).ok()?,
            instances: found.remove(&row.id)?,
        })
    });
    Ok(inputs.collect())
}

fn unreadable(row: &study::Model, column: &'static str) -> ApiError {
    StoreError::Inconsistent {
        table: "study",
        column,
        id: row.id.clone(),
    }
    .into()
}
