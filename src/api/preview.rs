//! Pictures of a study for looking, not for diagnosis: the stacks of a study in the order of looking, and one picture of one frame.

mod marks;

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Json, Path, Query};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::assemble::stack::layers;
use tocsin_domain::ids::StudyId;
use tocsin_domain::sides::Sides;
use tocsin_domain::study::InstanceFacts;

use super::auth::Principal;
use super::error::ApiError;
use super::page::Page;
use super::state::State;
use super::views;
use crate::storage::entity::{instance, series};
use crate::storage::{StoreError, instances, results, studies};
use marks::marks_on;
pub use marks::{Marked, MarksView, heat, marks};

const PNG: &str = "image/png";

/// Draws stored frames; decoding happens where it can do no harm, which is not here.
#[async_trait]
pub trait Previews: Send + Sync {
    /// A frame as PNG. `window` is centre and width in the units of the image; without it the sender's own.
    async fn draw(
        &self,
        image: &instance::Model,
        frame: u32,
        window: Option<[f64; 2]>,
    ) -> Result<Vec<u8>, PreviewFailure>;
}

/// Why a frame could not be drawn, without what the file holds.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PreviewFailure {
    /// Asking again gives the same answer.
    #[error("{0}")]
    Image(String),
    #[error("{0}")]
    Unavailable(String),
}

/// Windows of CT that have a name, centre and width in HU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// What the sender's header says.
    Own,
    Brain,
    Subdural,
    Stroke,
    Bone,
    Lung,
    SoftTissue,
}

impl Preset {
    const HEAD: [Self; 5] = [Self::Brain, Self::Subdural, Self::Stroke, Self::Bone, Self::Own];
    const BODY: [Self; 4] = [Self::SoftTissue, Self::Lung, Self::Bone, Self::Own];

    fn window(self) -> Option<[f64; 2]> {
        match self {
            Self::Own => None,
            Self::Brain => Some([40.0, 80.0]),
            Self::Subdural => Some([80.0, 200.0]),
            Self::Stroke => Some([40.0, 40.0]),
            Self::Bone => Some([600.0, 2800.0]),
            Self::Lung => Some([-600.0, 1500.0]),
            Self::SoftTissue => Some([40.0, 400.0]),
        }
    }

    /// Those that make sense for a series, the first of which is shown first.
    fn of(modality: &str, body_part: &str) -> Vec<Self> {
        let head = ["HEAD", "BRAIN", "SKULL"]
            .iter()
            .any(|part| body_part.contains(part));
        match (modality, head) {
            ("CT", true) => Self::HEAD.to_vec(),
            ("CT", false) => Self::BODY.to_vec(),
            _ => vec![Self::Own],
        }
    }
}

/// A series as a stack of pictures.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StackView {
    pub series_id: String,
    pub series_uid: String,
    pub modality: String,
    pub description: String,
    pub plane: String,
    pub slice_thickness_mm: Option<f64>,
    pub presets: Vec<Preset>,
    pub layers: Vec<LayerView>,
    /// Of the patient, at each edge of the pictures; null where the headers do not say, or where pictures differ.
    pub sides: Option<Sides>,
    /// Of the models whose policy lets marks be shown; others are not named here.
    pub marks: Vec<MarksView>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LayerView {
    pub instance_id: String,
    /// 0-based.
    pub frame: u32,
    /// Along the normal, mm.
    pub offset: Option<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Look {
    pub window: Option<Preset>,
}

/// `GET /api/v1/studies/{id}/stacks`.
pub async fn stacks(
    state: Data<State>,
    id: Path<String>,
    who: Principal,
) -> Result<Json<Page<StackView>>, ApiError> {
    let id: StudyId = id.parse().map_err(|_| ApiError::NotFound("study"))?;
    let items = load(&state, id).await?;
    views::viewed_again(&state, &who, "study.view", [id.to_string()]).await?;
    Ok(Json(Page { items, next: None }))
}

/// Objects of these modalities lie over images or tell of them (PS3.3 C.7.3.1.1.1): they come behind what was acquired.
const DERIVED: [&str; 9] = [
    "SEG", "SR", "PR", "KO", "REG", "RTDOSE", "RTSTRUCT", "RTPLAN", "ECG",
];

/// The stacks of a study: images before what was derived from them, those with marks first, then the longest, which is the
/// one to read.
pub async fn load(state: &State, id: StudyId) -> Result<Vec<StackView>, ApiError> {
    let conn = state.store.read();
    if studies::by_id(conn, id).await?.is_none() {
        return Err(ApiError::NotFound("study"));
    }
    let records = results::of_study(conn, id)
        .await?
        .iter()
        .filter(|row| row.superseded_by.is_none())
        .map(results::record_of)
        .collect::<Result<Vec<_>, StoreError>>()?;
    let mut all: BTreeMap<String, Vec<instance::Model>> = BTreeMap::new();
    for row in instances::of_study(conn, id).await? {
        all.entry(row.series_id.clone()).or_default().push(row);
    }
    let mut stacks = Vec::new();
    for row in studies::series_of(conn, id).await? {
        let own = all.remove(&row.id).unwrap_or_default();
        let mut stack = stack(&row, &own)?;
        for record in &records {
            stack.marks.extend(marks_on(state, record, &own, &stack).await?);
        }
        stacks.push(stack);
    }
    // A segmentation is a mask of pictures, and none itself.
    stacks.retain(|stack| !stack.layers.is_empty() && stack.modality != "SEG");
    stacks.sort_by_key(|stack| {
        let derived = DERIVED.contains(&stack.modality.as_str());
        (derived, stack.marks.is_empty(), usize::MAX - stack.layers.len())
    });
    Ok(stacks)
}

fn stack(row: &series::Model, own: &[instance::Model]) -> Result<StackView, StoreError> {
    let facts: Vec<InstanceFacts> = own.iter().map(instances::facts_of).collect::<Result<_, _>>()?;
    let series = studies::series_facts_of(row)?;
    let text = |pick: fn(&tocsin_domain::study::SeriesFacts) -> &String| {
        series
            .as_ref()
            .map(|facts| pick(facts).clone())
            .unwrap_or_default()
    };
    let modality = text(|facts| &facts.modality);
    let mut sides = facts
        .iter()
        .map(|one| one.orientation.as_ref().and_then(Sides::of));
    let first = sides.next().flatten();
    let sides = first.filter(|first| sides.all(|other| other.as_ref() == Some(first)));
    Ok(StackView {
        series_id: row.id.clone(),
        series_uid: row.series_uid.clone(),
        presets: Preset::of(&modality, &text(|facts| &facts.body_part)),
        modality,
        sides,
        description: text(|facts| &facts.description),
        plane: text(|facts| &facts.plane),
        slice_thickness_mm: series.as_ref().and_then(|facts| facts.slice_thickness_mm),
        layers: layers(&facts)
            .into_iter()
            .map(|layer| LayerView {
                instance_id: own[layer.instance].id.clone(),
                frame: layer.frame,
                offset: layer.offset,
            })
            .collect(),
        marks: Vec::new(),
    })
}

/// `GET /api/v1/studies/{id}/images/{instance}/{frame}?window=brain`.
pub async fn image(
    state: Data<State>,
    path: Path<(String, String, u32)>,
    look: Query<Look>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let (study, instance, frame) = path.into_inner();
    let row = instances::by_id(state.store.read(), &instance)
        .await?
        .filter(|row| row.study_id == study)
        .ok_or(ApiError::NotFound("image"))?;
    views::viewed_again(&state, &who, "study.view", [study]).await?;
    let window = look.window.and_then(Preset::window);
    let drawn = state.previews.draw(&row, frame, window).await;
    let bytes = drawn.map_err(|failure| {
        tracing::warn!(instance.id = %instance, %failure, "a preview could not be drawn");
        match failure {
            PreviewFailure::Image(_) => ApiError::NotFound("picture of this image"),
            PreviewFailure::Unavailable(_) => ApiError::Internal,
        }
    })?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, PNG)).body(bytes))
}
