//! Whose images these are: orders that come late, orders that contradict the images, merges, cancellations. Until it is
//! sure, nothing goes out that names a patient.

use tocsin::cli::demo::visit::{Message, Priority, Visit};
use tocsin::imaging::phantom::HeadFinding;
use tocsin_domain::worklist::Band;

use crate::hospital::{Hospital, Setup, everywhere};

/// The same order for somebody else.
fn for_another_patient(order: &Message, visit: &Visit) -> Message {
    Message {
        control_id: order.control_id.clone(),
        text: order.text.replace(&visit.identity.patient_id, "OTHER-1"),
    }
}

fn message(hospital: &Hospital, kind: &str, control_id: &str, body: &str) -> Message {
    let at = hospital.now().format("%Y%m%d%H%M%S+0000");
    Message {
        control_id: control_id.to_owned(),
        text: format!("MSH|^~\\&|DEMORIS|DEMO|TOCSIN|DEMO|{at}||{kind}|{control_id}|P|2.5.1\r{body}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_before_their_order_are_read_at_once_and_told_when_the_order_comes() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(21, HeadFinding::Intraparenchymal, Priority::Routine);
        hospital.scan(&visit).await;
        hospital.settle().await;
        let item = hospital.item().await;
        assert_eq!((item.link.as_str(), item.band), ("unmatched", Band::Critical));
        assert_eq!(
            hospital.mail_to("team@hospital.example").len(),
            1,
            "a page names no patient"
        );
        assert_eq!(
            hospital.owed().await,
            [
                "key_image: confirmed",
                "result_message: held",
                "segmentation: confirmed",
                "structured_report: confirmed"
            ]
        );

        hospital.order(&visit).await;
        hospital.settle().await;
        assert_eq!(hospital.item().await.link, "linked");
        assert_eq!(hospital.priorities_asked(&visit).await, ["S"]);
        assert_eq!(hospital.results_heard(&visit).await.len(), 1);
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_names_another_patient_is_a_conflict_until_the_records_are_merged() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(22, HeadFinding::Intraparenchymal, Priority::Routine);
        let order = for_another_patient(&visit.order(hospital.now()), &visit);
        assert_eq!(hospital.say(&order).await, "AA");
        hospital.scan(&visit).await;
        hospital.settle().await;
        let item = hospital.item().await;
        assert_eq!(
            (item.link.as_str(), item.band),
            ("conflict", Band::Critical),
            "raised all the same"
        );
        assert!(
            hospital.ris.all().await.is_empty(),
            "nothing names the wrong patient"
        );
        assert!(hospital.archive.all().await.is_empty());
        assert_eq!(
            hospital.mail_to("team@hospital.example").len(),
            1,
            "a page names no patient"
        );

        let merge = format!(
            "EVN|A40\rPID|1||{}^^^DEMO^MR||PHANTOM^MERGED\rMRG|OTHER-1^^^DEMO^MR\r",
            visit.identity.patient_id
        );
        let merge = message(&hospital, "ADT^A40^ADT_A39", "M1", &merge);
        assert_eq!(hospital.say(&merge).await, "AA");
        hospital.settle().await;
        assert_eq!(hospital.item().await.link, "linked");
        let results = hospital.results_heard(&visit).await;
        assert_eq!(results.len(), 1);
        assert!(results[0].contains(&visit.identity.patient_id) && !results[0].contains("OTHER-1"));
        assert_eq!(hospital.archive.all().await.len(), 3);

        let back = format!(
            "EVN|A40\rPID|1||OTHER-1^^^DEMO^MR||PHANTOM^MERGED\rMRG|{}^^^DEMO^MR\r",
            visit.identity.patient_id
        );
        let back = message(&hospital, "ADT^A40^ADT_A39", "M2", &back);
        let refused = hospital.refused(&back).await;
        assert!(
            refused.contains("AE: MRG-1"),
            "it would close a circle: {refused}"
        );
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_without_an_authority_is_of_the_one_patient_who_has_it() {
    let setup = Setup {
        default_authority: "",
        ..Setup::default()
    };
    everywhere(setup, async |hospital| {
        let visit = hospital.patient(26, HeadFinding::None, Priority::Routine);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        assert_eq!(hospital.item().await.link, "linked");

        let twin = message(
            &hospital,
            "ADT^A04^ADT_A01",
            "T1",
            &format!(
                "EVN|A04\rPID|1||{}^^^ELSEWHERE^MR||SOMEBODY^ELSE\rPV1|1|E\r",
                visit.identity.patient_id
            ),
        );
        hospital.say(&twin).await;
        hospital.settle().await;
        assert_eq!(
            hospital.item().await.link,
            "conflict",
            "two patients have this number now"
        );
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_came_before_the_images_is_theirs() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(25, HeadFinding::None, Priority::Routine);
        hospital.order(&visit).await;
        let report = visit.report("SYNTHETIC REPORT: NO INTRACRANIAL HEMORRHAGE.", hospital.now());
        assert_eq!(hospital.say(&report).await, "AA");
        hospital.settle().await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        assert_eq!(hospital.study().await.report_status.as_deref(), Some("final"));
        assert!(hospital.worklist().await.is_empty(), "it was read already");
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_lends_its_priority_to_nothing() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(23, HeadFinding::None, Priority::Stat);
        let order = visit.order(hospital.now());
        hospital.say(&order).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        assert_eq!(hospital.item().await.band, Band::Critical);
        let cancel = Message {
            control_id: "C1".to_owned(),
            text: order
                .text
                .replace("ORC|NW", "ORC|CA")
                .replace(&order.control_id, "C1"),
        };
        assert_eq!(hospital.say(&cancel).await, "AA");
        hospital.settle().await;
        let item = hospital.item().await;
        assert_eq!(
            item.band,
            Band::Urgent,
            "what the images say of an emergency patient"
        );
        assert_eq!(item.link, "unmatched");
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_order_twice_has_one_effect_and_an_update_changes_the_priority() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(24, HeadFinding::None, Priority::Routine);
        let order = visit.order(hospital.now());
        assert_eq!(hospital.say(&order).await, "AA");
        assert_eq!(hospital.say(&order).await, "AA");
        hospital.scan(&visit).await;
        hospital.settle().await;
        assert_eq!(hospital.item().await.ris_priority.as_deref(), Some("R"));
        let asked = hospital.priorities_asked(&visit).await;
        assert_eq!(asked, ["A"], "an emergency head CT is read before routine ones");
        let stat = Visit {
            priority: Priority::Stat,
            ..visit.clone()
        };
        let update = stat.order(hospital.now());
        let update = Message {
            control_id: "U1".to_owned(),
            text: update
                .text
                .replace("ORC|NW", "ORC|XO")
                .replace(&update.control_id, "U1"),
        };
        assert_eq!(hospital.say(&update).await, "AA");
        hospital.settle().await;
        let item = hospital.item().await;
        assert_eq!(
            (item.ris_priority.as_deref(), item.band),
            (Some("S"), Band::Critical)
        );
        assert_eq!(
            hospital.priorities_asked(&visit).await,
            asked,
            "a person's word is not answered with another"
        );
        hospital.close().await;
    })
    .await;
}
