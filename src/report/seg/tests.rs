//! Segmentations of series as scanners send them, read back by this library, by dciodvfy and by highdicom: the same voxels at the
//! same places in the patient. Others are skipped, and it is said, where they are not installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use dicom_core::Tag;
use dicom_object::{DefaultDicomObject, InMemDicomObject, from_reader};
use serde_json::{Value, json};
use tocsin_domain::code;
use tocsin_domain::explanation::Explanation;
use tocsin_domain::finding::{DisplayPolicy, ResultRecord};

use super::*;
use crate::StudyHeader;
use crate::testing::{bleed, header, installation, uid};

const ROWS: usize = 13;
const COLUMNS: usize = 11;
const SLICES: usize = 6;

/// A series, and what lies in it: a block of blood, and a ventricle that it reaches into.
struct Scene {
    name: &'static str,
    header: StudyHeader,
    record: ResultRecord,
    marks: MarkedSlices,
}

fn scene(name: &'static str, orientation: [f64; 6], step: [f64; 3]) -> Scene {
    let mut record = bleed();
    record.instance_uids = (0..SLICES)
        .map(|k| uid(&format!("1.2.826.0.1.99.2.{}", k + 1)))
        .collect();
    record.explanation = explanation();
    let origin = |k: usize| std::array::from_fn(|axis| [-93.7, 41.25, -12.0][axis] + step[axis] * k as f64);
    let mut header = header();
    header.source.frame_of_reference_uid = Some(uid("1.2.826.0.1.99.7"));
    Scene {
        name,
        header,
        record,
        marks: MarkedSlices {
            rows: ROWS,
            columns: COLUMNS,
            placed: Some(Placed {
                pixel_spacing: [0.75, 0.5],
                orientation,
                slice_thickness: Some(2.5),
                slice_spacing: Some(2.5),
            }),
            slices: (1..SLICES).map(|k| marked(k, origin(k))).collect(),
        },
    }
}

fn explanation() -> Explanation {
    let segment = |class: &str, category, property, finding| Segment {
        class: class.into(),
        category,
        property,
        finding,
        rejected: false,
    };
    Explanation {
        segments: vec![
            segment(
                "blood",
                code::MORPHOLOGICALLY_ABNORMAL,
                code::INTRACRANIAL_HEMORRHAGE,
                Some(0),
            ),
            segment(
                "never seen",
                code::MORPHOLOGICALLY_ABNORMAL,
                code::INTRACRANIAL_HEMORRHAGE,
                None,
            ),
            segment(
                "ventricle",
                code::ANATOMICAL_STRUCTURE,
                code::BRAIN_VENTRICLE,
                None,
            ),
        ],
        ..Explanation::default()
    }
}

/// Blood on the slices 2 to 4, the ventricle on 4 and 5, both at some places; nothing on 1.
fn marked(k: usize, origin: [f64; 3]) -> MarkedSlice {
    let voxel = |n: usize| {
        let (row, column) = (n / COLUMNS, n % COLUMNS);
        let blood = (2..=4).contains(&k) && (3..7).contains(&row) && (2..2 + k).contains(&column);
        let ventricle = k >= 4 && (5..9).contains(&row) && (4..6).contains(&column);
        u8::from(blood) | u8::from(ventricle) << 2
    };
    MarkedSlice {
        slice: k,
        frame_number: None,
        origin,
        voxels: (0..ROWS * COLUMNS).map(voxel).collect(),
    }
}

fn scenes() -> Vec<Scene> {
    let (sin, cos) = (17f64.to_radians().sin(), 17f64.to_radians().cos());
    let straight = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let mut enhanced = scene("enhanced", straight, [0.0, 0.0, 2.5]);
    enhanced.header.source.sop_class_uid = uid("1.2.840.10008.5.1.4.1.1.2.1");
    enhanced.record.instance_uids.fill(uid("1.2.826.0.1.99.2.1"));
    enhanced.record.findings[0].key_instance = Some(uid("1.2.826.0.1.99.2.1"));
    for slice in &mut enhanced.marks.slices {
        slice.frame_number = Some((SLICES - slice.slice) as u32);
    }
    let mut radiographs = scene("radiographs", straight, [0.0; 3]);
    radiographs.marks.placed = None;
    radiographs.header.source.frame_of_reference_uid = None;
    radiographs.header.source.modality = "DX".into();
    radiographs.header.source.sop_class_uid = uid("1.2.840.10008.5.1.4.1.1.1.1");
    let mut uneven = scene("uneven", straight, [0.0, 0.0, 2.5]);
    uneven.marks.slices[3].origin[2] += 1.25;
    if let Some(placed) = &mut uneven.marks.placed {
        placed.slice_spacing = None;
    }
    vec![
        scene("straight", straight, [0.0, 0.0, 2.5]),
        scene(
            "tilted",
            [1.0, 0.0, 0.0, 0.0, cos, sin],
            [0.0, -2.5 * sin, 2.5 * cos],
        ),
        scene("sheared", [1.0, 0.0, 0.0, 0.0, cos, sin], [0.0, 0.0, 2.5]),
        // Rows that run against the patient: the normal points to the feet, and the slices go to the head.
        scene("reversed", [1.0, 0.0, 0.0, 0.0, -1.0, 0.0], [0.0, 0.0, 2.5]),
        scene("coronal", [cos, 0.0, sin, sin, 0.0, -cos], [0.0, 2.5, 0.0]),
        uneven,
        enhanced,
        radiographs,
    ]
}

impl Scene {
    fn render(&self) -> Result<Object, ReportError> {
        let context = Context {
            record: &self.record,
            header: &self.header,
            installation: &installation(),
            revision: 1,
            predecessor: None,
        };
        segmentation(&context, &self.marks)
    }

    /// Places of the voxels of a bit, mm in the patient, by hand from the definition (PS3.3 C.7.6.2.1.1); of projections image, row
    /// and column.
    fn places(&self, bit: usize) -> Vec<[f64; 3]> {
        let mut places = Vec::new();
        for slice in &self.marks.slices {
            for n in (0..slice.voxels.len()).filter(|n| slice.voxels[*n] >> bit & 1 == 1) {
                let (row, column) = ((n / COLUMNS) as f64, (n % COLUMNS) as f64);
                places.push(match &self.marks.placed {
                    Some(placed) => std::array::from_fn(|axis| {
                        slice.origin[axis]
                            + placed.orientation[axis] * column * placed.pixel_spacing[1]
                            + placed.orientation[3 + axis] * row * placed.pixel_spacing[0]
                    }),
                    None => [slice.slice as f64, row, column],
                });
            }
        }
        places
    }

    fn truth(&self) -> Value {
        let segments = [(0, "blood"), (2, "ventricle")];
        let of = |(bit, class): (usize, &str)| json!({ "class": class, "places": self.places(bit) });
        json!({
            "placed": self.marks.placed.is_some(),
            "instances": self.record.instance_uids,
            "frame_of_reference": self.header.source.frame_of_reference_uid,
            "model": [self.record.model.name, self.record.model.version],
            "segments": segments.map(of),
        })
    }
}

fn read(object: &Object) -> DefaultDicomObject {
    from_reader(object.bytes.as_slice()).expect("a DICOM file")
}

fn items(set: &InMemDicomObject, tag: Tag) -> Vec<InMemDicomObject> {
    set.element(tag).expect("there").items().expect("items").to_vec()
}

fn whole(set: &InMemDicomObject, tag: Tag) -> u32 {
    set.element(tag).expect("there").to_int().expect("a number")
}

#[test]
fn only_frames_with_something_in_them_are_there_and_every_bit_is_where_it_was() {
    for scene in scenes() {
        let object = read(&scene.render().expect(scene.name));
        let frames = items(&object, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
        assert_eq!(
            whole(&object, tags::NUMBER_OF_FRAMES),
            5,
            "{}: 3 of blood, 2 of the ventricle",
            scene.name
        );
        assert_eq!(frames.len(), 5);
        assert_eq!(
            items(&object, tags::SEGMENT_SEQUENCE).len(),
            2,
            "what was never seen has no number"
        );
        let packed = object
            .element(tags::PIXEL_DATA)
            .expect("pixels")
            .to_bytes()
            .expect("bytes");
        let bit = |n: usize| packed[n / 8] >> (n % 8) & 1;
        for (place, frame) in frames.iter().enumerate() {
            let number = whole(
                &items(frame, tags::SEGMENT_IDENTIFICATION_SEQUENCE)[0],
                tags::REFERENCED_SEGMENT_NUMBER,
            );
            let slice = [2, 3, 4, 4, 5][place];
            let expected = &scene.marks.slices[slice - 1].voxels;
            let own = if number == 1 { 0 } else { 2 };
            for (pixel, voxel) in expected.iter().enumerate() {
                assert_eq!(
                    bit(place * ROWS * COLUMNS + pixel),
                    voxel >> own & 1,
                    "{} {place} {pixel}",
                    scene.name
                );
            }
        }
    }
}

#[test]
fn the_same_result_is_the_same_object() {
    let scene = &scenes()[1];
    let (first, again) = (
        scene.render().expect("rendered"),
        scene.render().expect("rendered"),
    );
    assert!(first == again);
    let mut other = scenes().remove(1);
    other.record.id = tocsin_domain::ids::ResultId(uuid::Uuid::from_u128(11));
    let other = other.render().expect("rendered");
    assert_eq!(first.uids.series, other.uids.series);
    assert_ne!(first.uids.instance, other.uids.instance);
}

#[test]
fn what_may_not_be_shown_or_cannot_be_held_is_refused() {
    let refused = |change: fn(&mut Scene)| {
        let mut scene = scenes().remove(0);
        change(&mut scene);
        scene.render().err().map(|error| error.to_string())
    };
    let not_shown = Some(ReportError::NotShown.to_string());
    assert_eq!(
        refused(|scene| scene.record.model.display_policy = DisplayPolicy::NotifyOnly),
        not_shown
    );
    assert_eq!(
        refused(|scene| scene.record.model.display_policy = DisplayPolicy::PreviewPlain),
        not_shown
    );
    assert_eq!(
        refused(|scene| scene.record.findings[0].flagged = false),
        not_shown
    );
    assert_eq!(
        refused(|scene| scene.marks.slices.truncate(1)),
        Some(ReportError::NothingMarked.to_string())
    );
    let shape = Some(ReportError::Shape.to_string());
    assert_eq!(refused(|scene| scene.marks.slices[0].slice = SLICES), shape);
    assert_eq!(refused(|scene| scene.marks.rows = 12), shape);
    let large = refused(|scene| (scene.marks.rows, scene.marks.columns) = (20_000, 20_000));
    assert!(large.is_some_and(|reason| reason.contains("more than one object holds")));
}

#[test]
fn other_readers_accept_it_and_find_the_same_voxels() {
    let folder = tempfile::tempdir().expect("a folder");
    for scene in scenes() {
        let path = folder.path().join(format!("{}.seg.dcm", scene.name));
        std::fs::write(&path, scene.render().expect(scene.name).bytes).expect("written");
        let truth = serde_json::to_vec(&scene.truth()).expect("JSON");
        std::fs::write(folder.path().join(format!("{}.json", scene.name)), truth).expect("written");
        no_errors(&path);
    }
    highdicom_agrees(folder.path());
}

fn no_errors(path: &Path) {
    let Ok(output) = Command::new("dciodvfy").arg(path).output() else {
        eprintln!("SKIPPED: dciodvfy is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Segmentation"), "{}: {said}", path.display());
    assert!(!said.contains("Error"), "{}: {said}", path.display());
}

fn highdicom_agrees(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let local = root.join(".venv/bin/python");
    let python = if local.exists() {
        local
    } else {
        PathBuf::from("python3")
    };
    let has = Command::new(&python).args(["-c", "import highdicom"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: no Python with highdicom at {}", python.display());
        return;
    }
    let checked = Command::new(&python)
        .arg(root.join("tests/peers/check_seg.py"))
        .arg(folder)
        .output()
        .expect("started");
    let said = String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
}
