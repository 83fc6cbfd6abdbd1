//! Why a model said what it said, on its way out: what was marked and where a classifier looked are shown, drawn and sent as far as the
//! model's display policy goes, by every route and in every object, and no finding waits for it.

use dicom_dictionary_std::tags;
use dicom_object::from_reader;
use tocsin::api::auth::Role;
use tocsin::cli::demo::visit::Priority;
use tocsin::imaging::heat::{self, HeatMap};
use tocsin::imaging::mask_codec;
use tocsin::imaging::phantom::HeadFinding;
use tocsin::storage::jobs::{self, Terms};
use tocsin::storage::{deliveries, results, studies};
use tocsin_domain::finding::{DisplayPolicy, ResultRecord, ResultStatus};
use tocsin_domain::ids::ResultId;
use tocsin_domain::work::Work;

use crate::hospital::{Hospital, Setup, everywhere};

/// Each policy, with whether pictures are shown and whether marks are.
const POLICIES: [(DisplayPolicy, bool, bool); 3] = [
    (DisplayPolicy::NotifyOnly, false, false),
    (DisplayPolicy::PreviewPlain, true, false),
    (DisplayPolicy::PreviewWithMarks, true, true),
];
/// Source of Measurement, the code under which a report points at a picture (PS3.16 CID 7551).
const POINTS_AT: &[u8] = b"121112";

/// A positive study, read by the shipped model.
async fn read_study(hospital: &Hospital) -> ResultRecord {
    let visit = hospital.patient(12, HeadFinding::Intraparenchymal, Priority::Routine);
    hospital.order(&visit).await;
    hospital.scan(&visit).await;
    hospital.settle().await;
    let id = studies::id_of(&hospital.study().await).unwrap();
    let rows = results::of_study(hospital.running.store.read(), id)
        .await
        .unwrap();
    results::record_of(&rows[0]).unwrap()
}

/// What is kept beside a result.
#[derive(Default)]
struct Kept {
    mask: Option<Vec<u8>>,
    map: Option<Vec<u8>>,
}

/// The same result again, changed, as if the model had just given it.
async fn said_again(
    hospital: &Hospital,
    before: &ResultRecord,
    kept: Kept,
    change: impl FnOnce(&mut ResultRecord) + Send + 'static,
) -> ResultRecord {
    let mut record = before.clone();
    record.supersedes = Some(before.id);
    record.status = ResultStatus::Corrected;
    change(&mut record);
    hospital
        .running
        .store
        .write(move |tx| {
            Box::pin(async move {
                record.id = ResultId(tx.uuid());
                results::insert(tx, &record, kept.mask).await?;
                if let Some(map) = kept.map {
                    results::keep_map(tx, record.id, map).await?;
                }
                jobs::enqueue(tx, &Work::PublishResult { result: record.id }, Terms::now()).await?;
                Ok(record)
            })
        })
        .await
        .unwrap()
}

/// Kind and bytes of what was sent of a result, each of them once however many receivers there are.
async fn sent(hospital: &Hospital, record: &ResultRecord) -> Vec<(String, Vec<u8>)> {
    let owed = deliveries::of_study(hospital.running.store.read(), record.study)
        .await
        .unwrap();
    let own = owed
        .into_iter()
        .filter(|row| row.result_id == Some(record.id.to_string()));
    let mut sent = Vec::new();
    for row in own.filter(|row| !["result_message", "priority_change"].contains(&row.kind.as_str())) {
        assert_eq!(row.state, "confirmed", "{}: {:?}", row.kind, row.last_error);
        let hash = row.blob_sha256.expect("rendered").parse().unwrap();
        sent.push((row.kind, hospital.running.env.blobs.read(&hash).unwrap()));
    }
    sent.sort();
    sent
}

fn of<'s>(sent: &'s [(String, Vec<u8>)], kind: &str) -> Vec<&'s [u8]> {
    let own = sent.iter().filter(|(other, _)| other == kind);
    own.map(|(_, bytes)| bytes.as_slice()).collect()
}

/// How a key image says what is drawn on it.
fn words(capture: &[u8]) -> String {
    let object = from_reader(capture).unwrap();
    object
        .element(tags::DERIVATION_DESCRIPTION)
        .unwrap()
        .to_str()
        .unwrap()
        .into_owned()
}

/// A map over the key slice, its most in one corner.
fn a_map(slice: usize) -> Vec<u8> {
    let mut values = vec![0; 64];
    values[7] = 255;
    heat::encode(&[HeatMap {
        slice,
        rows: 8,
        columns: 8,
        values,
    }])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_decides_by_every_way_out_what_is_shown_of_a_result() {
    everywhere(Setup::default(), async |hospital| {
        let first = read_study(&hospital).await;
        let mask = results::mask_of(hospital.running.store.read(), first.id)
            .await
            .unwrap();
        let key = first.explanation.key_slices[0].slice;
        let reader = hospital.api(Role::Radiologist).await;
        let mut before = first;
        for (policy, pictures, marks) in POLICIES {
            let kept = Kept {
                mask: Some(mask.clone()),
                map: Some(a_map(key)),
            };
            let shown = said_again(&hospital, &before, kept, move |record| {
                record.model.display_policy = policy;
            })
            .await;
            let id = shown.id;
            hospital.settle().await;

            let sent = sent(&hospital, &shown).await;
            let report = of(&sent, "structured_report")[0];
            let points = report.windows(POINTS_AT.len()).any(|part| part == POINTS_AT);
            assert_eq!(points, pictures, "{policy:?}: the report points at a slice");
            let captures = of(&sent, "key_image");
            assert_eq!(!captures.is_empty(), pictures, "{policy:?}: key images");
            for capture in captures {
                assert_eq!(
                    words(capture).contains("overlay"),
                    marks,
                    "{policy:?}: {}",
                    words(capture)
                );
            }
            assert_eq!(of(&sent, "segmentation").len(), usize::from(marks), "{policy:?}");

            let base = format!("/api/v1/studies/{}", shown.study);
            let stacks = reader.json(&format!("{base}/stacks")).await.unwrap();
            let told = stacks["items"][0]["marks"].as_array().unwrap();
            let own: Vec<_> = told
                .iter()
                .filter(|one| one["result_id"] == id.to_string())
                .collect();
            assert_eq!(own.len(), usize::from(marks), "{policy:?}: {told:?}");
            for one in own {
                assert_eq!(one["heat"][0]["slice"], key);
                assert_eq!(one["keys"][0], one["key"]);
            }
            for path in [
                format!("marks/{id}/{key}"),
                format!("marks/{id}/{key}?as=area"),
                format!("heat/{id}/{key}"),
            ] {
                let answer = reader.get(&format!("{base}/{path}")).await.unwrap();
                assert_eq!(answer.status, if marks { 200 } else { 404 }, "{policy:?} {path}");
            }
            before = shown;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_segmentation_that_is_sent_holds_the_voxels_of_the_mask_where_they_were() {
    everywhere(Setup::default(), async |hospital| {
        let record = read_study(&hospital).await;
        let sent = sent(&hospital, &record).await;
        let [bytes] = of(&sent, "segmentation")[..] else {
            panic!("one segmentation")
        };
        let stored = results::mask_of(hospital.running.store.read(), record.id)
            .await
            .unwrap();
        let marked = mask_codec::marked(&stored, 1).unwrap();
        let grid = mask_codec::grid(&stored).unwrap().expect("places");
        let object = from_reader(bytes).unwrap();
        let frames = object
            .element(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)
            .unwrap();
        let frames = frames.items().unwrap();
        assert_eq!(frames.len(), marked.len());
        let packed = object.element(tags::PIXEL_DATA).unwrap().to_bytes().unwrap();
        let plane = grid.rows * grid.columns;
        for (place, (frame, slice)) in frames.iter().zip(&marked).enumerate() {
            let position = &frame
                .element(tags::PLANE_POSITION_SEQUENCE)
                .unwrap()
                .items()
                .unwrap()[0];
            let origin = position
                .element(tags::IMAGE_POSITION_PATIENT)
                .unwrap()
                .to_multi_float64()
                .unwrap();
            assert_eq!(origin, grid.slices[*slice].origin);
            let voxels = mask_codec::slice(&stored, *slice).unwrap();
            let bit = |n: usize| packed[n / 8] >> (n % 8) & 1;
            assert!(
                (0..plane).all(|n| bit(place * plane + n) == voxels[n]),
                "slice {slice}"
            );
        }

        // It comes back, as from an archive that forwards everything: kept as what it is, and read by no model.
        let results_before = results::of_study(hospital.running.store.read(), record.study)
            .await
            .unwrap()
            .len();
        let capture = of(&sent, "key_image")[0].to_vec();
        hospital.send(&[bytes.to_vec(), capture]).await;
        hospital.settle().await;
        let rows = results::of_study(hospital.running.store.read(), record.study)
            .await
            .unwrap();
        assert_eq!(rows.len(), results_before, "nothing is analysed because of it");
        let reader = hospital.api(Role::Radiologist).await;
        let stacks = reader
            .json(&format!("/api/v1/studies/{}/stacks", record.study))
            .await
            .unwrap();
        let modalities: Vec<_> = stacks["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["modality"].clone())
            .collect();
        assert_eq!(
            modalities,
            ["CT", "CT"],
            "the series and its key image; a segmentation is no picture"
        );
        let layers = stacks["items"][0]["layers"].as_array().unwrap().len();
        assert!(layers > 1, "the series comes first");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_image_waits_for_the_map_that_is_drawn_on_it_and_nothing_else_does() {
    everywhere(Setup::default(), async |hospital| {
        let first = read_study(&hospital).await;
        let key = first.explanation.key_slices[0].slice;
        // As of a classifier: no mask, and a map that is still to be made.
        let looked = said_again(&hospital, &first, Kept::default(), |record| {
            record.explanation.segments.clear();
            record.explanation.map_follows = true;
        })
        .await;
        hospital.settle().await;
        let timeline = hospital.timeline().await.join("\n");
        assert!(timeline.contains("explained"), "{timeline}");
        let sent_first = sent(&hospital, &looked).await;
        assert_eq!(of(&sent_first, "structured_report").len(), 1);
        let [capture] = of(&sent_first, "key_image")[..] else {
            panic!("one key image")
        };
        assert!(
            words(capture).contains("Key slice"),
            "this model has no map to give"
        );

        let kept = Kept {
            mask: None,
            map: Some(a_map(key)),
        };
        let mapped = said_again(&hospital, &looked, kept, |record| {
            record.explanation.segments.clear();
            record.explanation.map_follows = true;
        })
        .await;
        hospital.settle().await;
        let sent_second = sent(&hospital, &mapped).await;
        let [capture] = of(&sent_second, "key_image")[..] else {
            panic!("one key image")
        };
        assert!(words(capture).contains("heat map"), "{}", words(capture));
    })
    .await;
}
