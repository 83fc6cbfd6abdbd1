//! Rows as listeners and jobs would have written them, with a patient whose name tries to be a script.

use std::collections::BTreeSet;

use serde_json::json;
use sha2::{Digest, Sha256};
use tocsin::report::hl7_keys;
use tocsin::storage::alerts::Raise;
use tocsin::storage::deliveries::{DeliveryKind, DeliveryState, Owed};
use tocsin::storage::instances::Received;
use tocsin::storage::messages::{Draft, Inbound, InboundState, Intake};
use tocsin::storage::prior_searches::Purpose;
use tocsin::storage::{StoreError, Tx, alerts, deliveries, instances, messages, orders, patients, studies};
use tocsin_domain::alert::AlertState;
use tocsin_domain::ids::{AlertId, DeliveryId, MessageId, SiteId, StudyId};
use tocsin_domain::order::{Hl7Event, OrderEvent};
use tocsin_domain::phi::PatientIdentifier;
use tocsin_domain::study::InstanceFacts;

use super::desk::{Desk, SITE};

pub const EVIL: &str = "<script>alert('x')</script>";
pub const ACCESSION: &str = "A100";

pub fn site() -> SiteId {
    SiteId(SITE.into())
}

fn facts(study_uid: &str, sop_uid: &str) -> InstanceFacts {
    serde_json::from_value(json!({
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
        "sop_instance_uid": sop_uid,
        "series_uid": format!("{study_uid}.1"),
        "study_uid": study_uid,
        "patient": { "value": "MRN1", "authority": "" },
        "demographics": { "name": format!("{EVIL}^Jane"), "birth_date": "19500102", "sex": "F" },
        "accession": ACCESSION,
        "study_description": format!("CT {EVIL}"),
        "modality": "CT",
        "image_type": [],
        "rows": 512, "columns": 512, "frames": 1,
        "has_pixels": true,
    }))
    .unwrap()
}

/// An order of this patient under this accession number, as JSON of the domain.
pub fn order(accession: &str, patient: &str) -> OrderEvent {
    serde_json::from_value(json!({
        "control": "new",
        "placer": { "number": format!("P-{accession}"), "namespace": "EHR" },
        "filler": null,
        "accession": accession,
        "study_uid": null,
        "procedure": { "code": "1", "text": format!("CT {EVIL}"), "system": "L" },
        "modality": "CT",
        "priority": "S",
        "patient": {
            "identifier": { "value": patient, "authority": "EGH" },
            "demographics": { "name": format!("{EVIL}^Order"), "birth_date": "19500102", "sex": "F" },
            "at": "2026-03-14T08:00:00Z",
        },
        "at": "2026-03-14T08:00:00Z",
    }))
    .unwrap()
}

impl Desk {
    pub async fn study(&self, uid: &'static str) -> StudyId {
        self.study_for(uid, Purpose::Reading).await
    }

    pub async fn study_for(&self, uid: &'static str, purpose: Purpose) -> StudyId {
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let placed = studies::place(tx, &site(), &facts(uid, uid), "CT1", purpose).await?;
                    Ok(placed.0)
                })
            })
            .await
            .unwrap()
    }

    /// Folds the order in; its id.
    pub async fn order(&self, accession: &'static str, patient: &'static str) -> String {
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let event = order(accession, patient);
                    let identifier = PatientIdentifier {
                        value: patient.into(),
                        authority: "EGH".into(),
                    };
                    let known = patients::upsert(
                        tx,
                        &site(),
                        &identifier,
                        &event.patient.demographics,
                        &[],
                        event.at,
                    )
                    .await?;
                    Ok(orders::fold(tx, &site(), Some(known.id), &event).await?.id)
                })
            })
            .await
            .unwrap()
    }

    pub async fn delivery(&self, study: StudyId, kind: DeliveryKind, state: DeliveryState) -> DeliveryId {
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let owed = Owed {
                        site: site(),
                        study,
                        result: None,
                        kind,
                        destination: "ris".into(),
                        dedup_key: tx.uuid().to_string(),
                        state,
                        words: None,
                        detail: None,
                    };
                    let id = deliveries::owe(tx, owed).await?.unwrap();
                    deliveries::set_state(tx, id, state, Some(format!("AE {EVIL}"))).await?;
                    Ok(id)
                })
            })
            .await
            .unwrap()
    }

    pub async fn alert(&self, study: StudyId) -> AlertId {
        let at = self.store().now();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let state = AlertState::Raised { at };
                    let raise = Raise {
                        site: site(),
                        study,
                        result: None,
                        dedup_key: tx.uuid().to_string(),
                        title: format!("Suspected {EVIL}"),
                        content: json!({ "headline": EVIL, "details": [EVIL], "notice": EVIL }).to_string(),
                        policy: "{}".into(),
                        status: state.name().into(),
                        state: serde_json::to_string(&state).unwrap(),
                    };
                    Ok(alerts::raise(tx, raise).await?.unwrap())
                })
            })
            .await
            .unwrap()
    }

    /// A message that came in, and waits to be applied if it says something.
    pub async fn inbound(&self, control_id: &'static str, event: Option<Hl7Event>) -> MessageId {
        self.store()
            .write(move |tx| Box::pin(async move { receive(tx, control_id, event).await }))
            .await
            .unwrap()
    }

    /// A message of ours, with the delivery that sends it.
    pub async fn outbound(&self, study: StudyId, state: DeliveryState) -> (MessageId, DeliveryId) {
        let delivery = self.delivery(study, DeliveryKind::ResultMessage, state).await;
        let message = self
            .store()
            .write(move |tx| {
                Box::pin(async move {
                    let id = MessageId(tx.uuid());
                    let control = messages::control_id(id);
                    let head = format!("MSH|^~\\&|TOCSIN||RIS||20260314||ORU^R01|{control}|P|2.5.1");
                    let raw = format!("{head}\rPID|||MRN1||{EVIL}\r").into_bytes();
                    let draft = Draft {
                        id,
                        study: Some(study),
                        site: site(),
                        peer: "ris".into(),
                        kind: "ORU^R01".into(),
                        sha256: hex(&raw),
                        raw,
                        keys: BTreeSet::from([control]),
                    };
                    messages::compose(tx, draft).await?;
                    deliveries::rendered(tx, delivery, Some(id), None, None).await?;
                    Ok(id)
                })
            })
            .await
            .unwrap();
        (message, delivery)
    }

    /// The same UID with other bytes.
    pub async fn quarantined(&self, study_uid: &'static str) -> String {
        let received = |sha256: &str| Received {
            site: site(),
            facts: facts(study_uid, "1.2.3.9"),
            problems: Vec::new(),
            transfer_syntax: "1.2.840.10008.1.2.1".into(),
            sha256: sha256.into(),
            length: 7,
            calling_ae: format!("CT1 {EVIL}"),
        };
        let (first, second) = (received("11"), received("22"));
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let (study, series, _) =
                        studies::place(tx, &site(), &first.facts, "CT1", Purpose::Reading).await?;
                    instances::insert(tx, &first, study, series).await?;
                    instances::known(tx, &second).await?;
                    let rows = instances::quarantined(tx.conn(), None, None, 10).await?;
                    Ok(rows.into_iter().next().unwrap().id)
                })
            })
            .await
            .unwrap()
    }
}

/// What the sender of such an event would have written.
fn written(control_id: &str, event: Option<&Hl7Event>) -> String {
    let head = |kind: &str| format!("MSH|^~\\&|RIS|EGH|||20260314080000||{kind}|{control_id}|P|2.3.1\r");
    let patient = format!("PID|||MRN1^^^EGH||{EVIL}^Order||19500102|F\r");
    match event {
        Some(Hl7Event::Orders(orders)) => {
            let number = orders[0].accession.as_deref().unwrap_or_default();
            let numbers = format!("P-{number}^EHR||1^CT^L|S|||||||||||||{number}");
            let order = format!("ORC|NW|P-{number}^EHR\rOBR|1|{numbers}\r");
            head("ORM^O01") + &patient + &order
        }
        Some(Hl7Event::Report(_)) => {
            let report =
                format!("OBR|1|||1^CT^L||||||||||||||{ACCESSION}|||||||F\rOBX|1|TX|||{EVIL}||||||F\r");
            head("ORU^R01") + &patient + &report
        }
        Some(Hl7Event::Patient(_) | Hl7Event::Merge(_)) => head("ADT^A08") + &patient,
        Some(Hl7Event::Appointment(_)) => head("SIU^S12") + &patient,
        Some(Hl7Event::VendorResults(_)) => head("ORU^R01") + &patient,
        Some(Hl7Event::Answer(_)) => head("ACK"),
        Some(Hl7Event::Ignored { .. }) => head("BAR^P01") + &patient,
        None => head("ORM^O01"),
    }
}

async fn receive(tx: &Tx, control_id: &str, event: Option<Hl7Event>) -> Result<MessageId, StoreError> {
    let raw = written(control_id, event.as_ref()).into_bytes();
    let keys = hl7_keys::of(&raw);
    let inbound = Inbound {
        site: site(),
        peer: "RIS|EGH".into(),
        control_id: control_id.into(),
        sha256: hex(&raw),
        kind: "ORM^O01".into(),
        raw,
        problem: event.is_none().then(|| format!("PID-3: {EVIL}")),
        event: event.map(|event| serde_json::to_string(&event).unwrap()),
        ack_code: "AA".into(),
        ack: b"MSH|^~\\&|TOCSIN\rMSA|AA\r".to_vec(),
        state: InboundState::Applied,
        keys,
    };
    match messages::receive_all(tx, vec![inbound]).await?[..] {
        [Intake::New { id, .. }] => Ok(id),
        _ => unreachable!("one message, whose control id is used once"),
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
