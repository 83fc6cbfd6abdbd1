//! One association from its request to its end: it is accepted or rejected, and each request goes to whoever serves it
//! (PS3.8 section 9, PS3.7). What goes wrong with one request is answered and leaves the association standing.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use dicom_ul::pdu::{AbortRQServiceProviderReason, AssociationRQ, Pdu, PresentationContextResultReason};
use tocsin_domain::dimse::query::Command;
use tocsin_domain::dimse::{self, Head, Request, Response};
use tocsin_domain::ids::Uid;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::line::{Broken, Heard, Line, name};
use super::listener::Env;
use super::negotiate::{self, Decision, Load, SERVICES};
use super::settings::{Caller, ScpLimits};
use super::sink::{AssociationEnd, AssociationId, ClosedAssociation, InstanceSink, RejectedAssociation};
use crate::deliver::chain;
use crate::deliver::dicom::wire::{Wire, WireError};
use crate::ingest::pause_watch::PauseWatch;

/// An association that was accepted.
pub(super) struct Association<S> {
    pub(super) env: Arc<Env<S>>,
    pub(super) line: Line,
    pub(super) id: AssociationId,
    pub(super) peer: SocketAddr,
    pub(super) calling_ae: String,
    pub(super) called_ae: String,
    pub(super) studies: BTreeSet<Uid>,
    pub(super) stored: u64,
    pub(super) refused: u64,
    watch: PauseWatch,
}

/// Waits for the request and judges it. `None` when no association came of the connection.
pub(super) async fn accept<S: InstanceSink>(
    env: Arc<Env<S>>,
    mut wire: Wire,
    peer: SocketAddr,
    load: impl Fn() -> Load,
) -> Option<Association<S>> {
    let limits = &env.settings.limits;
    let request = request(&mut wire, peer, limits).await?;
    let calling_ae = printable(&request.calling_ae_title);
    let caller = env
        .settings
        .accept
        .recognise(request.calling_ae_title.trim(), peer.ip())
        .await;
    let paused = matches!(caller, Caller::Known(_)) && env.sink.paused(&calling_ae).await;
    let caller = if paused { Caller::Paused } else { caller };
    let services = env.served.as_ref().map_or(&[][..], |_| &SERVICES[..]);
    match negotiate::decide(&request, &env.settings, caller, load(), services) {
        Decision::Reject { answer, reason } => {
            let called_ae = printable(&request.called_ae_title);
            warn!(%peer, calling_ae, called_ae, %reason, "DICOM: association rejected");
            let _ = wire.send(&Pdu::AssociationRJ(answer), limits.pdu).await;
            let rejected = RejectedAssociation {
                association: AssociationId(env.ids.uuid()),
                calling_ae,
                called_ae,
                peer,
                reason: reason.to_string(),
            };
            drop(wire);
            env.sink.association_rejected(rejected).await;
            None
        }
        Decision::Accept {
            answer,
            contexts,
            peer_max_pdu,
        } => {
            let called_ae = printable(&answer.called_ae_title);
            let mut judged = answer.presentation_contexts.iter();
            if judged.any(|context| context.reason == PresentationContextResultReason::UserRejection) {
                warn!(%peer, calling_ae, "DICOM: a service was proposed that the configuration does not give to this peer");
            }
            wire.send(&Pdu::AssociationAC(answer), limits.pdu).await.ok()?;
            wire.limit_pdus(limits.pdu_bytes);
            let watch = PauseWatch::of_unpaused(&calling_ae);
            Some(Association {
                line: Line::new(wire, contexts, peer_max_pdu, limits.pdu),
                id: AssociationId(env.ids.uuid()),
                env,
                peer,
                calling_ae,
                called_ae,
                studies: BTreeSet::new(),
                stored: 0,
                refused: 0,
                watch,
            })
        }
    }
}

/// The request for an association, unless something else or nothing comes.
async fn request(wire: &mut Wire, peer: SocketAddr, limits: &ScpLimits) -> Option<AssociationRQ> {
    match wire.receive(limits.artim, limits.artim).await {
        Ok(Pdu::AssociationRQ(request)) => Some(request),
        Ok(other) => {
            warn!(%peer, pdu = name(&other), "DICOM: expected an association request");
            wire.abort(AbortRQServiceProviderReason::UnexpectedPdu, limits.pdu)
                .await;
            None
        }
        Err(WireError::Closed) => {
            debug!(%peer, "DICOM: connected and left without a request");
            None
        }
        Err(error) => {
            warn!(%peer, error = %chain(&error), "DICOM: no association request");
            wire.abort(AbortRQServiceProviderReason::UnrecognizedPdu, limits.pdu)
                .await;
            None
        }
    }
}

impl<S: InstanceSink> Association<S> {
    /// Serves until release, abort or a time limit, then tells the sink.
    // At level error, so that the span and with it the sender's name is on every line at any level of logging.
    #[tracing::instrument(name = "dicom.association", level = "error", skip_all, fields(association.id = %self.id.0, calling_ae = %self.calling_ae))]
    pub(super) async fn serve(mut self, stop: CancellationToken) {
        debug!(peer = %self.peer, contexts = self.line.contexts().len(), "association accepted");
        let end = match self.until_released(&stop).await {
            Ok(()) => AssociationEnd::Released,
            Err(error) => {
                warn!(error = %chain(&error), stored = self.stored, refused = self.refused, "association broken");
                AssociationEnd::Broken
            }
        };
        info!(
            stored = self.stored,
            refused = self.refused,
            studies = self.studies.len(),
            "association closed"
        );
        let closed = ClosedAssociation {
            association: self.id,
            calling_ae: self.calling_ae,
            called_ae: self.called_ae,
            peer: self.peer,
            end,
            studies: self.studies.into_iter().collect(),
            stored: self.stored,
            refused: self.refused,
            closed_at: self.env.clock.now(),
        };
        self.env.sink.association_closed(closed).await;
    }

    async fn until_released(&mut self, stop: &CancellationToken) -> Result<(), Broken> {
        let idle = self.env.settings.limits.idle;
        loop {
            let heard = tokio::select! {
                biased;
                () = stop.cancelled() => Err(Broken::Stopping),
                heard = self.line.listen(idle) => heard,
            };
            let outcome = match heard {
                Ok(Heard::Message) => self.hear().await,
                Ok(Heard::Release) => {
                    self.line.agree_to_release().await;
                    return Ok(());
                }
                Err(broken) => Err(broken),
            };
            if let Err(broken) = outcome {
                return Err(self.line.abort(broken).await);
            }
        }
    }

    /// One message to its end.
    async fn hear(&mut self) -> Result<(), Broken> {
        match self.line.command().await? {
            (context, Command::Request(request)) => self.obey(context, request).await,
            (_, Command::Response(_)) => Err(Broken::Unexpected("an answer to nothing")),
        }
    }

    async fn obey(&mut self, context: u8, request: Request) -> Result<(), Broken> {
        match request {
            // What it was about is answered already.
            Request::Cancel(_) => Ok(()),
            Request::Echo(head) => {
                self.env.sink.echoed(&self.calling_ae).await;
                self.answer_command(context, head, dimse::STATUS_SUCCESS, "")
                    .await
            }
            Request::Store(head) if !head.has_data_set => {
                let status = dimse::STATUS_CANNOT_UNDERSTAND;
                self.answer_command(context, head, status, "a C-STORE without a data set")
                    .await
            }
            Request::Store(head) => match self.is_paused().await {
                true => self.turn_down(context, &head).await,
                false => self.take_instance(context, head).await,
            },
            Request::Other(head) => {
                let status = dimse::STATUS_UNRECOGNIZED_OPERATION;
                self.answer_command(context, head, status, "this service is not offered")
                    .await
            }
            Request::Find(ref head)
            | Request::Get(ref head)
            | Request::Move { ref head, .. }
            | Request::Create(ref head)
            | Request::Set(ref head)
            | Request::Action { ref head, .. }
            | Request::Event { ref head, .. } => {
                let head = head.clone();
                self.perform(context, request, head).await
            }
        }
    }

    /// Whether somebody has stopped what this peer sends, while it was sending.
    async fn is_paused(&mut self) -> bool {
        let ask = self.env.sink.paused(&self.calling_ae);
        self.watch.is_paused(Some(&self.calling_ae), ask).await
    }

    /// As where there is no room for it, so that it is sent again later.
    async fn turn_down(&mut self, context: u8, head: &Head) -> Result<(), Broken> {
        self.line.pass_over(context).await?;
        self.refused += 1;
        let answer = Response::to(
            head,
            dimse::STATUS_OUT_OF_RESOURCES,
            "paused; send it again later",
        );
        self.line.answer(context, &answer).await
    }

    /// Answers a command at once; a data set that follows it is passed over.
    async fn answer_command(
        &mut self,
        context: u8,
        head: Head,
        status: u16,
        comment: &str,
    ) -> Result<(), Broken> {
        self.line
            .answer(context, &Response::to(&head, status, comment))
            .await?;
        if head.has_data_set {
            self.line.pass_over(context).await?;
        }
        Ok(())
    }
}

/// An AE title as it may appear in a log.
fn printable(title: &str) -> String {
    title
        .trim()
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .take(16)
        .collect()
}
