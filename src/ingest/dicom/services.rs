//! What is served besides images and echoes: a request with its data set, whole and in memory, goes to the service that
//! knows it, and the answer goes back. Each service has a file of its own.

use dicom_object::InMemDicomObject;
use tocsin_domain::commitment::PUSH_MODEL;
use tocsin_domain::dimse::{self, Head, Request, Response};
use tracing::warn;

use super::announce::Announcer;
use super::association::Association;
use super::commitment;
use super::line::Broken;
use super::notices::IAN;
use super::rows::SiteOf;
use super::sink::InstanceSink;
use super::small::{self, SmallError};
use super::steps::MPPS;
use crate::deliver::dicom::DicomPeer;
use crate::storage::Store;

/// What services work with; a listener without it takes images and echoes, and nothing else is proposed.
pub struct Served {
    pub store: Store,
    pub site_of: SiteOf,
    /// Of patient identifiers whose images name no issuer.
    pub default_authority: String,
    /// Where a peer may have objects sent.
    pub destinations: Vec<DicomPeer>,
}

/// A request that is whole.
pub(super) struct Asked {
    pub context: u8,
    /// The encoding of its data set and of those of the answers.
    pub syntax: String,
    pub request: Request,
    /// What came behind the command, if anything came.
    pub data: Option<InMemDicomObject>,
}

/// The one answer to a request.
pub(super) struct Reply {
    pub response: Response,
    pub data: Option<InMemDicomObject>,
}

impl Reply {
    pub(super) fn status(head: &Head, status: u16, comment: &str) -> Self {
        Self {
            response: Response::to(head, status, comment),
            data: None,
        }
    }
}

/// Why a request is not looked at.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("another SOP class than that of its context")]
    Class,
    #[error("the role for it was not agreed on")]
    Role,
    #[error("no data set, expected one")]
    NoDataSet,
    #[error("its data set: {0}")]
    DataSet(SmallError),
}

impl Unfit {
    fn status(&self) -> u16 {
        match self {
            Self::Class => dimse::STATUS_SOP_CLASS_NOT_SUPPORTED,
            Self::Role => dimse::STATUS_NOT_AUTHORIZED,
            Self::NoDataSet => dimse::STATUS_MISSING_ATTRIBUTE,
            Self::DataSet(_) => dimse::STATUS_CANNOT_UNDERSTAND,
        }
    }
}

impl<S: InstanceSink> Association<S> {
    /// A request that is neither an echo nor an instance.
    pub(super) async fn perform(&mut self, context: u8, request: Request, head: Head) -> Result<(), Broken> {
        match self.whole(context, request, &head).await? {
            Ok(asked) => self.answer_service(asked).await,
            Err(unfit) => {
                let status = unfit.status();
                warn!(status = format_args!("{status:#06x}"), reason = %unfit, "request refused");
                let answer = Response::to(&head, status, &unfit.to_string());
                self.line.answer(context, &answer).await
            }
        }
    }

    /// The service that knows a request.
    async fn answer_service(&mut self, asked: Asked) -> Result<(), Broken> {
        let env = self.env.clone();
        let Some(served) = &env.served else {
            return self.not_served(&asked).await;
        };
        let from = self.calling_ae.clone();
        let announcer = Announcer { served, from: &from };
        match &asked.request {
            Request::Find(head) => self.find(served, &asked, head).await,
            Request::Get(head) => self.get(served, &asked, head).await,
            Request::Move { head, destination } => self.move_to(served, &asked, head, destination).await,
            Request::Event { head, event } if head.sop_class == PUSH_MODEL => {
                let reply = commitment::take(served, &self.calling_ae, &asked, head, *event).await;
                self.reply(&asked, reply).await
            }
            Request::Create(head) if head.sop_class == MPPS => {
                let reply = announcer.begin_step(head, asked.data.as_ref()).await;
                self.reply(&asked, reply).await
            }
            Request::Set(head) if head.sop_class == MPPS => {
                let reply = announcer.change_step(head, asked.data.as_ref()).await;
                self.reply(&asked, reply).await
            }
            Request::Create(head) if head.sop_class == IAN => {
                let reply = announcer.notice(head, asked.data.as_ref()).await;
                self.reply(&asked, reply).await
            }
            Request::Create(_)
            | Request::Set(_)
            | Request::Action { .. }
            | Request::Event { .. }
            | Request::Echo(_)
            | Request::Store(_)
            | Request::Other(_)
            | Request::Cancel(_) => self.not_served(&asked).await,
        }
    }

    async fn not_served(&mut self, asked: &Asked) -> Result<(), Broken> {
        let Some(head) = asked.request.head() else {
            return Ok(());
        };
        let status = dimse::STATUS_UNRECOGNIZED_OPERATION;
        self.reply(asked, Reply::status(head, status, "this service is not offered"))
            .await
    }

    pub(super) async fn reply(&mut self, asked: &Asked, reply: Reply) -> Result<(), Broken> {
        let data = reply.data.and_then(|data| small::encode(&data, &asked.syntax));
        let response = match data {
            Some(_) => reply.response.with_data_set(),
            None => reply.response,
        };
        self.line
            .say(asked.context, response.to_bytes(), data.as_deref())
            .await
    }

    async fn whole(
        &mut self,
        context: u8,
        request: Request,
        head: &Head,
    ) -> Result<Result<Asked, Unfit>, Broken> {
        let data = match head.has_data_set {
            true => Some(self.line.data_set(context, small::MAX_BYTES).await?),
            false => None,
        };
        let accepted = self.line.context(context)?;
        if head.sop_class != accepted.abstract_syntax {
            return Ok(Err(Unfit::Class));
        }
        let told = matches!(request, Request::Event { .. });
        let agreed = if told {
            accepted.requester.scp
        } else {
            accepted.requester.scu
        };
        if !agreed {
            return Ok(Err(Unfit::Role));
        }
        let syntax = accepted.transfer_syntax.clone();
        let data = match data {
            None if needs_data(&request) => return Ok(Err(Unfit::NoDataSet)),
            None => None,
            Some(bytes) => match bytes
                .map_err(SmallError::from)
                .and_then(|b| small::decode(&b, &syntax))
            {
                Ok(object) => Some(object),
                Err(error) => return Ok(Err(Unfit::DataSet(error))),
            },
        };
        Ok(Ok(Asked {
            context,
            syntax,
            request,
            data,
        }))
    }
}

/// Whether a request says nothing without a data set.
fn needs_data(request: &Request) -> bool {
    match request {
        Request::Find(_) | Request::Get(_) | Request::Move { .. } | Request::Set(_) => true,
        Request::Action { .. }
        | Request::Event { .. }
        | Request::Create(_)
        | Request::Echo(_)
        | Request::Store(_)
        | Request::Other(_)
        | Request::Cancel(_) => false,
    }
}
