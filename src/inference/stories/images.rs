//! Radiographs: several findings of one output, masks on single images, files with and without a scale.

use std::fs;
use std::path::Path;

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use sha2::{Digest, Sha256};
use tocsin_domain::code;
use tocsin_domain::finding::Presence;
use tocsin_domain::ids::{CountingIds, IdGen, InstanceId};
use tocsin_imaging::mask_codec;

use super::onnx_file::{Graph, Type, int, ints};
use super::{Story, library, runtime};
use crate::child::protocol::{Analysis, Answer, LoadRequest, Request, SliceFile};
use crate::child::serve::Worker;
use crate::manifest::Urgency;
use crate::onnx::Provider;
use crate::package::Package;

const ROWS: usize = 96;
const COLUMNS: usize = 48;
const SPOT: [usize; 2] = [60, 20];

/// A radiograph of 12 bits: a gradient, and a bright square of 8 × 8 pixels.
struct Radiograph {
    inverted: bool,
    spacing: Option<&'static str>,
    columns: usize,
}

const PLAIN: Radiograph = Radiograph {
    inverted: false,
    spacing: Some("0.5\\0.25"),
    columns: COLUMNS,
};

impl Radiograph {
    /// Bright where dense, whatever is stored.
    fn value(&self, row: usize, column: usize) -> u16 {
        let inside = |at: usize, from: usize| (from..from + 8).contains(&at);
        match inside(row, SPOT[0]) && inside(column, SPOT[1]) {
            true => 4000,
            false => (100 + 10 * row + column) as u16,
        }
    }

    fn store(&self, folder: &Path, n: usize) -> SliceFile {
        let pixel = |n: usize| self.value(n / self.columns, n % self.columns);
        let turned = |value: u16| if self.inverted { 4095 - value } else { value };
        let pixels: Vec<u16> = (0..ROWS * self.columns).map(|n| turned(pixel(n))).collect();
        let photometric = if self.inverted {
            "MONOCHROME1"
        } else {
            "MONOCHROME2"
        };
        let text = |tag, vr, value: &str| DataElement::new(tag, vr, PrimitiveValue::from(value));
        let number = |tag, value: usize| DataElement::new(tag, VR::US, PrimitiveValue::from(value as u16));
        let mut object = InMemDicomObject::from_element_iter([
            text(
                tags::SOP_CLASS_UID,
                VR::UI,
                uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
            ),
            text(tags::SOP_INSTANCE_UID, VR::UI, &format!("2.25.{}", 500 + n)),
            text(tags::MODALITY, VR::CS, "DX"),
            text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, photometric),
            number(tags::SAMPLES_PER_PIXEL, 1),
            number(tags::ROWS, ROWS),
            number(tags::COLUMNS, self.columns),
            number(tags::BITS_ALLOCATED, 16),
            number(tags::BITS_STORED, 12),
            number(tags::HIGH_BIT, 11),
            number(tags::PIXEL_REPRESENTATION, 0),
            DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(pixels.into())),
        ]);
        if let Some(spacing) = self.spacing {
            object.put(text(tags::IMAGER_PIXEL_SPACING, VR::DS, spacing));
        }
        let path = folder.join(format!("{n}.dcm"));
        let meta = FileMetaTableBuilder::new().transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN);
        object
            .with_meta(meta)
            .expect("meta")
            .write_to_file(&path)
            .expect("file");
        let sha256 = hex::encode(Sha256::digest(fs::read(&path).expect("file")));
        let id = InstanceId(CountingIds::default().uuid());
        SliceFile { id, path, sha256 }
    }
}

/// As the child process reads a series: findings and stored marks.
fn read(story: &Story, network: &Graph, images: &[Radiograph]) -> Option<(Analysis, Vec<u8>)> {
    let (runtime, library) = (runtime()?.clone(), library()?);
    let (folder, package) = story.package(network);
    let content_hash = Package::open(&package).expect("package").content_hash;
    let files = images
        .iter()
        .enumerate()
        .map(|(n, image)| image.store(folder.path(), n));
    let files = files.collect();
    let path = library.path.clone();
    let mut worker = Worker::default();
    worker.runtime = Some((runtime, library));
    let load = LoadRequest {
        package,
        content_hash: content_hash.clone(),
        library: path,
        providers: vec![Provider::Cpu],
        device_id: 0,
        urgency: Urgency::Urgent,
    };
    let (loaded, _) = worker.answer(Request::Load(load));
    assert!(matches!(loaded, Answer::Loaded(_)), "{loaded:?}");
    match worker.answer(Request::Analyse { content_hash, files }) {
        (Answer::Analysed(analysis), marks) => Some((*analysis, marks)),
        (other, _) => panic!("{other:?}"),
    }
}

fn input(size: [usize; 2], fit: &str) -> String {
    format!(
        "kind = \"image\"\nname = \"input\"\nlayout = \"NCHW\"\nbatch = 1\noperations = [\n{{ op = \"modality_lut\" }},\n\
         {{ op = \"resize\", size = [{}, {}], plane = \"area\", fit = \"{fit}\" }},\n\
         {{ op = \"percentiles\", range = [1.0, 99.0] }},\n{{ op = \"to_rgb\" }},\n]\n",
        size[0], size[1]
    )
}

/// Mean and greatest value of the first channel as two labels.
fn labels() -> Graph {
    let axes = || [ints("axes", &[2, 3]), int("keepdims", 0)];
    Graph::default()
        .input("input", &[Some(1), Some(3), Some(48), Some(48)])
        .integers("first", &[1], &[0])
        .node("Gather", &["input", "first"], "channel", &[int("axis", 1)])
        .node("ReduceMean", &["channel"], "mean", &axes())
        .node("ReduceMax", &["channel"], "most", &axes())
        .node("Concat", &["mean", "most"], "output", &[int("axis", 1)])
        .output("output", Type::F32, &[Some(1), Some(2)])
}

/// Percentile as NumPy computes it.
fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = share / 100.0 * (values.len() - 1) as f64;
    let (below, above) = (values[rank.floor() as usize], values[rank.ceil() as usize]);
    below + (above - below) * rank.fract()
}

#[test]
fn several_findings_are_read_from_one_output_of_each_image() {
    let story = Story {
        input: input([48, 48], "letterbox"),
        outputs: "[[outputs]]\nname = \"output\"\nkind = \"classification\"\nactivation = \"none\"\nclasses = [\"a\", \"b\"]\n\
                  threshold = 0.5\naggregate = { by = \"max\" }\n"
            .into(),
        findings: include_str!("two_findings.toml"),
        memory_mb: 512,
    };
    let turned = Radiograph {
        inverted: true,
        ..PLAIN
    };
    let Some((plain, marks)) = read(&story, &labels(), &[PLAIN]) else {
        return;
    };
    assert!(marks.is_empty());
    // 96 × 48 at a step of 2: 48 × 24, with 12 pixels of fill on each side.
    let mut values: Vec<f64> = (0..ROWS * COLUMNS)
        .map(|n| f64::from(PLAIN.value(n / COLUMNS, n % COLUMNS)))
        .collect();
    let mean = |r: usize, c: usize| {
        let pixel = |dr: usize, dc: usize| f64::from(PLAIN.value(2 * r + dr, 2 * c + dc));
        (pixel(0, 0) + pixel(0, 1) + pixel(1, 0) + pixel(1, 1)) / 4.0
    };
    let coarse: Vec<f64> = (0..48 * 24).map(|n| mean(n / 24, n % 24)).collect();
    let (low, high) = (percentile(&mut values, 1.0), percentile(&mut values, 99.0));
    let sum: f64 = coarse
        .iter()
        .map(|v| ((v - low) / (high - low)).clamp(0.0, 1.0))
        .sum();
    let score = |analysis: &Analysis, n: usize| f64::from(analysis.outputs[n].score.expect("score"));
    assert!(
        (score(&plain, 0) - sum / (48.0 * 48.0)).abs() < 1e-4,
        "{}",
        score(&plain, 0)
    );
    assert!((score(&plain, 1) - 1.0).abs() < 1e-6);
    let flagged: Vec<bool> = plain.findings.iter().map(|finding| finding.flagged).collect();
    assert_eq!(flagged, [false, true]);
    assert!(plain.findings[0].probability.is_some() && plain.findings[1].probability.is_none());
    // Turned, the same picture; beside another image, the higher score of the two.
    let (inverted, _) = read(&story, &labels(), &[turned, PLAIN]).expect("read");
    assert!((score(&inverted, 0) - score(&plain, 0)).abs() < 2e-4);
    assert_eq!(inverted.series.instance_uids.len(), 2);
}

/// Logits of what is bright.
fn bright() -> Graph {
    let axes = [Some(1), Some(1), Some(ROWS), Some(COLUMNS)];
    Graph::default()
        .input("input", &[None, Some(3), Some(ROWS), Some(COLUMNS)])
        .integers("first", &[1], &[0])
        .floats("border", &[1], &[0.8])
        .floats("steep", &[1], &[40.0])
        .node("Gather", &["input", "first"], "channel", &[int("axis", 1)])
        .node("Sub", &["channel", "border"], "above", &[])
        .node("Mul", &["above", "steep"], "output", &[])
        .output("output", Type::F32, &axes)
}

fn segmentation() -> Story {
    Story {
        input: input([ROWS, COLUMNS], "stretch"),
        outputs: "[[outputs]]\nname = \"output\"\nkind = \"segmentation\"\nactivation = \"sigmoid\"\nclasses = [\"b\"]\n\
                  threshold = 0.5\n"
            .into(),
        findings: include_str!("area.toml"),
        memory_mb: 512,
    }
}

#[test]
fn a_mask_on_an_image_is_measured_in_its_plane_and_kept() {
    let turned = Radiograph {
        inverted: true,
        ..PLAIN
    };
    let Some((analysis, marks)) = read(&segmentation(), &bright(), &[turned, PLAIN]) else {
        return;
    };
    let finding = &analysis.findings[0];
    // Two squares of 8 × 8 pixels of 0.5 × 0.25 mm.
    let area = finding.measurement(&code::AREA).expect("area");
    assert_eq!((area.value, area.unit.code.as_ref()), (16.0, "mm2"));
    assert!(finding.flagged);
    assert_eq!(finding.operating_point, "total area ≥ 12.5 mm²");
    assert_eq!(finding.lesions.len(), 2);
    for image in [0, 1] {
        let mask = mask_codec::slice(&marks, image).expect("mask");
        let marked: Vec<usize> = (0..mask.len()).filter(|n| mask[*n] == 1).collect();
        assert_eq!(marked.len(), 64);
        assert_eq!([marked[0] / COLUMNS, marked[0] % COLUMNS], SPOT);
    }
}

#[test]
fn without_a_scale_an_area_is_undetermined_and_marks_of_other_sizes_are_not_kept() {
    let unscaled = Radiograph {
        spacing: None,
        ..PLAIN
    };
    let Some((analysis, marks)) = read(&segmentation(), &bright(), &[unscaled]) else {
        return;
    };
    assert_eq!(analysis.findings[0].presence, Presence::Undetermined);
    assert!(
        analysis.limitations[0].contains("does not state"),
        "{:?}",
        analysis.limitations
    );
    assert!(!marks.is_empty());
    let wider = Radiograph { columns: 64, ..PLAIN };
    let (analysis, marks) = read(&segmentation(), &bright(), &[PLAIN, wider]).expect("read");
    assert!(analysis.findings[0].flagged && marks.is_empty());
    assert!(
        analysis.limitations.iter().any(|l| l.contains("differ in size")),
        "{:?}",
        analysis.limitations
    );
}
