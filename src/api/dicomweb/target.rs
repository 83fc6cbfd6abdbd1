//! What a path names: a study, a series or an instance; the stored instances in it; and the addresses of what is here.

use std::collections::BTreeMap;
use std::future::{Ready, ready};
use std::path::PathBuf;

use actix_web::dev::Payload;
use actix_web::http::header::{ACCEPT, HOST};
use actix_web::{FromRequest, HttpRequest};
use tocsin_domain::dicomweb::accept::{Range, ranges};
use tocsin_domain::ids::Uid;

use crate::api::error::ApiError;
use crate::api::state::State;
use crate::storage::blobs::BlobHash;
use crate::storage::entity::instance;
use crate::storage::{StoreError, dicom_keys, instances, studies};

/// The UIDs of a path, the base of all addresses, and what the client takes.
#[derive(Clone, Debug)]
pub struct Target {
    pub study: Option<Uid>,
    pub series: Option<Uid>,
    pub instance: Option<Uid>,
    pub accept: Vec<Range>,
    host: String,
}

impl FromRequest for Target {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Target {
    fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let uid = |name: &str| {
            let text = request.match_info().get(name);
            let parsed = text.map(Uid::parse).transpose();
            parsed.map_err(|_| ApiError::BadRequest(format!("{name} in the path: expected a UID")))
        };
        let text = |name| {
            let values = request.headers().get_all(name);
            values
                .filter_map(|value| value.to_str().ok())
                .collect::<Vec<_>>()
                .join(",")
        };
        Ok(Self {
            study: uid("study")?,
            series: uid("series")?,
            instance: uid("instance")?,
            accept: ranges(&text(ACCEPT)),
            host: text(HOST),
        })
    }

    /// Where this service is, as clients see it.
    pub fn base(&self, state: &State) -> String {
        match &state.settings.public_origin {
            Some(origin) => format!("{origin}/dicom-web"),
            None => format!("http://{}/dicom-web", self.host),
        }
    }

    /// What is stored of it.
    ///
    /// # Errors
    /// There is no such study, series or instance.
    pub async fn held(&self, state: &State) -> Result<Held, ApiError> {
        let conn = state.store.read();
        let uid = self.study.as_ref().ok_or(ApiError::NotFound("study"))?;
        let study = studies::by_uid(conn, &state.settings.site, uid.as_str()).await?;
        let study = study.ok_or(ApiError::NotFound("study"))?;
        let id = studies::id_of(&study)?;
        let mut series: BTreeMap<String, String> = BTreeMap::new();
        for row in studies::series_of(conn, id).await? {
            if self
                .series
                .as_ref()
                .is_none_or(|uid| row.series_uid == uid.as_str())
            {
                series.insert(row.id, row.series_uid);
            }
        }
        let rows = match (&self.instance, &self.series, series.keys().next()) {
            (Some(uid), _, _) => dicom_keys::instance(conn, &state.settings.site, uid.as_str())
                .await?
                .into_iter()
                .collect(),
            (None, Some(_), Some(one)) => instances::of_series(conn, one).await?,
            (None, Some(_), None) => Vec::new(),
            (None, None, _) => instances::of_study(conn, id).await?,
        };
        let instances: Vec<instance::Model> = rows
            .into_iter()
            .filter(|row| series.contains_key(&row.series_id))
            .collect();
        if instances.is_empty() {
            return Err(ApiError::NotFound(match (&self.instance, &self.series) {
                (Some(_), _) => "instance",
                (None, Some(_)) => "series",
                (None, None) => "study",
            }));
        }
        Ok(Held {
            study: study.id,
            address: format!("{}/studies/{}", self.base(state), study.study_uid),
            series,
            instances,
        })
    }

    /// The same of a path that names an instance.
    ///
    /// # Errors
    /// There is no such instance.
    pub async fn held_instance(&self, state: &State) -> Result<(Held, instance::Model), ApiError> {
        let held = self.held(state).await?;
        let row = held.instances.first().cloned();
        Ok((held, row.ok_or(ApiError::NotFound("instance"))?))
    }
}

/// What is stored of a study.
pub struct Held {
    /// Our id.
    pub study: String,
    /// Of the study.
    address: String,
    /// UIDs of its series, by id.
    series: BTreeMap<String, String>,
    pub instances: Vec<instance::Model>,
}

impl Held {
    pub fn address_of(&self, row: &instance::Model) -> String {
        let series = self
            .series
            .get(&row.series_id)
            .map(String::as_str)
            .unwrap_or_default();
        format!("{}/series/{series}/instances/{}", self.address, row.sop_uid)
    }
}

/// Where its file lies, whether it is there or not.
pub fn file_of(state: &State, row: &instance::Model) -> Result<PathBuf, ApiError> {
    let hash: BlobHash = row.sha256.parse().map_err(|_| StoreError::Inconsistent {
        table: "instance",
        column: "sha256",
        id: row.id.clone(),
    })?;
    Ok(state.blobs.path(&hash))
}

/// Something that reads files, on a thread that may block.
///
/// # Errors
/// It panicked.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "reading a stored object failed inside");
        ApiError::Internal
    })
}
