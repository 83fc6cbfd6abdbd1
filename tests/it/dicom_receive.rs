//! Images arrive: over real sockets, from our own sender and from dcmtk's, good ones and every bad kind we know.

use std::io::Write;
use std::time::Duration;

use tocsin::deliver::dicom::{DeliverError, StoreStatus, echo, store};
use tocsin::ingest::dicom::{AssociationEnd, ScpLimits, StoreOutcome};
use tocsin::storage::blobs::Verdict;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::dicom::objects::{DEFLATED, Object, claim, element, nested};
use crate::dicom::{Scp, limits, peer, tool};
use crate::shared::shared;

#[tokio::test]
async fn an_instance_is_durable_and_filed_before_it_is_acknowledged() {
    let mut scp = Scp::start(limits()).await;
    echo(&scp.peer()).await.unwrap();
    scp.next_closed().await;

    let object = Object::new("1.2.826.0.1.1");
    let other_bytes = Object {
        tail: vec![],
        ..object.clone()
    };
    let files = [object.file(), object.file(), other_bytes.file()];
    let statuses = store(&scp.peer(), &files).await.unwrap();
    assert_eq!(
        statuses,
        [StoreStatus::Stored, StoreStatus::Stored, StoreStatus::Stored]
    );

    let received = scp.received();
    let outcomes: Vec<_> = received.iter().map(|(_, outcome)| outcome.clone()).collect();
    assert!(matches!(
        &outcomes[..],
        [
            StoreOutcome::Stored,
            StoreOutcome::Duplicate,
            StoreOutcome::Quarantined { .. }
        ]
    ));
    for ((instance, _), sent) in received.iter().zip([&object, &object, &other_bytes]) {
        assert!(matches!(
            scp.blobs.verify(&instance.blob.hash),
            Ok(Verdict::Intact { .. })
        ));
        let file = scp.blobs.read(&instance.blob.hash).unwrap();
        assert!(
            file.ends_with(&sent.data_set()),
            "the data set is not as it was sent"
        );
        assert_eq!(
            (instance.calling_ae.as_str(), instance.facts.modality.as_str()),
            ("CT1", "CT")
        );
    }
    let closed = scp.next_closed().await;
    assert_eq!(
        (closed.end, closed.stored, closed.studies.len()),
        (AssociationEnd::Released, 3, 1)
    );
    scp.stop().await;
}

#[tokio::test]
async fn a_bad_instance_is_refused_with_its_reason_and_the_association_goes_on() {
    let scp = Scp::start(ScpLimits {
        instance_bytes: 3_000_000,
        ..limits()
    })
    .await;
    let good = |number: u32| Object::new(&format!("1.2.826.0.2.{number}"));
    let pixels = element(0x7FE0, 0x0010, b"OW", &vec![0; 600_000_000]);
    let bomb = [good(5).data_set(), pixels].concat();
    let bad = [
        (
            0xC000,
            "ends within an element",
            Object {
                tail: claim(0x0009, 0x1010, b"UT", 4_000_000_000),
                ..good(1)
            },
        ),
        (
            0xC000,
            "nested deeper",
            Object {
                tail: nested(5_000),
                ..good(2)
            },
        ),
        (
            0xC000,
            "StudyInstanceUID",
            Object {
                study: "../../etc/passwd".into(),
                ..good(3)
            },
        ),
        (
            0xC000,
            "empty",
            Object {
                data_set: Some(vec![]),
                ..good(4)
            },
        ),
        (
            0xC000,
            "grows beyond",
            Object {
                data_set: Some(deflate(&bomb)),
                transfer_syntax: DEFLATED,
                ..good(5)
            },
        ),
        (
            0xA900,
            "SOP Instance UID differs",
            Object {
                announced: Some("1.2.3".into()),
                ..good(6)
            },
        ),
        (
            0xA700,
            "longer than",
            Object {
                tail: element(0x7FE0, 0x0010, b"OW", &vec![0; 3_000_001]),
                ..good(7)
            },
        ),
    ];
    let mut files: Vec<_> = bad.iter().map(|(_, _, object)| object.file()).collect();
    files.push(good(99).file());
    let statuses = store(&scp.peer(), &files).await.unwrap();
    for ((expected, words, _), answered) in bad.iter().zip(&statuses) {
        let StoreStatus::Refused { status, comment } = answered else {
            panic!("{words}: {answered:?}");
        };
        assert_eq!(
            (status, comment.contains(words)),
            (expected, true),
            "{words}: {comment}"
        );
    }
    assert_eq!(statuses.last(), Some(&StoreStatus::Stored));
    assert_eq!(scp.received().len(), 1);
    scp.stop().await;
}

fn deflate(data_set: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data_set).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_full_disk_refuses_and_a_wrong_title_is_turned_away() {
    let scp = Scp::start(ScpLimits {
        disk_reserve_bytes: u64::MAX,
        ..limits()
    })
    .await;
    let statuses = store(&scp.peer(), &[Object::new("1.2.826.0.3.1").file()])
        .await
        .unwrap();
    assert!(
        matches!(statuses[0], StoreStatus::Refused { status: 0xA700, .. }),
        "{statuses:?}"
    );
    let wrong = echo(&peer(scp.port, "SOMEONE")).await;
    assert!(matches!(wrong, Err(DeliverError::Rejected { .. })), "{wrong:?}");
    scp.stop().await;
}

/// An A-ASSOCIATE-RQ for CT in explicit VR little endian, context 1.
fn association_request() -> Vec<u8> {
    let item = |kind: u8, body: &[u8]| {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind, 0][..], &length, body].concat()
    };
    let syntaxes = [
        item(0x30, crate::dicom::objects::CT.as_bytes()),
        item(0x40, b"1.2.840.10008.1.2.1"),
    ]
    .concat();
    let body = [
        &[0, 1, 0, 0][..],
        b"TOCSIN          CT1             ",
        &[0; 32],
        &item(0x10, b"1.2.840.10008.3.1.1.1"),
        &item(0x20, &[&[1, 0, 0, 0][..], &syntaxes].concat()),
        &item(0x50, &item(0x51, &[0, 0, 0x40, 0])),
    ]
    .concat();
    pdu(1, &body)
}

fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, 0][..], &length, body].concat()
}

fn fragment(control: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len() + 2).unwrap().to_be_bytes();
    pdu(4, &[&length[..], &[1, control], bytes].concat())
}

#[tokio::test]
async fn a_sender_that_vanishes_in_the_middle_leaves_nothing_and_disturbs_nobody() {
    let mut scp = Scp::start(limits()).await;
    let mut socket = TcpStream::connect(("127.0.0.1", scp.port)).await.unwrap();
    socket.write_all(&association_request()).await.unwrap();
    let mut answer = [0; 6];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer[0], 2, "not accepted");
    let command = tocsin_domain::dimse::store_request(1, crate::dicom::objects::CT, "1.2.826.0.4.1", None);
    socket.write_all(&fragment(3, &command)).await.unwrap();
    for _ in 0..20 {
        socket.write_all(&fragment(0, &vec![0; 100_000])).await.unwrap();
    }
    let beside = store(&scp.peer(), &[Object::new("1.2.826.0.4.2").file()])
        .await
        .unwrap();
    assert_eq!(beside, [StoreStatus::Stored]);
    drop(socket);
    let mut ends = vec![scp.next_closed().await.end, scp.next_closed().await.end];
    ends.sort_by_key(|end| *end == AssociationEnd::Broken);
    assert_eq!(ends, [AssociationEnd::Released, AssociationEnd::Broken]);
    scp.stop().await;
}

#[tokio::test]
async fn who_says_nothing_or_nonsense_is_cut_off() {
    let scp = Scp::start(limits()).await;
    let accepted = association_request();
    let table: [(&str, Vec<u8>); 5] = [
        ("silence", vec![]),
        ("garbage", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        (
            "a PDU of four gigabytes",
            [&accepted[..], &[4, 0, 0xFF, 0xFF, 0xFF, 0xF0]].concat(),
        ),
        (
            "a data set without a command",
            [accepted.clone(), fragment(2, b"data")].concat(),
        ),
        (
            "a command that is none",
            [accepted, fragment(3, &[8, 0, 5, 0, 4, 0, 0, 0, 1, 2, 3, 4])].concat(),
        ),
    ];
    for (name, bytes) in table {
        let mut socket = TcpStream::connect(("127.0.0.1", scp.port)).await.unwrap();
        socket.write_all(&bytes).await.unwrap();
        let mut answer = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut answer)).await;
        assert!(end.is_ok(), "{name}: still connected");
        let aborted = answer.len() >= 10 && answer[answer.len() - 10..][..2] == [7, 0];
        assert!(aborted, "{name}: no abort in {} bytes", answer.len());
        echo(&scp.peer()).await.unwrap();
    }
    scp.stop().await;
}

#[tokio::test]
async fn nobody_gets_more_associations_than_his_share() {
    let scp = Scp::start(ScpLimits {
        associations_per_peer: 2,
        ..limits()
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut socket = TcpStream::connect(("127.0.0.1", scp.port)).await.unwrap();
        socket.write_all(&association_request()).await.unwrap();
        socket.read_exact(&mut [0; 6]).await.unwrap();
        open.push(socket);
    }
    let third = echo(&scp.peer()).await;
    assert!(
        matches!(&third, Err(error @ DeliverError::Rejected { .. }) if error.is_transient()),
        "{third:?}"
    );
    drop(open);
    scp.stop().await;
}

#[tokio::test]
async fn dcmtk_stores_real_images_in_two_associations_at_once() {
    let (true, true, Some(images)) = (
        tool("storescu"),
        tool("echoscu"),
        shared("data/dicom/ct-geometry/gantrytilting"),
    ) else {
        return;
    };
    let mut scp = Scp::start(limits()).await;
    let port = scp.port.to_string();
    let verified = Command::new("echoscu")
        .args(["-aec", "TOCSIN", "127.0.0.1", &port])
        .status()
        .await
        .unwrap();
    assert!(verified.success());
    scp.next_closed().await;
    let send = || {
        let mut command = Command::new("storescu");
        command
            .args(["-aec", "TOCSIN", "+sd", "+r", "127.0.0.1", &port])
            .arg(&images)
            .output()
    };
    let (one, two) = tokio::join!(send(), send());
    for output in [one.unwrap(), two.unwrap()] {
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let received = scp.received();
    let stored = received
        .iter()
        .filter(|(_, outcome)| *outcome == StoreOutcome::Stored)
        .count();
    let again = received
        .iter()
        .filter(|(_, outcome)| *outcome == StoreOutcome::Duplicate)
        .count();
    assert!(stored > 0 && stored == again, "{stored} stored, {again} again");
    for (instance, _) in &received {
        assert!(matches!(
            scp.blobs.verify(&instance.blob.hash),
            Ok(Verdict::Intact { .. })
        ));
    }
    for _ in 0..2 {
        let closed = scp.next_closed().await;
        assert_eq!((closed.end, closed.refused), (AssociationEnd::Released, 0));
    }
    scp.stop().await;
}

#[tokio::test]
async fn dcmtk_receives_what_we_send_in_the_encoding_that_it_takes() {
    if !tool("storescp") {
        return;
    }
    for encoding in ["+x=", "+xi"] {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut archive = Command::new("storescp")
            .args(["-aet", "ARCHIVE", encoding, "-od"])
            .arg(folder.path())
            .arg(port.to_string())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let target = peer(port, "ARCHIVE");
        let mut tries = 0;
        while let Err(error) = echo(&target).await {
            tries += 1;
            assert!(error.is_transient() && tries < 100, "{encoding}: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let files = [
            Object::new("1.2.826.0.5.1").file(),
            Object::new("1.2.826.0.5.2").file(),
        ];
        let statuses = store(&target, &files).await.unwrap();
        assert_eq!(statuses, [StoreStatus::Stored, StoreStatus::Stored], "{encoding}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        archive.kill().await.unwrap();
    }
}
