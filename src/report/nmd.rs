//! NMD^N02, an application's status (HL7 v2 chapter 14): a message that names nobody and asks for nothing. It says our time,
//! and its answer says that the other side reads what we write.

use crate::hl7_build::{Built, Segment, finish};
use crate::hl7_context::{Envelope, MessageType};
use crate::site_profile::ApplicationAnswer;

/// A message for trying a connection.
pub fn status(envelope: &Envelope<'_>) -> Built {
    let kind = MessageType {
        code: "NMD",
        trigger: "N02",
        structure: "NMD_N02",
    };
    let encoder = &mut envelope.encoder();
    let now = envelope.time(envelope.at);
    let segments = [
        envelope.msh(&kind, ApplicationAnswer::Never, encoder),
        Segment::new("NCK").set(1, encoder.text(&now)),
    ];
    finish(&segments, encoder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hl7_context::Parties;
    use crate::site_profile::{DEFAULT_251, SiteProfile};

    #[test]
    fn it_says_the_time_and_nothing_else() {
        let profile = SiteProfile::parse(DEFAULT_251).unwrap().send;
        let parties = Parties {
            sending_application: "TOCSIN".into(),
            sending_facility: "EGH".into(),
            receiving_application: "RIS".into(),
            receiving_facility: String::new(),
            processing_id: "P".into(),
        };
        let envelope = Envelope {
            profile: &profile,
            parties: &parties,
            control_id: "T1",
            at: "2026-03-14T09:00:00Z".parse().unwrap(),
            zone: chrono_tz::UTC,
        };
        let text = String::from_utf8(status(&envelope).bytes).unwrap();
        let lines: Vec<&str> = text.split_terminator('\r').collect();
        assert!(lines[0].contains("|NMD^N02^NMD_N02|T1|P|2.5.1|"), "{text}");
        assert_eq!(lines[1..], ["NCK|20260314090000+0000"]);
    }
}
