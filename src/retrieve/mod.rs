//! Asks archives for earlier studies of a patient and takes them in as the listener takes what is sent: by C-FIND with
//! C-GET or C-MOVE, or by DICOMweb. What an archive answers is bounded in number, length and time, and judged elsewhere
//! (`tocsin_domain::priors`).

mod asking;
mod error;
mod find;
mod getting;
mod identifier;
mod moving;
mod web;
pub mod worklist;

pub use getting::{COMPRESSED, IMAGES};

use std::time::Duration;

use tocsin_domain::ids::SiteId;
use tocsin_domain::priors::{Bounds, Chosen, Described, Wanted};

use crate::deliver::dicom::DicomPeer;
use crate::deliver::web::WebPeer;
use crate::storage::prior_searches::Sender;

pub use crate::ingest::dicom::intake::{Intake, Origin};
pub use error::RetrieveError;

/// An archive that may be asked.
#[derive(Clone, Debug)]
pub struct Source {
    /// In the configuration, in rows and for people.
    pub name: String,
    /// Of whose studies it is asked; of all sites where it is not said.
    pub site: Option<SiteId>,
    pub how: How,
    pub limits: Limits,
    /// The AE title under which notices name it, where images that they announce are to be fetched.
    pub announced_as: Option<String>,
}

/// How it sends what it is asked for.
#[derive(Clone, Debug)]
pub enum How {
    /// Over the association in which it is asked.
    Get(DicomPeer),
    /// To our own listener, under the AE title that it knows us by.
    Move(DicomPeer),
    Web(WebPeer),
}

/// What one search may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Answers to one question.
    pub answers: usize,
    /// For one question, or one study to come.
    pub timeout: Duration,
}

/// Where instances go, and how many at most.
#[derive(Clone, Copy)]
pub struct Taker<'a> {
    pub intake: &'a Intake,
    pub origin: &'a Origin,
    pub most: u32,
}

/// The archives that are asked, what is fetched at most, and where it goes.
pub struct Priors {
    pub sources: Vec<Source>,
    pub bounds: Bounds,
    pub intake: Intake,
}

impl Priors {
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }
}

/// What came of a study that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Instances that are here now; of a move as far as the archive says so.
    pub instances: u32,
    /// Why others were not kept, each reason once.
    pub refused: Vec<String>,
}

impl Fetched {
    /// Of several studies.
    pub fn add(&mut self, other: Self) {
        self.instances = self.instances.saturating_add(other.instances);
        other.refused.into_iter().for_each(|reason| self.refuse(reason));
    }

    fn refuse(&mut self, reason: String) {
        if !self.refused.contains(&reason) && self.refused.len() < 8 {
            self.refused.push(reason);
        }
    }
}

impl Source {
    /// Who its instances come from.
    pub fn sender(&self) -> Sender {
        let title = match &self.how {
            How::Get(peer) | How::Move(peer) => peer.ae_title.clone(),
            How::Web(_) => self.name.clone(),
        };
        Sender {
            source: self.name.clone(),
            title,
        }
    }

    /// The patient's studies as it describes them, with the series of those that may be compared with.
    ///
    /// # Errors
    /// An archive that is not there, refuses, answers without end or takes too long.
    pub async fn search(&self, wanted: &Wanted, bounds: &Bounds) -> Result<Vec<Described>, RetrieveError> {
        within(self.limits.timeout, async {
            match &self.how {
                How::Get(peer) | How::Move(peer) => {
                    find::search(peer, wanted, bounds, self.limits.answers).await
                }
                How::Web(peer) => web::search(peer, wanted, bounds, self.limits.answers).await,
            }
        })
        .await
    }

    /// Has it send the chosen series; returns when they are here.
    ///
    /// # Errors
    /// As for a search. What came before the error stays.
    pub async fn fetch(&self, chosen: &Chosen, taker: &Taker<'_>) -> Result<Fetched, RetrieveError> {
        let fetched = within(self.limits.timeout, async {
            match &self.how {
                How::Get(peer) => getting::fetch(peer, chosen, taker).await,
                How::Move(peer) => moving::fetch(peer, chosen).await,
                How::Web(peer) => web::fetch(peer, chosen, taker).await,
            }
        })
        .await;
        let told = match &self.how {
            // The listener has seen the association of a move end.
            How::Move(_) => Ok(()),
            How::Get(_) | How::Web(_) => taker.intake.fetched(taker.origin, &chosen.study_uid).await,
        };
        told.map_err(RetrieveError::Store)?;
        fetched
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, RetrieveError>>,
) -> Result<T, RetrieveError> {
    tokio::time::timeout(limit, work)
        .await
        .map_err(|_| RetrieveError::TooSlow {
            seconds: limit.as_secs(),
        })?
}
