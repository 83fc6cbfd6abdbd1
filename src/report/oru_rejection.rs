//! ORU^R01 for images that a model could not read: no finding, but that there is none, and why, so that nobody waits for one. Says
//! nothing about the order's own state.

use tocsin_domain::ids::Uid;

use super::hl7_build::{Built, Segment, finish};
use super::hl7_context::{BuildError, Envelope, OrderContext, entity, obr, pid, pv1, quantity};
use super::oru::{DICOM_STUDY, IMPRESSION, ORU, unread};

/// OBX-11, table 0085: results cannot be obtained.
const NOT_OBTAINED: &str = "X";
/// NTE-2, table 0105: the one who fills the order.
const FILLER: &str = "L";

/// A study that a model did not read.
#[derive(Clone, Copy, Debug)]
pub struct Rejection<'a> {
    pub order: &'a OrderContext,
    pub study_uid: &'a Uid,
    /// Model and version, then what was wrong with the images.
    pub why: &'a str,
}

/// One row that says that there is no result, and a note that says why.
pub fn rejection(message: &Rejection<'_>, envelope: &Envelope<'_>) -> Result<Built, BuildError> {
    let mut encoder = envelope.encoder();
    let order = message.order;
    let now = envelope.time(envelope.at);
    let status = unread(envelope.profile.result.unread_status);
    let mut segments = vec![
        envelope.msh(&ORU, envelope.profile.application_answers.result, &mut encoder),
        pid(order, &mut encoder),
    ];
    segments.extend(pv1(order, &mut encoder));
    segments.push(
        Segment::new("ORC")
            .set(1, encoder.text("RE"))
            .set(2, entity(&order.placer, &mut encoder))
            .set(3, entity(&order.filler, &mut encoder))
            .set(5, encoder.text(order.status.as_deref().unwrap_or("")))
            .set(7, quantity(envelope, &mut encoder))
            .set(9, encoder.text(&now)),
    );
    let obr = obr(order, envelope, "ORU^R01", &mut encoder)?;
    segments.push(obr.set(22, encoder.text(&now)).set(25, encoder.text(status)));
    segments.push(
        Segment::new("OBX")
            .set(1, encoder.text("1"))
            .set(2, encoder.text("ST"))
            .set(3, encoder.components(&DICOM_STUDY))
            .set(5, encoder.text(message.study_uid.as_str()))
            .set(11, encoder.text("O")),
    );
    segments.push(
        Segment::new("OBX")
            .set(1, encoder.text("2"))
            .set(2, encoder.text("TX"))
            .set(3, encoder.components(&IMPRESSION))
            .set(5, encoder.text("Not analysed by software"))
            .set(11, encoder.text(NOT_OBTAINED)),
    );
    segments.push(
        Segment::new("NTE")
            .set(1, encoder.text("1"))
            .set(2, encoder.text(FILLER))
            .set(3, encoder.lines(&format!("Not analysed: {}", message.why))),
    );
    Ok(finish(&segments, &encoder))
}
