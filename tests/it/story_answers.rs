//! Answers that come later than the commit answer: the RIS changes the order's priority, or refuses to, with a message of
//! its own; and appointments, which give an order its time.

use bytes::BytesMut;
use chrono::TimeDelta;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use tocsin::cli::demo::visit::{Message, Priority, Visit};
use tocsin::deliver::mllp_frame::{Deframer, frame};
use tocsin::imaging::phantom::HeadFinding;
use tocsin::storage::entity::{delivery, imaging_order, message};
use tocsin::storage::orders;
use tocsin_domain::appointment::AppointmentState;
use tocsin_domain::order::OrderState;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::hospital::{Hospital, Setup, everywhere};

/// A RIS whose interface engine stores what comes and says no more: its application answers later, or never.
async fn engine(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        // A sender that hangs up early has nothing to be told.
        let _ = store_all(stream).await;
    }
}

async fn store_all(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut deframer, mut buffer) = (Deframer::new(1 << 20), BytesMut::new());
    while stream.read_buf(&mut buffer).await? > 0 {
        while let Some(body) = deframer.take_frame(&mut buffer).map_err(std::io::Error::other)? {
            let text = String::from_utf8_lossy(&body).into_owned();
            let id = text.split('|').nth(9).unwrap_or_default();
            let answer = format!("MSH|^~\\&|RIS|DEMO|TOCSIN|DEMO|20260314||ACK|E{id}|P|2.5.1\rMSA|CA|{id}\r");
            stream.write_all(&frame(answer.as_bytes())).await?;
        }
    }
    Ok(())
}

async fn at_an_engine(story: impl AsyncFn(Hospital, Visit)) {
    let setup = Setup {
        no_ris: true,
        ..Setup::default()
    };
    everywhere(setup, async |hospital| {
        tokio::spawn(engine(hospital.ris_socket().await));
        let visit = hospital.patient(41, HeadFinding::Intraparenchymal, Priority::Routine);
        hospital.order(&visit).await;
        hospital.scan(&visit).await;
        hospital.settle().await;
        story(hospital, visit).await;
    })
    .await;
}

/// The RIS says this, and it is applied.
async fn applied(hospital: &Hospital, message: &Message) {
    assert_eq!(hospital.say(message).await, "AA");
    hospital.settle().await;
    let (state, problem) = became(hospital, &message.control_id).await;
    assert_eq!(state, "applied", "{problem:?}");
}

/// State and problem of a message that came in.
async fn became(hospital: &Hospital, control_id: &str) -> (String, Option<String>) {
    let row = message::Entity::find()
        .filter(message::Column::Direction.eq("in"))
        .filter(message::Column::ControlId.eq(control_id))
        .one(hospital.running.store.read())
        .await
        .unwrap()
        .expect("it was kept");
    (row.state, row.problem)
}

/// The last change of priority that was owed, by the number in its key, and its message.
async fn change(hospital: &Hospital) -> (delivery::Model, message::Model) {
    let conn = hospital.running.store.read();
    let owed = delivery::Entity::find()
        .filter(delivery::Column::Kind.eq("priority_change"))
        .order_by_desc(delivery::Column::DedupKey)
        .one(conn)
        .await
        .unwrap()
        .expect("a change of priority");
    let id = owed.message_id.clone().expect("it was sent");
    let sent = message::Entity::find_by_id(id).one(conn).await.unwrap();
    (owed, sent.expect("the message"))
}

fn said(hospital: &Hospital, kind: &str, control_id: &str, body: &str) -> Message {
    let at = hospital.now().format("%Y%m%d%H%M%S+0000");
    Message {
        control_id: control_id.to_owned(),
        text: format!("MSH|^~\\&|DEMORIS|DEMO|TOCSIN|DEMO|{at}||{kind}|{control_id}|P|2.5.1\r{body}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_the_ris_has_taken_is_open_until_its_application_says_yes() {
    at_an_engine(async |hospital, _| {
        let (owed, sent) = change(&hospital).await;
        assert_eq!(
            (owed.state.as_str(), sent.ack_code.as_deref()),
            ("committed", Some("CA"))
        );
        let body = format!("MSA|AA|{}\rORC|XR|1|2\r", sent.control_id);
        applied(&hospital, &said(&hospital, "ORI^O24^ORI_O24", "A1", &body)).await;
        let (owed, sent) = change(&hospital).await;
        assert_eq!((owed.state.as_str(), owed.last_error), ("confirmed", None));
        assert_eq!(
            (sent.state.as_str(), sent.ack_code.as_deref()),
            ("acknowledged", Some("AA"))
        );
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_the_application_refuses_is_refused_with_its_words_and_not_asked_again() {
    at_an_engine(async |hospital, _| {
        let (_, sent) = change(&hospital).await;
        let body = format!(
            "MSA|AA|{}|the exam is being dictated\rORC|UX|1|2\r",
            sent.control_id
        );
        applied(&hospital, &said(&hospital, "ORR^O02", "A2", &body)).await;
        let (owed, _) = change(&hospital).await;
        assert_eq!(
            (owed.state.as_str(), owed.last_error.as_deref()),
            ("refused", Some("refused by the RIS: the exam is being dictated"))
        );
        assert_eq!(owed.attempts, 1);
        let timeline = hospital.timeline().await;
        assert!(
            timeline
                .iter()
                .any(|line| line.ends_with("priority_change refused by the application of ris")),
            "{timeline:?}"
        );

        let stranger = said(&hospital, "ORR^O02", "A3", "MSA|AA|NOBODY\rORC|UX|1|2\r");
        assert_eq!(hospital.say(&stranger).await, "AA");
        hospital.settle().await;
        let (state, problem) = became(&hospital, "A3").await;
        let said = "it answers a message that was not sent to the RIS";
        assert_eq!((state.as_str(), problem.as_deref()), ("ignored", Some(said)));
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_of_the_application_shows_after_ten_minutes() {
    at_an_engine(async |hospital, _| {
        hospital.advance(TimeDelta::minutes(11)).await;
        let (owed, _) = change(&hospital).await;
        assert_eq!(owed.state, "committed");
        assert!(owed.last_error.unwrap().contains("has not answered"));
        hospital.close().await;
    })
    .await;
}

async fn order(hospital: &Hospital) -> tocsin_domain::order::OrderRecord {
    let rows = imaging_order::Entity::find()
        .all(hospital.running.store.read())
        .await
        .unwrap();
    assert_eq!(rows.len(), 1, "an appointment makes no order");
    orders::record_of(&rows[0]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_gives_an_order_its_time_and_its_cancellation_leaves_the_order_standing() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(42, HeadFinding::None, Priority::Routine);
        hospital.order(&visit).await;
        hospital.settle().await;
        let placer = order(&hospital).await.placer.expect("a placer number");
        let sch = |timing: &str| {
            format!(
                "SCH|A1^EHR|A2^RIS|||||||15||{timing}|||||||||||||||{}^{}\r",
                placer.number, placer.namespace
            )
        };
        let booked = said(
            &hospital,
            "SIU^S12^SIU_S12",
            "S1",
            &sch("^^15^20260314140000+0000"),
        );
        assert_eq!(hospital.say(&booked).await, "AA");
        hospital.settle().await;
        let now = order(&hospital).await;
        assert_eq!(now.scheduled_at, Some("2026-03-14T14:00:00Z".parse().unwrap()));
        assert_eq!(now.appointment, Some(AppointmentState::Booked));

        let cancelled = said(&hospital, "SIU^S15^SIU_S12", "S2", &sch(""));
        assert_eq!(hospital.say(&cancelled).await, "AA");
        let elsewhere = "SCH|A1^EHR|A2^RIS|||||||15||^^15^20260314|||||||||||||||NONE^EHR\r";
        assert_eq!(
            hospital.say(&said(&hospital, "SIU^S12", "S3", elsewhere)).await,
            "AA"
        );
        hospital.settle().await;
        let now = order(&hospital).await;
        assert_eq!(
            (now.scheduled_at, now.appointment),
            (None, Some(AppointmentState::Cancelled))
        );
        assert_eq!(now.state, OrderState::Placed);
        let (state, problem) = became(&hospital, "S3").await;
        assert_eq!(state, "ignored");
        assert!(problem.unwrap().contains("order that is not known"));
        hospital.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_moves_the_open_orders_of_its_visit() {
    everywhere(Setup::default(), async |hospital| {
        let visit = hospital.patient(43, HeadFinding::None, Priority::Routine);
        hospital.order(&visit).await;
        hospital.settle().await;
        let pid = format!("EVN|A02\rPID|1||{}^^^DEMO^MR\r", visit.identity.patient_id);
        let moved = said(&hospital, "ADT^A02", "V1", &format!("{pid}PV1|1|I|STROKE^7^A\r"));
        assert_eq!(hospital.say(&moved).await, "AA");
        hospital.settle().await;
        let now = order(&hospital).await;
        assert_eq!(
            (now.patient_class.as_deref(), now.location.as_deref()),
            (Some("I"), Some("STROKE^7^A"))
        );
        let kept = said(&hospital, "ADT^A08", "V2", &format!("{pid}PV1|1|I|\r"));
        assert_eq!(hospital.say(&kept).await, "AA");
        let gone = said(&hospital, "ADT^A03", "V3", &format!("{pid}PV1|1|I|\"\"\r"));
        hospital.settle().await;
        assert_eq!(order(&hospital).await.location.as_deref(), Some("STROKE^7^A"));
        assert_eq!(hospital.say(&gone).await, "AA");
        hospital.settle().await;
        assert_eq!(order(&hospital).await.location, None);
        hospital.close().await;
    })
    .await;
}
