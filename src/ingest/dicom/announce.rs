//! Keeps what modalities and archives announce: committed before success is answered, and the studies that it is of are
//! looked at again. It decides nothing of what that means (`tocsin_domain::announced`).

use chrono::TimeDelta;
use dicom_object::InMemDicomObject;
use tocsin_domain::announced::{PerformedStep, StepChange, StepError};
use tocsin_domain::dimse::{self, Head};
use tocsin_domain::ids::{AnnouncementId, SiteId, Uid};
use tocsin_domain::work::Work;
use tracing::{info, warn};

use super::attributes::AttributeError;
use super::notices::{self, Notice};
use super::services::{Reply, Served};
use super::steps::{self, Forbidden};
use crate::storage::announcements::{self, New, What};
use crate::storage::jobs::{self, Terms};
use crate::storage::{StoreError, Tx};

/// Announced images mostly come by themselves; so long they may.
const BEFORE_FETCH: TimeDelta = TimeDelta::seconds(5);

/// The Error ID of a step that is final (PS3.4 F.7.2.2.2).
const NO_LONGER_UPDATED: u16 = 0xA710;

/// Why an announcement is not kept.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("no data set, expected one")]
    NoDataSet,
    #[error("Affected SOP Instance UID: expected a UID")]
    NotAUid,
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    #[error("this SOP Instance UID is taken")]
    Duplicate,
    #[error("no step with this SOP Instance UID")]
    Unknown,
    #[error(transparent)]
    Step(#[from] StepError),
    #[error("it cannot be kept now")]
    Store(#[from] StoreError),
}

impl Refusal {
    /// PS3.7 annex C.
    fn status(&self) -> u16 {
        match self {
            Self::NoDataSet => dimse::STATUS_MISSING_ATTRIBUTE,
            Self::NotAUid => dimse::STATUS_INVALID_SOP_INSTANCE,
            Self::Attribute(error) => error.status(),
            Self::Duplicate => dimse::STATUS_DUPLICATE_SOP_INSTANCE,
            Self::Unknown => dimse::STATUS_NO_SUCH_SOP_INSTANCE,
            Self::Step(StepError::Final) | Self::Store(_) => dimse::STATUS_PROCESSING_FAILURE,
            Self::Step(StepError::NoEnd | StepError::NoSeries) => dimse::STATUS_MISSING_ATTRIBUTE,
        }
    }
}

/// Who announces, and from which site.
pub(super) struct Announcer<'a> {
    pub served: &'a Served,
    pub from: &'a str,
}

impl Announcer<'_> {
    /// N-CREATE of a performed procedure step.
    pub async fn begin_step(&self, head: &Head, data: Option<&InMemDicomObject>) -> Reply {
        let kept = async {
            let uid = self.uid(head)?;
            let step = steps::begun(data.ok_or(Refusal::NoDataSet)?)?;
            self.keep(&uid, Said::Step(step)).await?;
            Ok::<_, Refusal>(uid)
        };
        self.created(head, kept.await)
    }

    /// N-CREATE of a notice.
    pub async fn notice(&self, head: &Head, data: Option<&InMemDicomObject>) -> Reply {
        let kept = async {
            let uid = self.uid(head)?;
            let notice = notices::read(data.ok_or(Refusal::NoDataSet)?)?;
            self.keep(&uid, Said::Notice(notice)).await?;
            Ok::<_, Refusal>(uid)
        };
        self.created(head, kept.await)
    }

    /// N-SET of a performed procedure step.
    pub async fn change_step(&self, head: &Head, data: Option<&InMemDicomObject>) -> Reply {
        let kept = async {
            let uid = Uid::parse(&head.sop_instance).map_err(|_| Refusal::Unknown)?;
            let (change, forbidden) = steps::changed(data.ok_or(Refusal::NoDataSet)?)?;
            self.keep_change(uid, change).await?;
            Ok::<_, Refusal>(forbidden)
        };
        match kept.await {
            Ok(Forbidden(None)) => Reply::status(head, dimse::STATUS_SUCCESS, ""),
            Ok(Forbidden(Some(tag))) => {
                let comment = format!("({:04x},{:04x}) may not be changed and was not", tag.0, tag.1);
                Reply::status(head, dimse::STATUS_ATTRIBUTE_LIST_ERROR, &comment)
            }
            Err(refusal) => self.refuse(head, &refusal),
        }
    }

    fn created(&self, head: &Head, kept: Result<Uid, Refusal>) -> Reply {
        match kept {
            Ok(uid) => {
                let mut reply = Reply::status(head, dimse::STATUS_SUCCESS, "");
                reply.response.head.sop_instance = uid.to_string();
                reply
            }
            Err(refusal) => self.refuse(head, &refusal),
        }
    }

    fn refuse(&self, head: &Head, refusal: &Refusal) -> Reply {
        let status = refusal.status();
        warn!(status = format_args!("{status:#06x}"), reason = %crate::deliver::chain(refusal), "announcement refused");
        let mut reply = Reply::status(head, status, &refusal.to_string());
        if let Refusal::Step(StepError::Final) = refusal {
            reply.response.error_id = Some(NO_LONGER_UPDATED);
        }
        reply
    }

    /// The instance may be left to us (PS3.7 10.1.5.1.4).
    fn uid(&self, head: &Head) -> Result<Uid, Refusal> {
        match head.sop_instance.as_str() {
            "" => Ok(Uid::from_uuid(self.served.store.ids().uuid())),
            said => Uid::parse(said).map_err(|_| Refusal::NotAUid),
        }
    }

    async fn keep(&self, uid: &Uid, said: Said) -> Result<(), Refusal> {
        let (site, from, uid) = (self.site(), self.from.to_owned(), uid.clone());
        let kept = self.served.store.write_first(move |tx| {
            Box::pin(async move {
                let what = said.what();
                let new = New {
                    site: &site,
                    sop_uid: &uid,
                    sender: &from,
                    what,
                };
                let Some(id) = announcements::insert(tx, &new).await? else {
                    return Ok(false);
                };
                look_again(tx, &site, &new.what).await?;
                if let What::Notice { .. } = new.what {
                    fetch_later(tx, id).await?;
                }
                Ok(true)
            })
        });
        match kept.await? {
            true => {
                info!("announcement kept");
                Ok(())
            }
            false => Err(Refusal::Duplicate),
        }
    }

    async fn keep_change(&self, uid: Uid, change: StepChange) -> Result<(), Refusal> {
        let site = self.site();
        let kept = self.served.store.write_first(move |tx| {
            Box::pin(async move {
                let Some((row, step)) = announcements::step(tx, &site, &uid).await? else {
                    return Ok(Err(Refusal::Unknown));
                };
                let step = match step.change(change) {
                    Ok(step) => step,
                    Err(error) => return Ok(Err(Refusal::Step(error))),
                };
                announcements::save_step(tx, row, &step).await?;
                look_again(tx, &site, &What::Step(&step)).await?;
                Ok(Ok(step.state))
            })
        });
        let state = kept.await??;
        info!(?state, "performed procedure step changed");
        Ok(())
    }

    fn site(&self) -> SiteId {
        (self.served.site_of)(self.from)
    }
}

/// What an N-CREATE says.
enum Said {
    Step(PerformedStep),
    Notice(Notice),
}

impl Said {
    fn what(&self) -> What<'_> {
        match self {
            Self::Step(step) => What::Step(step),
            Self::Notice(notice) => What::Notice {
                study: &notice.study,
                series: &notice.series,
            },
        }
    }
}

/// Its studies may be complete now, or no longer.
async fn look_again(tx: &Tx, site: &SiteId, what: &What<'_>) -> Result<(), StoreError> {
    for study in announcements::studies_of(tx, site, what).await? {
        jobs::enqueue(tx, &Work::AssembleStudy { study }, Terms::assembly(study)).await?;
    }
    Ok(())
}

async fn fetch_later(tx: &Tx, id: AnnouncementId) -> Result<(), StoreError> {
    let terms = Terms::once(format!("announced:{id}")).at(tx.now() + BEFORE_FETCH);
    jobs::enqueue(tx, &Work::FetchAnnounced { announcement: id }, terms).await
}
