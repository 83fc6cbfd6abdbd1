//! Images that come by HTTP, taken in by what takes in those of the listener.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use tocsin_domain::dimse::STATUS_CANNOT_UNDERSTAND;
use tocsin_domain::ids::Uid;

use crate::api::dicomweb::store::{Ending, Endless, ImageStore, Sender, Stored, Storing};
use crate::ingest::dicom::intake::{self, Intake, Origin};
use crate::ingest::dicom::parts::{Ended, Part};
use crate::ingest::dicom::{AssociationEnd, AssociationId, ClosedAssociation, InstanceSink};

/// What is called, as the page of connections shows it.
const SERVICE: &str = "dicom-web";
/// Refusals of one request that are logged one by one; its end tells how many there were.
const LOGGED: u64 = 20;

/// What the listener has.
pub struct Images(pub Arc<Intake>);

/// One request.
struct Request {
    intake: Arc<Intake>,
    origin: Origin,
    address: SocketAddr,
    part: Option<Part>,
    studies: BTreeSet<Uid>,
    stored: u64,
    refused: u64,
}

impl ImageStore for Images {
    fn open(&self, sender: Sender) -> Box<dyn Storing> {
        let site = (self.0.rows.site_of)(&sender.name);
        Box::new(Request {
            intake: self.0.clone(),
            origin: Origin {
                sender: sender.name,
                site,
                study: sender.study,
            },
            address: sender
                .address
                .unwrap_or_else(|| (IpAddr::from(Ipv4Addr::UNSPECIFIED), 0).into()),
            part: None,
            studies: BTreeSet::new(),
            stored: 0,
            refused: 0,
        })
    }
}

#[async_trait]
impl Storing for Request {
    fn begin(&mut self) {
        self.part = Some(Part::begin());
    }

    async fn data(&mut self, bytes: &[u8]) -> Result<(), Endless> {
        if let Some(part) = self.part.take() {
            let part = part.push(bytes, &self.intake, &self.origin).await;
            self.part = Some(part.map_err(|intake::Endless| Endless)?);
        }
        Ok(())
    }

    async fn end(&mut self) -> Stored {
        let Some(part) = self.part.take() else {
            return Stored {
                named: None,
                outcome: Err(STATUS_CANNOT_UNDERSTAND),
            };
        };
        let Ended { head, outcome } = part.end(&self.intake, &self.origin).await;
        let named = head.map(|head| [head.sop_class, head.sop_instance]);
        match outcome {
            Ok(kept) => {
                self.stored += 1;
                self.studies.insert(kept.study.clone());
                Stored {
                    named,
                    outcome: Ok(kept.study),
                }
            }
            Err(refusal) => {
                self.refused += 1;
                let status = refusal.status;
                if self.refused <= LOGGED {
                    tracing::warn!(
                        sender = self.origin.sender,
                        status = format_args!("{status:#06x}"),
                        reason = refusal.reason,
                        "instance refused"
                    );
                }
                Stored {
                    named,
                    outcome: Err(status),
                }
            }
        }
    }

    async fn close(self: Box<Self>, ending: Ending) {
        let store = &self.intake.rows.store;
        tracing::info!(
            sender = self.origin.sender,
            stored = self.stored,
            refused = self.refused,
            studies = self.studies.len(),
            ?ending,
            "images came by HTTP"
        );
        let closed = ClosedAssociation {
            association: AssociationId(store.ids().uuid()),
            calling_ae: self.origin.sender.clone(),
            called_ae: SERVICE.to_owned(),
            peer: self.address,
            end: match ending {
                Ending::Whole => AssociationEnd::Released,
                Ending::Broken => AssociationEnd::Broken,
            },
            studies: self.studies.iter().cloned().collect(),
            stored: self.stored,
            refused: self.refused,
            closed_at: store.now(),
        };
        self.intake.rows.association_closed(closed).await;
    }
}
