//! ORU^R01: a result for the RIS, row by row. It is not the report of the study, and never final as a whole: preliminary, corrected,
//! withdrawn, or not obtained. A finding is final, and somebody is named as responsible, once a radiologist has verified it.

use tocsin_domain::assessment::{Assessment, Judged};
use tocsin_domain::code::{self, Code};
use tocsin_domain::finding::{Finding, Measurement, Presence, ResultRecord, ResultStatus};
use tocsin_domain::ids::Uid;

use super::hl7_build::{Built, Encoder, FieldText, Segment, finish, number};
use super::hl7_context::{BuildError, Envelope, MessageType, OrderContext, entity, obr, pid, pv1, quantity};
use super::site_profile::{SrReference, UnreadStatus, Version};
use super::text::narrative;

pub(super) const ORU: MessageType = MessageType {
    code: "ORU",
    trigger: "R01",
    structure: "ORU_R01",
};
/// The row that names the study (PS3.16, as archives and vendors write it).
pub(super) const DICOM_STUDY: [&str; 3] = ["113014", "DICOM Study", "DCM"];
pub(super) const IMPRESSION: [&str; 3] = [
    "19005-8",
    "Radiology Imaging study [Impression] (narrative)",
    "LN",
];
const METHOD_SYSTEM: &str = "99TOCSIN";
/// Characters of the model's hash that stand for its serial number.
const SERIAL_LENGTH: usize = 16;

/// A result, the order it belongs to, and the SR that holds it in full.
#[derive(Clone, Copy, Debug)]
pub struct ResultMessage<'a> {
    pub record: &'a ResultRecord,
    pub order: &'a OrderContext,
    pub study_uid: &'a Uid,
    pub sr_instance_uid: Option<&'a Uid>,
    /// UID of this installation as a device.
    pub device_uid: Option<&'a Uid>,
}

pub fn result(message: &ResultMessage<'_>, envelope: &Envelope<'_>) -> Result<Built, BuildError> {
    let mut rows = Rows {
        message,
        envelope,
        encoder: envelope.encoder(),
        segments: Vec::new(),
        count: 0,
    };
    rows.head()?;
    rows.study();
    for (index, finding) in message.record.findings.iter().enumerate() {
        rows.finding(index + 1, finding);
    }
    if message.record.status != ResultStatus::Withdrawn {
        rows.sr_reference();
        rows.impression();
    }
    Ok(finish(&rows.segments, &rows.encoder))
}

struct Rows<'a> {
    message: &'a ResultMessage<'a>,
    envelope: &'a Envelope<'a>,
    encoder: Encoder,
    segments: Vec<Segment>,
    count: usize,
}

/// One OBX before it is written.
struct Row<'a> {
    kind: &'a str,
    identifier: FieldText,
    group: usize,
    value: FieldText,
    units: Option<&'a Code>,
    abnormal: &'a str,
    probability: Option<f64>,
    status: &'a str,
    /// Who verified it, if anybody did.
    observer: &'a str,
}

impl<'a> Rows<'a> {
    fn head(&mut self) -> Result<(), BuildError> {
        let (order, envelope) = (self.message.order, self.envelope);
        let encoder = &mut self.encoder;
        let made = envelope.time(self.message.record.produced_at);
        self.segments
            .push(envelope.msh(&ORU, envelope.profile.application_answers.result, encoder));
        self.segments.push(pid(order, encoder));
        self.segments.extend(pv1(order, envelope, encoder));
        self.segments.push(
            Segment::new("ORC")
                .set(1, encoder.text("RE"))
                .set(2, entity(&order.placer, encoder))
                .set(3, entity(&order.filler, encoder))
                .set(5, encoder.text(order.status.as_deref().unwrap_or("")))
                .set(7, quantity(envelope, encoder))
                .set(9, encoder.text(&envelope.time(envelope.at))),
        );
        let obr = obr(order, envelope, "ORU^R01", encoder)?;
        let status = report_status(self.message.record.status, envelope.profile.result.unread_status);
        self.segments
            .push(obr.set(22, encoder.text(&made)).set(25, encoder.text(status)));
        Ok(())
    }

    fn study(&mut self) {
        let row = Row {
            kind: "ST",
            identifier: self.encoder.components(&DICOM_STUDY),
            group: 1,
            value: self.encoder.text(self.message.study_uid.as_str()),
            units: None,
            abnormal: "",
            probability: None,
            status: "O",
            observer: "",
        };
        self.push(row);
    }

    fn finding(&mut self, group: usize, finding: &Finding) {
        let verified = self.verified(finding);
        let observer = verified.map_or("", |by| by.by.as_str());
        let status = match verified {
            Some(_) => "F",
            None => self.row_status(finding.presence),
        };
        let coded = if self.envelope.version() >= Version::V27 {
            "CWE"
        } else {
            "CE"
        };
        let row = Row {
            kind: coded,
            identifier: self.coded(&finding.code),
            group,
            value: self.coded(&finding.presence.code()),
            units: None,
            abnormal: self.abnormal(finding),
            probability: finding.probability,
            status,
            observer,
        };
        self.push(row);
        if self.message.record.status == ResultStatus::Withdrawn {
            return;
        }
        if let Some(probability) = finding.probability {
            self.numeric(
                group,
                &code::CERTAINTY,
                probability * 100.0,
                &code::PERCENT,
                (status, observer),
            );
        }
        for Measurement { code, value, unit } in &finding.measurements {
            self.numeric(group, code, *value, unit, (status, observer));
        }
    }

    /// With its status, and who verified it.
    fn numeric(
        &mut self,
        group: usize,
        code: &Code,
        value: f64,
        unit: &Code,
        (status, observer): (&str, &str),
    ) {
        let row = Row {
            kind: "NM",
            identifier: self.coded(code),
            group,
            value: self.encoder.text(&number(value)),
            units: Some(unit),
            abnormal: "",
            probability: None,
            status,
            observer,
        };
        self.push(row);
    }

    fn sr_reference(&mut self) {
        let kind = match self.envelope.profile.result.sr_reference {
            SrReference::Hd => "HD",
            SrReference::St => "ST",
            SrReference::None => return,
        };
        let Some(uid) = self.message.sr_instance_uid else {
            return;
        };
        let row = Row {
            kind,
            identifier: self.encoder.components(&["", "SR Instance UID"]),
            group: 1,
            value: self.encoder.text(uid.as_str()),
            units: None,
            abnormal: "",
            probability: None,
            status: self.status(),
            observer: "",
        };
        self.push(row);
    }

    fn impression(&mut self) {
        let row = Row {
            kind: "TX",
            identifier: self.encoder.components(&IMPRESSION),
            group: 1,
            value: self.encoder.lines(&narrative(self.message.record)),
            units: None,
            abnormal: "",
            probability: None,
            status: self.status(),
            observer: "",
        };
        self.push(row);
    }

    fn push(&mut self, row: Row<'_>) {
        self.count += 1;
        let observed = self.message.order.study_time.map(|t| self.envelope.time(t));
        let model = &self.message.record.model;
        let named = format!("{} {}", model.name, model.version);
        let units = row.units.map(|unit| self.coded(unit)).unwrap_or_default();
        let encoder = &mut self.encoder;
        let mut segment = Segment::new("OBX")
            .set(1, encoder.text(&self.count.to_string()))
            .set(2, encoder.text(row.kind))
            .set(3, row.identifier)
            .set(4, encoder.text(&row.group.to_string()))
            .set(5, row.value)
            .set(6, units)
            .set(8, encoder.text(row.abnormal))
            .set(11, encoder.text(row.status))
            .set(14, encoder.text(&observed.unwrap_or_default()))
            .set(16, encoder.text(row.observer))
            .set(17, encoder.components(&[&model.name, &named, METHOD_SYSTEM]));
        if let Some(probability) = row.probability {
            segment = segment.set(9, encoder.text(&number(probability)));
        }
        if self.envelope.version() >= Version::V24 {
            segment = self.device(segment);
        }
        self.segments.push(segment);
    }

    /// OBX-18 and OBX-19, which 2.3.1 does not have.
    fn device(&mut self, segment: Segment) -> Segment {
        let record = self.message.record;
        let serial: String = record.model.sha256.chars().take(SERIAL_LENGTH).collect();
        let uid = self.message.device_uid.map_or("", Uid::as_str);
        let kind = if uid.is_empty() { "" } else { "ISO" };
        let made = self.envelope.time(record.produced_at);
        let instance = [serial.as_str(), &record.model.manufacturer, uid, kind];
        segment
            .set(18, self.encoder.components(&instance))
            .set(19, self.encoder.text(&made))
    }

    fn coded(&mut self, code: &Code) -> FieldText {
        let names = &self.envelope.profile.result.designators;
        let system = names
            .get(code.system.as_ref())
            .map_or(code.system.as_ref(), String::as_str);
        self.encoder.components(&[&code.code, &code.display, system])
    }

    /// Critically abnormal: a flagged finding that the site lists as critical. Never a number.
    fn abnormal(&self, finding: &Finding) -> &'static str {
        let name = format!("{}:{}", finding.code.system, finding.code.code);
        let critical = self.envelope.profile.result.critical_findings.contains(&name);
        match (finding.flagged, critical) {
            (true, true) => "AA",
            (true, false) => "A",
            (false, _) => "",
        }
    }

    /// A radiologist's verification of a finding that stands.
    fn verified(&self, finding: &Finding) -> Option<&'a Assessment> {
        let record = self.message.record;
        let assessed = record.assessment_of(finding)?;
        let stands = record.status != ResultStatus::Withdrawn && assessed.judged == Judged::Verified;
        stands.then_some(assessed)
    }

    /// OBX-11 of everything that is no finding of its own.
    fn status(&self) -> &'static str {
        self.row_status(Presence::Present)
    }

    /// OBX-11, table 0085.
    fn row_status(&self, presence: Presence) -> &'static str {
        match (self.message.record.status, presence) {
            (ResultStatus::Withdrawn, _) => "W",
            (_, Presence::Undetermined) => "X",
            (ResultStatus::Corrected, Presence::Present | Presence::Absent) => "C",
            (ResultStatus::Preliminary, Presence::Present | Presence::Absent) => {
                unread(self.envelope.profile.result.unread_status)
            }
        }
    }
}

pub(super) fn unread(status: UnreadStatus) -> &'static str {
    match status {
        UnreadStatus::Preliminary => "P",
        UnreadStatus::NotVerified => "R",
    }
}

/// OBR-25, table 0123. A withdrawal corrects the report; its rows say what was wrong.
fn report_status(status: ResultStatus, unread_as: UnreadStatus) -> &'static str {
    match status {
        ResultStatus::Preliminary => unread(unread_as),
        ResultStatus::Corrected | ResultStatus::Withdrawn => "C",
    }
}
