//! What modalities and archives said of a study's images, and what of it is missing.

use schemars::JsonSchema;
use serde::Serialize;
use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::ids::StudyId;

use super::state::State;
use crate::storage::announcements::{self, Heard};
use crate::storage::entity::{series, study};
use crate::storage::{StoreError, instances};

/// All of it together.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AnnouncedView {
    /// `in_progress`, `completed`, `discontinued` where a modality gave up before the end, or empty.
    pub acquisition: String,
    /// Images that were announced and can come.
    pub images: u32,
    /// How many of them are not here.
    pub missing: u32,
    /// Announced images that an archive says cannot be had without a person, or at all.
    pub out_of_reach: u32,
    pub said: Vec<AnnouncementView>,
}

/// A procedure step of a modality, or a notice of an archive.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AnnouncementView {
    /// The AE title of who said it.
    pub from: String,
    /// `in_progress`, `completed`, `discontinued`; `available` of a notice.
    pub state: String,
    /// Why a step was discontinued, in the modality's words.
    pub reason: Option<String>,
    pub images: usize,
    pub heard_at: Timestamp,
    pub changed_at: Timestamp,
    /// `waiting`, `done` or `given_up` where images of a notice were to be fetched.
    pub fetch_state: Option<String>,
    pub fetch_detail: Option<String>,
}

/// `None` where nobody said anything.
pub async fn of(
    state: &State,
    id: StudyId,
    study: &study::Model,
    series: &[series::Model],
) -> Result<Option<AnnouncedView>, StoreError> {
    let conn = state.store.read();
    let uids: Vec<String> = series.iter().map(|row| row.series_uid.clone()).collect();
    let here = instances::uids_of_study(conn, id, series).await?;
    let here: Vec<(&str, &str)> = here.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let Heard { outlook, said } = announcements::heard(conn, study, &uids, &here).await?;
    if said.is_empty() {
        return Ok(None);
    }
    let counts = outlook.counts();
    let said = said.into_iter().map(|(row, one)| {
        Ok(AnnouncementView {
            from: one.from,
            state: one.said.text().to_owned(),
            reason: announcements::reason_of(&row)?,
            images: one.series.iter().map(|series| series.instances.len()).sum(),
            heard_at: from_micros(row.created_at),
            changed_at: from_micros(row.updated_at),
            fetch_state: row.fetch_state,
            fetch_detail: row.fetch_detail,
        })
    });
    Ok(Some(AnnouncedView {
        acquisition: outlook.acquisition().to_owned(),
        images: counts.listed,
        missing: counts.missing,
        out_of_reach: counts.out_of_reach,
        said: said.collect::<Result<_, StoreError>>()?,
    }))
}
