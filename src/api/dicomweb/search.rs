//! QIDO-RS (PS3.18 10.6): studies, series and instances that match. The database narrows, values are compared here, and what no row holds
//! is read from the headers of a bounded number of candidates.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_TYPE, WARNING};
use actix_web::web::{Data, Query};
use serde_json::json;
use tocsin_domain::dicomweb::matching::Match;

use super::answer::{self, Attributes, JSON, takes_json};
use super::asked::{Asked, Key, Level};
use super::candidate::{Candidate, IN_ROWS, PATIENT_ID, SERIES_UID, STUDY_UID, holds_in};
use super::metadata::header;
use super::target::{Target, blocking, file_of};
use crate::api::auth::Principal;
use crate::api::error::ApiError;
use crate::api::state::State;
use crate::api::views;
use crate::storage::dicom_keys::{self, FoundSeries, FoundStudy, Narrowed};
use crate::storage::{holdings, instances};

/// Studies, series or instances whose rows are compared for one search.
const CANDIDATES: usize = 20_000;
/// Of those the ones whose headers are read.
const HEADERS: usize = 2_000;
const NOT_FUZZY: &str =
    "299 tocsin \"The fuzzymatching parameter is not supported. Only literal matching has been performed.\"";
const MORE: &str = "299 tocsin \"There are additional results that can be requested.\"";

pub async fn studies(
    state: Data<State>,
    target: Target,
    query: Query<Vec<(String, String)>>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    Search::of(&state, target, &query, Level::Study)?
        .answered(&who)
        .await
}

pub async fn series(
    state: Data<State>,
    target: Target,
    query: Query<Vec<(String, String)>>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    Search::of(&state, target, &query, Level::Series)?
        .answered(&who)
        .await
}

pub async fn instances(
    state: Data<State>,
    target: Target,
    query: Query<Vec<(String, String)>>,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    Search::of(&state, target, &query, Level::Instance)?
        .answered(&who)
        .await
}

struct Search<'s> {
    state: &'s State,
    target: Target,
    asked: Asked,
    level: Level,
}

/// What was found: one page, and whether there is more.
struct Page {
    candidates: Vec<Candidate>,
    more: bool,
}

impl<'s> Search<'s> {
    fn of(
        state: &'s State,
        target: Target,
        query: &[(String, String)],
        level: Level,
    ) -> Result<Self, ApiError> {
        takes_json(&target.accept)?;
        let mut asked = Asked::read(query, level)?;
        let named = [(&target.study, STUDY_UID), (&target.series, SERIES_UID)];
        for (uid, tag) in named
            .into_iter()
            .filter_map(|(uid, tag)| Some((uid.as_ref()?, tag)))
        {
            asked.keys.push(Key {
                path: vec![tag.to_owned()],
                wanted: Match::OneOf(vec![uid.to_string()]),
            });
        }
        Ok(Self {
            state,
            target,
            asked,
            level,
        })
    }

    async fn answered(self, who: &Principal) -> Result<HttpResponse, ApiError> {
        let page = self.page().await?;
        let shown: BTreeSet<String> = page.candidates.iter().map(|one| one.study.id.clone()).collect();
        let answers = self.answers(&page.candidates).await?;
        views::viewed(self.state, who, "study.search", shown).await?;
        let mut response = match answers.is_empty() {
            true => HttpResponse::NoContent(),
            false => HttpResponse::Ok(),
        };
        if self.asked.fuzzy {
            response.append_header((WARNING, NOT_FUZZY));
        }
        if page.more {
            response.append_header((WARNING, MORE));
        }
        if answers.is_empty() {
            return Ok(response.finish());
        }
        let text = serde_json::to_vec(&answers).map_err(|_| ApiError::Internal)?;
        Ok(response.insert_header((CONTENT_TYPE, JSON)).body(text))
    }

    async fn page(&self) -> Result<Page, ApiError> {
        let (narrowed, is_exact) = self.narrowed().await?;
        let conn = self.state.store.read();
        let site = &self.state.settings.site;
        let (offset, limit) = (self.asked.offset, self.asked.limit);
        if self.level == Level::Study && is_exact {
            let rows = dicom_keys::studies(conn, site, &narrowed, offset as u64, limit as u64 + 1).await?;
            return Ok(paged(rows.into_iter().map(Candidate::of).collect(), 0, limit));
        }
        let rows = dicom_keys::studies(conn, site, &narrowed, 0, CANDIDATES as u64 + 1).await?;
        let mut found: Vec<Candidate> = bounded(rows)?.into_iter().map(Candidate::of).collect();
        self.keep(&mut found, Level::Study);
        if self.level >= Level::Series {
            found = self.series_of(found).await?;
            self.keep(&mut found, Level::Series);
        }
        if self.level >= Level::Instance {
            found = self.instances_of(found).await?;
            self.keep(&mut found, Level::Instance);
        }
        self.by_studies_modalities(&mut found).await?;
        self.by_headers(&mut found).await?;
        Ok(paged(found, offset, limit))
    }

    /// What the database narrows by, and whether that is all that was asked for.
    async fn narrowed(&self) -> Result<(Narrowed, bool), ApiError> {
        let mut by = Narrowed::default();
        let mut is_exact = true;
        for key in &self.asked.keys {
            match (key.path.as_slice(), &key.wanted) {
                ([tag], Match::OneOf(uids)) if tag == STUDY_UID => by.uids = Some(uids.clone()),
                ([tag], Match::Dates(span)) if tag == "00080020" => {
                    by.first_date.clone_from(&span.from);
                    by.last_date.clone_from(&span.to);
                }
                ([tag], Match::One(accession)) if tag == "00080050" => by.accession = Some(accession.clone()),
                ([tag], Match::One(modality)) if tag == "00080061" => by.modality = Some(modality.clone()),
                ([tag], Match::One(number)) if tag == PATIENT_ID => {
                    let site = &self.state.settings.site;
                    let number = std::slice::from_ref(number);
                    let bearers = holdings::bearers(self.state.store.read(), site, number).await?;
                    by.patients = Some(bearers.numbers.into_iter().collect());
                }
                _ => is_exact = false,
            }
        }
        Ok((by, is_exact))
    }

    async fn series_of(&self, studies: Vec<Candidate>) -> Result<Vec<Candidate>, ApiError> {
        let by_id: BTreeMap<&str, &Candidate> =
            studies.iter().map(|one| (one.study.id.as_str(), one)).collect();
        let ids: Vec<String> = by_id.keys().map(|id| (*id).to_owned()).collect();
        let rows = dicom_keys::series(self.state.store.read(), &ids, CANDIDATES + 1).await?;
        let found = bounded(rows)?.into_iter().filter_map(|row| {
            let of = by_id.get(row.study_id.as_str())?;
            Some(Candidate {
                study: of.study.clone(),
                series: Some(row),
                instance: None,
            })
        });
        Ok(found.collect())
    }

    async fn instances_of(&self, series: Vec<Candidate>) -> Result<Vec<Candidate>, ApiError> {
        let id = |one: &Candidate| one.series.as_ref().map(|series| series.id.clone());
        let by_id: BTreeMap<String, &Candidate> =
            series.iter().filter_map(|one| Some((id(one)?, one))).collect();
        let ids: Vec<String> = by_id.keys().cloned().collect();
        let rows = dicom_keys::instances(self.state.store.read(), &ids, CANDIDATES + 1).await?;
        let found = bounded(rows)?.into_iter().filter_map(|row| {
            let of = by_id.get(&row.series_id)?;
            Some(Candidate {
                instance: Some(row),
                ..(*of).clone()
            })
        });
        Ok(found.collect())
    }

    /// Leaves those whose rows of this level hold against what was asked for.
    fn keep(&self, found: &mut Vec<Candidate>, level: Level) {
        let keys: Vec<(&str, &Match)> = self
            .asked
            .keys
            .iter()
            .filter_map(|key| match key.path.as_slice() {
                // The database has looked for all numbers of whoever has this one.
                [tag] if tag == PATIENT_ID && key.wanted.only().is_some() => None,
                [tag] => Some((tag.as_str(), &key.wanted)),
                _ => None,
            })
            .collect();
        found.retain(|one| {
            keys.iter().all(|(tag, wanted)| {
                one.row_value(tag, level)
                    .is_none_or(|value| wanted.holds(value.as_deref()))
            })
        });
    }

    /// Of studies that must have one of several modalities, or one that is like a pattern.
    async fn by_studies_modalities(&self, found: &mut Vec<Candidate>) -> Result<(), ApiError> {
        let Some(wanted) = self
            .asked
            .wanted("00080061")
            .filter(|wanted| wanted.only().is_none())
        else {
            return Ok(());
        };
        let ids: BTreeSet<String> = found.iter().map(|one| one.study.id.clone()).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let rows = dicom_keys::series(self.state.store.read(), &ids, CANDIDATES + 1).await?;
        let rows = bounded(rows)?;
        let holds = |row: &&FoundSeries| wanted.holds([row.modality.as_str()]);
        let studies: BTreeSet<&str> = rows
            .iter()
            .filter(holds)
            .map(|row| row.study_id.as_str())
            .collect();
        found.retain(|one| studies.contains(one.study.id.as_str()));
        Ok(())
    }

    /// Leaves those whose headers hold against what no row says.
    async fn by_headers(&self, found: &mut Vec<Candidate>) -> Result<(), ApiError> {
        let is_deep = |key: &&Key| key.path.len() > 1 || !IN_ROWS.contains(&key.path[0].as_str());
        let deep: Vec<Key> = self.asked.keys.iter().filter(is_deep).cloned().collect();
        if deep.is_empty() {
            return Ok(());
        }
        if found.len() > HEADERS {
            return Err(too_broad());
        }
        let headers = self.headers(found).await?;
        let mut headers = headers.iter();
        found.retain(|_| {
            headers
                .next()
                .is_some_and(|header| deep.iter().all(|key| holds_in(header, &key.path, &key.wanted)))
        });
        Ok(())
    }

    /// The header of each, or of the first instance of each.
    async fn headers(&self, found: &[Candidate]) -> Result<Vec<Attributes>, ApiError> {
        let conn = self.state.store.read();
        let mut files = Vec::with_capacity(found.len());
        for one in found {
            let row = match (&one.instance, &one.series) {
                (Some(row), _) => Some(row.clone()),
                (None, Some(series)) => dicom_keys::first_of_series(conn, &series.id).await?,
                (None, None) => instances::first_of_study(conn, &one.study.id).await?,
            };
            let file = row.as_ref().map(|row| file_of(self.state, row)).transpose()?;
            files.push((file, self.address(one)));
        }
        blocking(move || {
            let read = |(file, address): (Option<std::path::PathBuf>, String)| {
                file.and_then(|file| header(&file, &address)).unwrap_or_default()
            };
            files.into_iter().map(read).collect()
        })
        .await
    }

    fn address(&self, one: &Candidate) -> String {
        let mut address = format!("{}/studies/{}", self.target.base(self.state), one.study.study_uid);
        if let Some(series) = &one.series {
            address = format!("{address}/series/{}", series.series_uid);
        }
        if let Some(instance) = &one.instance {
            address = format!("{address}/instances/{}", instance.sop_uid);
        }
        address
    }

    async fn answers(&self, found: &[Candidate]) -> Result<Vec<Attributes>, ApiError> {
        let conn = self.state.store.read();
        let settings = &self.state.settings;
        // What a path names already is not told again.
        let own: BTreeSet<Level> = [
            (self.target.study.is_none(), Level::Study),
            (self.target.series.is_none(), Level::Series),
        ]
        .into_iter()
        .filter_map(|(is_own, level)| is_own.then_some(level))
        .collect();
        let studies: BTreeMap<&str, &FoundStudy> = found
            .iter()
            .map(|one| (one.study.id.as_str(), &one.study))
            .collect();
        let patients = answer::patients(
            &self.state.store,
            &settings.site,
            &settings.default_authority,
            studies.values().copied(),
        )
        .await?;
        let ids: Vec<String> = studies.keys().map(|id| (*id).to_owned()).collect();
        let series = dicom_keys::series(conn, &ids, CANDIDATES).await?;
        let series_ids: Vec<String> = series.iter().map(|one| one.id.clone()).collect();
        let counts = dicom_keys::counted(conn, &series_ids).await?;
        let headers = match self.level > Level::Study || answer::needs_header(&self.asked) {
            true => self.headers(found).await?,
            false => vec![Attributes::new(); found.len()],
        };
        let mut answers = Vec::with_capacity(found.len());
        for (one, header) in found.iter().zip(&headers) {
            let mut told = Attributes::new();
            answer::from_header(&mut told, header, &self.asked, self.level, &own);
            if own.contains(&Level::Study) || self.asked.include_all {
                answer::study(&mut told, &one.study, patients.get(&one.study.id));
                let of_study: Vec<&FoundSeries> = series
                    .iter()
                    .filter(|series| series.study_id == one.study.id)
                    .collect();
                let all = of_study.iter().filter_map(|series| counts.get(&series.id)).sum();
                answer::related(&mut told, &of_study, all);
            }
            told.insert(
                STUDY_UID.to_owned(),
                json!({ "vr": "UI", "Value": [one.study.study_uid] }),
            );
            if let Some(row) = one.series.as_ref().filter(|_| own.contains(&Level::Series)) {
                answer::series(&mut told, row, counts.get(&row.id).copied().unwrap_or(0));
            } else if let Some(row) = &one.series {
                told.insert(
                    SERIES_UID.to_owned(),
                    json!({ "vr": "UI", "Value": [row.series_uid] }),
                );
            }
            if let Some(row) = &one.instance {
                answer::instance(&mut told, row);
            }
            answer::retrieve(&mut told, &self.address(one));
            answers.push(told);
        }
        Ok(answers)
    }
}

fn bounded<T>(rows: Vec<T>) -> Result<Vec<T>, ApiError> {
    match rows.len() > CANDIDATES {
        true => Err(too_broad()),
        false => Ok(rows),
    }
}

fn too_broad() -> ApiError {
    ApiError::TooBroad(
        "too many candidates for this search; narrow it, for example by StudyDate or PatientID",
    )
}

fn paged(found: Vec<Candidate>, offset: usize, limit: usize) -> Page {
    let more = found.len() > offset.saturating_add(limit);
    Page {
        candidates: found.into_iter().skip(offset).take(limit).collect(),
        more,
    }
}
