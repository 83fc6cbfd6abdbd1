//! ORR^O02, ORI^O24, ORG^O20 and ACK as messages of their own: the application at the other side answers a message of ours.

use tocsin_domain::answer::AnswerEvent;
use tocsin_domain::phi::Phi;

use super::patients::check_identifier;
use super::problem::{ErrorCode, Hl7Problem, Place};
use super::tree::Segment;

/// Longest reason that is kept.
const MAX_TEXT: usize = 250;
/// Most orders whose control is looked at.
const MAX_ORDERS: usize = 64;

pub fn answer(segments: &[Segment<'_>]) -> Result<AnswerEvent, Hl7Problem> {
    let find = |name: &str| segments.iter().find(|s| s.name == name);
    let Some(msa) = find("MSA") else {
        let place = Place::segment("MSA", 1);
        return Err(Hl7Problem::new(
            ErrorCode::SegmentSequence,
            place,
            "an MSA segment",
        ));
    };
    let said = |field: usize, expected: &str| {
        let place = || Place::field("MSA", msa.sequence, field);
        let text = msa
            .value(field, 1)
            .ok_or_else(|| Hl7Problem::missing(place(), expected))?;
        check_identifier(&text, place)?;
        Ok(text)
    };
    let (code, control_id) = (
        said(1, "an acknowledgement code of table 0008")?,
        said(2, "the control id of the message that is answered")?,
    );
    let controls = segments
        .iter()
        .filter(|s| s.name == "ORC")
        .filter_map(|s| s.value(1, 1))
        .take(MAX_ORDERS)
        .collect();
    Ok(AnswerEvent {
        control_id,
        code,
        controls,
        text: Phi::new(reason(segments)),
    })
}

/// The first words that say why: to the user, to the technician, of the message, of the order.
fn reason(segments: &[Segment<'_>]) -> String {
    let places = [
        ("ERR", 8, 1),
        ("ERR", 7, 1),
        ("MSA", 3, 1),
        ("ERR", 3, 2),
        ("ORC", 16, 2),
        ("NTE", 3, 1),
        ("ERR", 1, 4),
    ];
    let mut said = places.into_iter().filter_map(|(name, field, component)| {
        let mut named = segments.iter().filter(|s| s.name == name);
        named.find_map(|s| s.value(field, component))
    });
    let text = said.next().unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}
