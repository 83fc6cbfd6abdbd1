//! What applying messages would come to: they are applied, and the rules run, in a transaction that is undone. What one does is
//! there for those after it, as it would be.

use std::collections::BTreeMap;

use tocsin_domain::foreseen::{Foreseen, Standing, effects};
use tocsin_domain::ids::StudyId;
use tocsin_domain::order::Hl7Event;
use tocsin_domain::work::Paging;
use tocsin_domain::worklist::Band;

use super::apply_message::{Applied, apply};
use super::env::Env;
use super::triage_study;
use super::vendor_results;
use crate::storage::entity::message;
use crate::storage::{StoreError, Tx, alerts, deliveries, document, studies};

/// Messages that are tried in one transaction: nothing else is written meanwhile.
const TOGETHER: usize = 25;

/// A message as it would be applied.
pub struct Candidate {
    pub row: message::Model,
    pub event: Hl7Event,
}

/// What each comes to, or why it cannot be applied. Of many, pieces of 25 are each tried as if the pieces before had not been.
pub async fn foresee(
    env: &Env,
    candidates: Vec<Candidate>,
    paging: Paging,
) -> Result<Vec<Result<Vec<Foreseen>, String>>, StoreError> {
    let mut all = Vec::with_capacity(candidates.len());
    let mut left = candidates.into_iter().peekable();
    while left.peek().is_some() {
        let piece: Vec<Candidate> = left.by_ref().take(TOGETHER).collect();
        let (settings, packs, store) = (env.settings.clone(), env.packs.clone(), env.store.clone());
        let tried = env
            .store
            .trial(move |tx| {
                Box::pin(async move {
                    let mut trial = Trial {
                        tx,
                        known: BTreeMap::new(),
                    };
                    let mut found = Vec::with_capacity(piece.len());
                    for candidate in piece {
                        let row = message::Model {
                            event: Some(document::write(&candidate.event)?),
                            ..candidate.row
                        };
                        let touched = match apply(tx, &row, &settings).await {
                            Ok(Applied::To(touched)) => touched,
                            Ok(Applied::ToNothing { .. }) => Vec::new(),
                            Err(StoreError::Refused(why)) => {
                                found.push(Err(why));
                                continue;
                            }
                            Err(error) => return Err(error),
                        };
                        for study in &touched {
                            vendor_results::adopt(tx, &settings, *study).await?;
                            triage_study::decide(tx, *study, &settings, &packs, paging).await?;
                        }
                        found.push(Ok(trial.came(&store, touched).await?));
                    }
                    Ok(found)
                })
            })
            .await?;
        all.extend(tried);
    }
    Ok(all)
}

struct Trial<'a> {
    tx: &'a Tx,
    /// How studies stood after the message before.
    known: BTreeMap<StudyId, Standing>,
}

impl Trial<'_> {
    async fn came(
        &mut self,
        store: &crate::storage::Store,
        mut touched: Vec<StudyId>,
    ) -> Result<Vec<Foreseen>, StoreError> {
        touched.sort_unstable();
        touched.dedup();
        let mut all = Vec::new();
        for study in touched {
            let before = match self.known.remove(&study) {
                Some(before) => before,
                // Outside of this transaction everything is as it was.
                None => standing(store.read(), study).await?.0,
            };
            let (after, accession) = standing(self.tx.conn(), study).await?;
            all.extend(effects(&before, &after).into_iter().map(|effect| Foreseen {
                study: study.to_string(),
                accession: accession.clone(),
                effect,
            }));
            self.known.insert(study, after);
        }
        Ok(all)
    }
}

async fn standing(
    conn: &impl sea_orm::ConnectionTrait,
    id: StudyId,
) -> Result<(Standing, Option<String>), StoreError> {
    let row = studies::get(conn, id).await?;
    let raised = alerts::of_study(conn, id).await?.into_iter();
    let owed = deliveries::of_study(conn, id).await?.into_iter();
    let standing = Standing {
        on_worklist: row.on_worklist,
        band: Band::from_number(row.band).unwrap_or(Band::Routine),
        score: row.score,
        link: row.link,
        alerts: raised
            .map(|alert| (alert.dedup_key, (alert.title, alert.status)))
            .collect(),
        owed: owed
            .map(|owed| (owed.dedup_key, (owed.kind, owed.destination)))
            .collect(),
    };
    Ok((standing, row.accession))
}
