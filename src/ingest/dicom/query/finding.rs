//! C-FIND: one pending answer for each match, until the peer wants no more (PS3.4 C.4.1).

use tocsin_domain::dimse::query::{STATUS_CANCELLED, STATUS_PENDING, STATUS_PENDING_WARNING};
use tocsin_domain::dimse::{self, Head, Response};
use tracing::{info, warn};

use super::question::Question;
use super::search::{self, Answers};
use super::{STATUS_UNABLE, noted, root_of};
use crate::ingest::dicom::association::Association;
use crate::ingest::dicom::line::Broken;
use crate::ingest::dicom::services::{Asked, Reply, Served};
use crate::ingest::dicom::sink::InstanceSink;
use crate::storage::StoreError;

impl<S: InstanceSink> Association<S> {
    pub(in crate::ingest::dicom) async fn find(
        &mut self,
        served: &Served,
        asked: &Asked,
        head: &Head,
    ) -> Result<(), Broken> {
        let read = asked
            .data
            .as_ref()
            .map(|data| Question::read(root_of(&head.sop_class), data));
        let question = match read {
            Some(Ok(question)) => question,
            Some(Err(unclear)) => {
                let status = dimse::STATUS_DATA_SET_MISMATCH;
                return self
                    .reply(asked, Reply::status(head, status, &unclear.to_string()))
                    .await;
            }
            None => {
                let status = dimse::STATUS_DATA_SET_MISMATCH;
                return self
                    .reply(asked, Reply::status(head, status, "no identifier"))
                    .await;
            }
        };
        match looked_for(served, &self.calling_ae, &question).await {
            Ok(answers) => self.tell(asked, head, &question, &answers).await,
            Err(error) => {
                warn!(%error, "a query could not be answered");
                self.reply(asked, Reply::status(head, STATUS_UNABLE, "try again later"))
                    .await
            }
        }
    }

    async fn tell(
        &mut self,
        asked: &Asked,
        head: &Head,
        question: &Question,
        answers: &Answers,
    ) -> Result<(), Broken> {
        info!(
            answers = answers.cards.len(),
            level = question.level.text(),
            "query answered"
        );
        let pending = match question.passed_over {
            true => STATUS_PENDING_WARNING,
            false => STATUS_PENDING,
        };
        let our_ae = self.env.settings.ae_title.clone();
        for card in &answers.cards {
            if self.line.is_cancelled(head.message_id).await? {
                return self.reply(asked, Reply::status(head, STATUS_CANCELLED, "")).await;
            }
            let answer = Reply {
                response: Response::to(head, pending, ""),
                data: Some(card.answer(question, &our_ae)),
            };
            self.reply(asked, answer).await?;
        }
        let last = match answers.cut_off {
            true => Reply::status(
                head,
                dimse::STATUS_OUT_OF_RESOURCES,
                "there is more: ask for less at once",
            ),
            false => Reply::status(head, dimse::STATUS_SUCCESS, ""),
        };
        self.reply(asked, last).await
    }
}

async fn looked_for(served: &Served, calling_ae: &str, question: &Question) -> Result<Answers, StoreError> {
    let site = (served.site_of)(calling_ae);
    let answers = search::answers(served, &site, question).await?;
    let level = ("level", question.level.text().into());
    noted(
        served,
        calling_ae,
        "study.query",
        answers.studies.iter().cloned(),
        level,
    )
    .await?;
    Ok(answers)
}
