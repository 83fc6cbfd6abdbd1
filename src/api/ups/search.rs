//! The search: everything that waits in the order of the worklist, then what is at an end, the latest first.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use chrono_tz::Tz;
use tocsin_domain::clock::from_micros;
use tocsin_domain::ids::StudyId;
use tocsin_domain::reading::{self, Ending, Facts, Standing, Step};
use tocsin_domain::worklist::Band;

use super::answer;
use super::item::{self, Placed, label};
use super::keys::{Card, Wanted};
use crate::api::auth::Principal;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::api::views;
use crate::api::worklist::waiting;
use crate::storage::entity::study;
use crate::storage::prior_searches::Purpose;
use crate::storage::{readings, studies};

/// Readings at an end that are looked at.
const ENDED: u64 = 1_000;

pub async fn get(
    state: Data<State>,
    request: HttpRequest,
    query: Query<Vec<(String, String)>>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    if let Some(answer) = answer::unreadable(request.headers()) {
        return Ok(answer);
    }
    let wanted = Wanted::read(&query)?;
    let mut found = open(&state, &wanted).await?;
    let known: BTreeSet<(StudyId, u32)> = found.iter().map(|one| (one.study, one.standing.number)).collect();
    let ended = ended(&state, &wanted).await?;
    found.extend(
        ended
            .into_iter()
            .filter(|one| !known.contains(&(one.study, one.standing.number))),
    );
    let total = found.len();
    let shown: Vec<Placed> = found.into_iter().skip(wanted.offset).take(wanted.limit).collect();
    let left = total.saturating_sub(wanted.offset.saturating_add(shown.len()));
    let documents = item::documents(&state, &shown).await?;
    views::viewed(
        &state,
        &who,
        "ups.search",
        shown.iter().map(|one| one.study.to_string()),
    )
    .await?;
    let answer = match (documents.is_empty(), left) {
        (true, _) => answer::plain(StatusCode::NO_CONTENT),
        (false, 0) => answer::documents(StatusCode::OK, &documents),
        (false, _) => answer::documents(StatusCode::PARTIAL_CONTENT, &documents),
    };
    Ok(with_warnings(answer, &wanted, left))
}

fn with_warnings(mut answer: HttpResponse, wanted: &Wanted, left: usize) -> HttpResponse {
    if left > 0 {
        answer = answer::warned(
            answer,
            &format!("There are {left} additional results that can be requested."),
        );
    }
    if wanted.fuzzy {
        answer = answer::warned(
            answer,
            "The fuzzymatching parameter is not supported. Only literal matching has been performed.",
        );
    }
    for name in &wanted.ignored {
        answer = answer::warned(
            answer,
            &format!("{name} is not a match key here and was ignored."),
        );
    }
    answer
}

/// The readings of everything that waits.
async fn open(state: &State, wanted: &Wanted) -> Result<Vec<Placed>, ApiError> {
    let conn = state.store.read();
    let list = waiting(state).await?;
    let latest = readings::of_waiting(conn).await?;
    let cancelled = readings::cancelled_waiting(conn).await?;
    let complete = match wanted.asks_readiness() {
        true => Some(readings::complete_waiting(conn).await?),
        false => None,
    };
    let now = state.now();
    let mut found = Vec::new();
    for row in &list.rows {
        let (study, id) = (&row.known.study, row.place.item.study);
        let standing = reading::standing(Facts {
            latest: latest.get(&study.id).map(readings::turn_of).transpose()?,
            waits: true,
            held: study.holder(now).is_some(),
            order_cancelled: cancelled.contains(&study.id),
        });
        let uid = reading::uid(id, standing.number).map_err(|_| ApiError::Internal)?;
        let start = local(study.arrived_at, state.settings.time_zone);
        let card = Card {
            uid: uid.as_str(),
            standing,
            band: row.place.item.band,
            complete: complete.as_ref().map(|ids| ids.contains(&study.id)),
            label: label(&study.description, &study.modality),
            start: &start,
            patient_name: study.patient_name.as_deref().unwrap_or_default(),
            patient_id: study.patient_identifier.as_deref().unwrap_or_default(),
            study_uid: &study.study_uid,
            accession: study.accession.as_deref().unwrap_or_default(),
        };
        if wanted.takes(&card) {
            found.push(Placed { study: id, standing });
        }
    }
    Ok(found)
}

/// Readings at an end, of studies that wait or not.
async fn ended(state: &State, wanted: &Wanted) -> Result<Vec<Placed>, ApiError> {
    let endings: Vec<Ending> = Ending::ALL
        .into_iter()
        .filter(|ending| wanted.may_be(ending.step()))
        .collect();
    if endings.is_empty() {
        return Ok(Vec::new());
    }
    let conn = state.store.read();
    let rows = readings::ended(conn, &endings, ENDED).await?;
    let ids: BTreeSet<String> = rows.iter().map(|row| row.study_id.clone()).collect();
    let ids: Vec<String> = ids.into_iter().collect();
    let studies: BTreeMap<String, study::Model> = studies::by_ids(conn, &ids)
        .await?
        .into_iter()
        .filter(|row| Purpose::of(row) == Purpose::Reading)
        .map(|row| (row.id.clone(), row))
        .collect();
    let mut found = Vec::new();
    for row in &rows {
        let (turn, Some(study)) = (readings::turn_of(row)?, studies.get(&row.study_id)) else {
            continue;
        };
        let standing = Standing {
            number: turn.number,
            step: turn.ending.map_or(Step::Canceled, Ending::step),
            ending: turn.ending,
        };
        if wanted.takes(&card_of(state, study, standing)?.card()) {
            found.push(Placed {
                study: studies::id_of(study)?,
                standing,
            });
        }
    }
    Ok(found)
}

/// What a card of a whole row borrows from.
struct Held<'r> {
    uid: String,
    start: String,
    band: Band,
    standing: Standing,
    row: &'r study::Model,
}

fn card_of<'r>(state: &State, row: &'r study::Model, standing: Standing) -> Result<Held<'r>, ApiError> {
    let uid = reading::uid(studies::id_of(row)?, standing.number).map_err(|_| ApiError::Internal)?;
    Ok(Held {
        uid: uid.to_string(),
        start: local(row.arrived_at, state.settings.time_zone),
        band: Band::from_number(row.band).unwrap_or(Band::Routine),
        standing,
        row,
    })
}

impl Held<'_> {
    fn card(&self) -> Card<'_> {
        Card {
            uid: &self.uid,
            standing: self.standing,
            band: self.band,
            complete: Some(self.row.state == "settled"),
            label: label(&self.row.description, &self.row.modality),
            start: &self.start,
            patient_name: self.row.patient_name.as_deref().unwrap_or_default(),
            patient_id: self.row.patient_identifier.as_deref().unwrap_or_default(),
            study_uid: &self.row.study_uid,
            accession: self.row.accession.as_deref().unwrap_or_default(),
        }
    }
}

fn local(micros: i64, zone: Tz) -> String {
    from_micros(micros)
        .with_timezone(&zone)
        .format("%Y%m%d%H%M%S")
        .to_string()
}
