//! What other vendors' products say of a study becomes their result on it, in the same transaction as what follows: the same
//! record, rules, list and pages as for our own models. What waits for images, or names another patient, is looked at again
//! whenever the study changes. Nothing of it is sent out again.

use tocsin_domain::clock::Timestamp;
use tocsin_domain::finding::{ResultRecord, ResultStatus};
use tocsin_domain::ids::{AnalysisId, MessageId, ResultId, SiteId, StudyId, Uid};
use tocsin_domain::order::SentResult;
use tocsin_domain::phi::PatientIdentifier;
use tocsin_domain::vendor::product::{Mode, Product};
use tocsin_domain::vendor::reading::{self, Reading};
use tocsin_domain::vendor::standing::{Known, Left, Step, next};
use tocsin_domain::vendor::{Origin, Told, Word};
use tocsin_domain::work::Work;
use tocsin_domain::{assemble, explanation::Explanation};

use super::env::Settings;
use super::{check_deadline, infer};
use crate::storage::analyses::{self, AnalysisState, Ending, Subject};
use crate::storage::entity::{analysis, study, vendor_document};
use crate::storage::jobs::{self, Terms};
use crate::storage::patients::{self, Imaged};
use crate::storage::vendor_documents::{self, Arrived, DocumentState, Source};
use crate::storage::{StoreError, Tx, instances, orders, results, studies, timeline, withdrawals};

/// Keeps the results of a message; the studies that they are of.
pub async fn take_message(
    tx: &Tx,
    settings: &Settings,
    site: &SiteId,
    message: MessageId,
    sent: &[SentResult],
) -> Result<Vec<StudyId>, StoreError> {
    let mut touched = Vec::new();
    for (place, result) in sent.iter().enumerate() {
        let by = &result.told.by;
        let product = settings
            .vendors
            .iter()
            .find(|product| product.sent_message(&result.application, &result.facility, by));
        let product = product.ok_or_else(|| {
            StoreError::Refused(format!(
                "no product of [[vendors]] with messages from {} has the algorithm {}",
                result.application, by.algorithm
            ))
        })?;
        let study = study_of(tx, site, &result.told).await?;
        let arrived = Arrived {
            site,
            product: &product.name,
            source: Source::Message,
            source_id: format!("{message}:{place}"),
            study,
            told: &result.told,
        };
        vendor_documents::keep(tx, arrived).await?;
        touched.extend(study);
    }
    Ok(touched)
}

/// By UID, else through the order, else by an accession number that only one study has.
async fn study_of(tx: &Tx, site: &SiteId, told: &Told) -> Result<Option<StudyId>, StoreError> {
    let (conn, subject) = (tx.conn(), &told.study);
    if let Some(uid) = &subject.study_uid {
        let row = studies::by_uid(conn, site, uid.as_str()).await?;
        return row.as_ref().map(studies::id_of).transpose();
    }
    let (filler, placer) = (subject.filler.as_ref(), subject.placer.as_ref());
    let mut found = match orders::find(conn, site, filler, placer, subject.accession.as_deref()).await? {
        Some(order) => studies::of_order(conn, &order.id).await?,
        None => Vec::new(),
    };
    if let (true, Some(accession)) = (found.is_empty(), &subject.accession) {
        found = studies::by_accession(conn, site, accession).await?;
    }
    match found.as_slice() {
        [only] => studies::id_of(only).map(Some),
        _ => Ok(None),
    }
}

/// Looks at every document that waits for this study.
pub async fn adopt(tx: &Tx, settings: &Settings, id: StudyId) -> Result<(), StoreError> {
    if settings.vendors.is_empty() {
        return Ok(());
    }
    let row = studies::lock(tx, id).await?;
    for document in vendor_documents::open_for(tx.conn(), &row).await? {
        let case = Case {
            tx,
            settings,
            id,
            study: &row,
        };
        case.look_at(document).await?;
    }
    Ok(())
}

/// The study that documents are looked at for.
struct Case<'a> {
    tx: &'a Tx,
    settings: &'a Settings,
    id: StudyId,
    study: &'a study::Model,
}

impl Case<'_> {
    async fn look_at(&self, document: vendor_document::Model) -> Result<(), StoreError> {
        let named = |product: &&Product| product.name == document.product;
        let Some(product) = self.settings.vendors.iter().find(named) else {
            let reason = "its product is not configured any more";
            return self.settle(document, DocumentState::Left, reason, None).await;
        };
        let told = vendor_documents::told_of(&document)?;
        // A number that several studies share says nothing of which is meant.
        if told.study.study_uid.is_none()
            && study_of(self.tx, &SiteId(self.study.site.clone()), &told).await? != Some(self.id)
        {
            return Ok(());
        }
        let stands = self.standing(product).await?;
        let (told_of, imaged) = self.patients(&told).await?;
        let known = Known {
            has_images: studies::facts_of(self.study)?.is_some_and(|facts| assemble::for_reading(&facts)),
            told_of: told_of.as_deref(),
            imaged: imaged.as_deref(),
            last_word: self
                .last_word(product, stands.as_ref().map(|(_, record)| record))
                .await?,
            stands: stands
                .as_ref()
                .is_some_and(|(_, record)| record.status != ResultStatus::Withdrawn),
            same_report: told.report.is_some()
                && stands.as_ref().is_some_and(|(_, r)| report_of(r) == told.report),
            is_report: document.source == "report",
            is_shadow: product.mode == Mode::Shadow,
        };
        match next(&told.word, told.at, &known) {
            Step::Wait => Ok(()),
            Step::Leave(left) => self.leave(document, product, &told, left).await,
            Step::Take => self.take(document, product, &told).await,
            Step::Tell => self.tell(document, product, &told).await,
            Step::Withdraw => match stands {
                Some((row, _)) => self.withdraw(document, row, &told).await,
                None => Ok(()),
            },
        }
    }

    /// What the product says of the study now, a withdrawal included.
    async fn standing(
        &self,
        product: &Product,
    ) -> Result<Option<(analysis::Model, ResultRecord)>, StoreError> {
        let rows = analyses::of_study(self.tx.conn(), self.id).await?;
        let mut current = analyses::current(&rows).into_iter();
        let Some(row) = current.find(|row| row.model == product.name) else {
            return Ok(None);
        };
        let Some(result) = row
            .result_id
            .as_deref()
            .and_then(|id| id.parse::<ResultId>().ok())
        else {
            return Ok(None);
        };
        let record = results::record_of(&results::get(self.tx.conn(), result).await?)?;
        Ok(Some((row.clone(), record)))
    }

    /// When the product last spoke, or was taken back. A result that was compared since was not said anew.
    async fn last_word(
        &self,
        product: &Product,
        stands: Option<&ResultRecord>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let said = vendor_documents::last_applied(self.tx.conn(), self.id, &product.name).await?;
        let taken_back = stands.filter(|record| record.status == ResultStatus::Withdrawn);
        Ok(said.max(taken_back.map(|record| record.produced_at)))
    }

    /// The patients of the document and of the images, as one names them after merges.
    async fn patients(&self, told: &Told) -> Result<(Option<String>, Option<String>), StoreError> {
        let mut imaged = None;
        for row in instances::of_study(self.tx.conn(), self.id).await? {
            let facts = instances::facts_of(&row)?;
            if facts.has_pixels {
                imaged = facts.patient;
                break;
            }
        }
        Ok((
            self.patient(told.study.patient.as_ref()).await?,
            self.patient(imaged.as_ref()).await?,
        ))
    }

    async fn patient(&self, identifier: Option<&PatientIdentifier>) -> Result<Option<String>, StoreError> {
        let named = study::Model {
            patient_identifier: identifier.map(|id| id.value.clone()),
            patient_authority: identifier.map(|id| id.authority.clone()),
            ..self.study.clone()
        };
        let authority = &self.settings.default_authority;
        let known = patients::imaged(self.tx.conn(), &named, authority).await?;
        Ok(known.as_ref().map(Imaged::name))
    }

    async fn settle(
        &self,
        document: vendor_document::Model,
        state: DocumentState,
        reason: &str,
        result: Option<ResultId>,
    ) -> Result<(), StoreError> {
        vendor_documents::settle(self.tx, document, self.id, state, reason, result).await
    }

    /// It changes nothing; of another patient's result people must hear.
    async fn leave(
        &self,
        document: vendor_document::Model,
        product: &Product,
        told: &Told,
        left: Left,
    ) -> Result<(), StoreError> {
        let state = match left {
            Left::PatientDiffers => DocumentState::Conflict,
            Left::Late | Left::NothingToWithdraw | Left::SameReport | Left::Shadow => DocumentState::Left,
        };
        let said_before = document.state == state.text();
        if left == Left::PatientDiffers && !said_before {
            self.not_read(&document, product, told, left.text()).await?;
        } else if !said_before {
            let detail = match left {
                Left::Shadow => format!("{}: {}, {}", product.name, in_short(told, product), left.text()),
                Left::PatientDiffers | Left::Late | Left::NothingToWithdraw | Left::SameReport => {
                    format!("{}: {}", product.name, left.text())
                }
            };
            timeline::note(self.tx, self.id, "vendor_result_left", detail).await?;
        }
        self.settle(document, state, left.text(), None).await
    }

    async fn take(
        &self,
        document: vendor_document::Model,
        product: &Product,
        told: &Told,
    ) -> Result<(), StoreError> {
        let Reading {
            findings,
            not_understood,
        } = reading::read(told, product);
        if findings.is_empty() {
            let reason = match not_understood.is_empty() {
                true => "it names no finding".to_owned(),
                false => not_understood.join("; "),
            };
            self.not_read(&document, product, told, &reason).await?;
            return self.settle(document, DocumentState::Left, &reason, None).await;
        }
        let why = format!("received as {}", article(&document.source));
        let analysis = self
            .decide(&document, product, told, AnalysisState::Running, &why)
            .await?;
        let row = analyses::get(self.tx.conn(), analysis).await?;
        let older = infer::older_result(self.tx, self.id, &row).await?;
        let record = ResultRecord {
            id: ResultId(self.tx.uuid()),
            study: self.id,
            analysis,
            model: product.model(&told.by.version),
            status: match older {
                Some(_) => ResultStatus::Corrected,
                None => ResultStatus::Preliminary,
            },
            produced_at: told.at,
            findings,
            series_uid: self.series(told)?,
            instance_uids: told.images(),
            supersedes: older.map(|(result, _)| result),
            limitations: not_understood
                .into_iter()
                .map(|what| format!("not understood: {what}"))
                .collect(),
            foreground: None,
            comparison: None,
            statements: Vec::new(),
            explanation: Explanation::default(),
            assessments: Vec::new(),
            origin: Origin::Vendor {
                report: told.report.clone(),
            },
        };
        self.record(&record, older.map(|(_, analysis)| analysis), why)
            .await?;
        self.settle(document, DocumentState::Applied, "", Some(record.id))
            .await
    }

    /// A product that names no series is taken to speak of the study: its UID stands in the place of one.
    fn series(&self, told: &Told) -> Result<Uid, StoreError> {
        let study = || {
            Uid::parse(&self.study.study_uid).map_err(|_| StoreError::Inconsistent {
                table: "study",
                column: "study_uid",
                id: self.study.id.clone(),
            })
        };
        told.series_uid.clone().map_or_else(study, Ok)
    }

    async fn record(
        &self,
        record: &ResultRecord,
        older: Option<AnalysisId>,
        reason: String,
    ) -> Result<(), StoreError> {
        let (tx, study) = (self.tx, self.id);
        results::insert(tx, record, None).await?;
        if let Some(older) = older {
            analyses::set_state(tx, older, AnalysisState::Superseded).await?;
        }
        let ending = Ending {
            state: analyses::state_for(record),
            reason,
            result: Some(record.id),
            provider: None,
            inference_ms: None,
        };
        let detail = format!("{}: {}", record.model.name, ending.state.text());
        timeline::note(tx, study, "vendor_result", detail).await?;
        analyses::finished(tx, record.analysis, ending).await?;
        check_deadline::moved(tx, study).await?;
        jobs::enqueue(tx, &Work::TriageStudy { study }, Terms::triage(study)).await?;
        jobs::enqueue(tx, &Work::PublishResult { result: record.id }, Terms::now()).await
    }

    async fn withdraw(
        &self,
        document: vendor_document::Model,
        row: analysis::Model,
        told: &Told,
    ) -> Result<(), StoreError> {
        let reason = "withdrawn by the product that said it";
        let result = withdrawals::withdraw(self.tx, row, told.at, reason, Vec::new()).await?;
        self.settle(document, DocumentState::Applied, reason, result)
            .await
    }

    /// The product says that there will be no result.
    async fn tell(
        &self,
        document: vendor_document::Model,
        product: &Product,
        told: &Told,
    ) -> Result<(), StoreError> {
        let reason = match &told.word {
            Word::NotAnalysable(why) => format!("not analysed by the product: {why}"),
            Word::Result | Word::Withdrawn => return Ok(()),
        };
        self.not_read(&document, product, told, &reason).await?;
        self.settle(document, DocumentState::Applied, &reason, None).await
    }

    /// Visible beside the other models: no result of this product, and why. What stood before stands.
    async fn not_read(
        &self,
        document: &vendor_document::Model,
        product: &Product,
        told: &Told,
        reason: &str,
    ) -> Result<(), StoreError> {
        let state = AnalysisState::Failed;
        let analysis = self.decide(document, product, told, state, reason).await?;
        let ending = Ending {
            state,
            reason: reason.to_owned(),
            result: None,
            provider: None,
            inference_ms: None,
        };
        analyses::finished(self.tx, analysis, ending).await?;
        let detail = format!("{}: {reason}", product.name);
        timeline::note(self.tx, self.id, "vendor_result_failed", detail).await?;
        jobs::enqueue(
            self.tx,
            &Work::TriageStudy { study: self.id },
            Terms::triage(self.id),
        )
        .await
    }

    /// One analysis per document, as a run of a model has one per set of images.
    async fn decide(
        &self,
        document: &vendor_document::Model,
        product: &Product,
        told: &Told,
        state: AnalysisState,
        reason: &str,
    ) -> Result<AnalysisId, StoreError> {
        let subject = Subject {
            study: self.id,
            series: None,
            model: product.name.clone(),
            version: told.by.version.clone(),
            sha256: String::new(),
            input_key: format!("{}:{}", document.source, document.source_id),
        };
        let (id, _) = analyses::decide(self.tx, &subject, state, reason).await?;
        Ok(id)
    }
}

fn report_of(record: &ResultRecord) -> Option<Uid> {
    match &record.origin {
        Origin::Own => None,
        Origin::Vendor { report } => report.clone(),
    }
}

fn article(source: &str) -> &'static str {
    match source {
        "report" => "a structured report",
        _ => "a message",
    }
}

/// What a product in shadow would have said.
fn in_short(told: &Told, product: &Product) -> String {
    let reading = reading::read(told, product);
    match reading.findings.iter().find(|finding| finding.flagged) {
        Some(finding) => format!("would have flagged {}", finding.code.display),
        None => "would have flagged nothing".to_owned(),
    }
}
