//! What a model marked on a stack, and where it looked: told, drawn and sent only where its display policy lets that be shown.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Path, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::finding::{Line, ResultRecord};
use tocsin_domain::ids::{ResultId, Uid};

use super::{PNG, StackView};
use crate::api::auth::Principal;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::api::views;
use crate::imaging::heat::{self as maps, HeatMap};
use crate::imaging::marks::{self, Marks};
use crate::imaging::mask_codec;
use crate::storage::entity::instance;
use crate::storage::results;

/// What one result marked on this stack.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MarksView {
    pub result_id: ResultId,
    pub model: String,
    /// The layer that shows the finding best.
    pub key: Option<usize>,
    /// The layers that were chosen to show what is flagged, the best first.
    pub keys: Vec<usize>,
    /// Layers that have marks or measured lengths, and the number by which to ask for them.
    pub marked: Vec<Marked>,
    /// Layers with a map of where the model looked, by the same number.
    pub heat: Vec<Marked>,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Marked {
    pub layer: usize,
    pub slice: usize,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct How {
    #[serde(rename = "as", default)]
    pub drawn: Marks,
}

/// What is told of the marks of a result on a stack; nothing where there are none, or where they may not be shown.
pub(super) async fn marks_on(
    state: &State,
    record: &ResultRecord,
    own: &[instance::Model],
    stack: &StackView,
) -> Result<Option<MarksView>, ApiError> {
    if !record.model.display_policy.shows_marks() {
        return Ok(None);
    }
    let stored = results::mask_of(state.store.read(), record.id).await?;
    let (mut slices, mut grid) = (BTreeSet::new(), None);
    if !stored.is_empty() {
        let bits = record.explanation.marking_bits();
        let marked = mask_codec::marked(&stored, bits).map_err(|_| ApiError::Internal)?;
        slices = record.measured_slices();
        slices.extend(marked);
        grid = mask_codec::grid(&stored).map_err(|_| ApiError::Internal)?;
    }
    let layer_of = |slice: usize| {
        let uid = record.instance_uids.get(slice)?;
        let row = own.iter().find(|row| row.sop_uid == uid.as_str())?;
        let kept = grid
            .as_ref()
            .and_then(|grid| grid.slices.get(slice))
            .map(|one| one.frame);
        let mut keys = record.explanation.key_slices.iter();
        let chosen = || keys.find(|key| key.slice == slice).map(|key| key.frame);
        let frame = kept.or_else(chosen).unwrap_or_default();
        let mut layers = stack.layers.iter();
        layers.position(|layer| layer.instance_id == row.id && layer.frame == frame)
    };
    let layers = |slices: BTreeSet<usize>| -> Vec<Marked> {
        let found = slices.into_iter();
        found
            .filter_map(|slice| {
                Some(Marked {
                    layer: layer_of(slice)?,
                    slice,
                })
            })
            .collect()
    };
    let marked = layers(slices);
    let heat = layers(
        stored_maps(state, record.id)
            .await?
            .iter()
            .map(|map| map.slice)
            .collect(),
    );
    let keys = record.explanation.key_slices.iter();
    let keys: Vec<usize> = keys.filter_map(|key| layer_of(key.slice)).collect();
    let named = record
        .findings
        .iter()
        .find_map(|finding| finding.key_instance.as_ref());
    let slice_of = |uid: &Uid| record.instance_uids.iter().position(|one| one == uid);
    let key = keys.first().copied().or_else(|| layer_of(slice_of(named?)?));
    Ok((!marked.is_empty() || !heat.is_empty()).then(|| MarksView {
        result_id: record.id,
        model: record.model.name.clone(),
        key,
        keys,
        marked,
        heat,
    }))
}

async fn stored_maps(state: &State, id: ResultId) -> Result<Vec<HeatMap>, ApiError> {
    match results::map_of(state.store.read(), id).await? {
        Some(stored) if !stored.is_empty() => maps::decode(&stored).map_err(|_| ApiError::Internal),
        Some(_) | None => Ok(Vec::new()),
    }
}

/// `GET /api/v1/studies/{id}/marks/{result}/{slice}?as=outline`.
pub async fn marks(
    state: Data<State>,
    path: Path<(String, String, usize)>,
    how: Query<How>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let (study, result, slice) = path.into_inner();
    let none = || ApiError::NotFound("marks that may be shown");
    let record = shown(&state, &study, &result).await?.ok_or_else(none)?;
    views::viewed_again(&state, &who, "study.view", [study]).await?;
    let stored = results::mask_of(state.store.read(), record.id).await?;
    let [_, rows, columns] = mask_codec::shape(&stored).map_err(|_| none())?;
    let mask = mask_codec::slice(&stored, slice).map_err(|_| none())?;
    let bits = record.explanation.marking_bits();
    let lines: Vec<_> = record.lines_on(slice).map(Line::ends_px).collect();
    let bytes =
        marks::layer(&mask, bits, rows, columns, how.drawn, &lines).map_err(|_| ApiError::Internal)?;
    Ok(picture(bytes))
}

/// `GET /api/v1/studies/{id}/heat/{result}/{slice}`: smaller than the slice, to be stretched over it.
pub async fn heat(
    state: Data<State>,
    path: Path<(String, String, usize)>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let (study, result, slice) = path.into_inner();
    let none = || ApiError::NotFound("map that may be shown");
    let record = shown(&state, &study, &result).await?.ok_or_else(none)?;
    views::viewed_again(&state, &who, "study.view", [study]).await?;
    let all = stored_maps(&state, record.id).await?;
    let map = all.iter().find(|map| map.slice == slice).ok_or_else(none)?;
    Ok(picture(maps::layer(map).map_err(|_| ApiError::Internal)?))
}

fn picture(bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, PNG)).body(bytes)
}

/// The result of that study, if a place in a picture may be pointed at because of it.
async fn shown(state: &State, study: &str, result: &str) -> Result<Option<ResultRecord>, ApiError> {
    let Ok(id) = result.parse::<ResultId>() else {
        return Ok(None);
    };
    let row = results::by_id(state.store.read(), id).await?;
    let record = row
        .filter(|row| row.study_id == study)
        .map(|row| results::record_of(&row));
    Ok(record
        .transpose()?
        .filter(|record| record.model.display_policy.shows_marks()))
}
