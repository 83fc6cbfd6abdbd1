//! Models at work in the child process: the shipped model passes its golden cases, a series becomes findings and a mask, and
//! whatever goes wrong in the child costs one request.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use sha2::{Digest, Sha256};
use tocsin::imaging::mask_codec;
use tocsin::imaging::preview::{RgbImage, Window, outline};
use tocsin::inference::child::protocol::{PictureForm, PictureRequest, Refusal, SliceFile};
use tocsin::inference::library::{Search, locate};
use tocsin::inference::onnx::Provider;
use tocsin::inference::package::{Package, PackageError};
use tocsin::inference::pool::{Pool, PoolConfig, WorkerError};
use tocsin_domain::admit::QualityCode;
use tocsin_domain::code::VOLUME;
use tocsin_domain::ids::{IdGen, InstanceId};

const SIDE: usize = 64;
const SLICES: usize = 12;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn config() -> Option<PoolConfig> {
    let folders = vec![root().join(".runtime")];
    let Ok(library) = locate(&Search {
        folders,
        ..Search::default()
    }) else {
        eprintln!("SKIPPED: no ONNX Runtime in .runtime; scripts/fetch-onnxruntime fetches it");
        return None;
    };
    Some(PoolConfig {
        program: PathBuf::from(env!("CARGO_BIN_EXE_tocsin")),
        arguments: vec![tocsin::app::WORKER_COMMAND.to_owned()],
        library: Ok(fs::canonicalize(library.path).expect("library")),
        providers: vec![Provider::Cpu],
        device_id: 0,
        memory_bytes: 2 << 30,
        deadline: Duration::from_secs(120),
        environment: Vec::new(),
    })
}

/// A package around one of the small networks of `tests/data/models`, in a folder of its own.
fn package(folder: &Path, network: &str) -> Package {
    changed_package(folder, network, &[])
}

/// The same with other words in its manifest.
fn changed_package(folder: &Path, network: &str, changes: &[(&str, &str)]) -> Package {
    let bytes = fs::read(root().join("tests/data/models").join(network).join("model.onnx")).expect("network");
    let text = include_str!("../data/models/bright/manifest.toml");
    let text = text
        .replace("HASH", &hex::encode(Sha256::digest(&bytes)))
        .replace("NAME", network);
    let text = changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "the manifest has no {from}");
        text.replace(from, to)
    });
    let own = folder.join(network);
    fs::create_dir(&own).expect("folder");
    fs::write(own.join("manifest.toml"), text).expect("manifest");
    fs::write(own.join("model.onnx"), bytes).expect("network");
    Package::open(&own).expect("package")
}

/// Slices of 5 mm and 1 mm pixels: 30 HU, and a box of 80 HU, 20 × 20 × 4 voxels = 8 mL.
fn series(folder: &Path) -> Vec<SliceFile> {
    let ids = tocsin_domain::ids::CountingIds::default();
    (0..SLICES)
        .map(|k| store(folder, k, InstanceId(ids.uuid())))
        .collect()
}

fn store(folder: &Path, k: usize, id: InstanceId) -> SliceFile {
    let inside = |n: usize| (20..40).contains(&n);
    let value = |row: usize, column: usize| {
        if (4..8).contains(&k) && inside(row) && inside(column) {
            80
        } else {
            30i16
        }
    };
    let pixels: Vec<u16> = (0..SIDE * SIDE)
        .map(|n| (value(n / SIDE, n % SIDE) + 1024) as u16)
        .collect();
    let uid = format!("2.25.{}", 1000 + k);
    let side = SIDE as u16;
    let object = InMemDicomObject::from_element_iter([
        DataElement::new(
            tags::SOP_CLASS_UID,
            VR::UI,
            PrimitiveValue::from(uids::CT_IMAGE_STORAGE),
        ),
        DataElement::new(tags::SOP_INSTANCE_UID, VR::UI, PrimitiveValue::from(uid.as_str())),
        DataElement::new(tags::MODALITY, VR::CS, PrimitiveValue::from("CT")),
        DataElement::new(
            tags::IMAGE_POSITION_PATIENT,
            VR::DS,
            PrimitiveValue::from(format!("0\\0\\{}", 5 * k)),
        ),
        DataElement::new(
            tags::IMAGE_ORIENTATION_PATIENT,
            VR::DS,
            PrimitiveValue::from("1\\0\\0\\0\\1\\0"),
        ),
        DataElement::new(tags::PIXEL_SPACING, VR::DS, PrimitiveValue::from("1\\1")),
        DataElement::new(tags::SAMPLES_PER_PIXEL, VR::US, PrimitiveValue::from(1u16)),
        DataElement::new(
            tags::PHOTOMETRIC_INTERPRETATION,
            VR::CS,
            PrimitiveValue::from("MONOCHROME2"),
        ),
        DataElement::new(tags::ROWS, VR::US, PrimitiveValue::from(side)),
        DataElement::new(tags::COLUMNS, VR::US, PrimitiveValue::from(side)),
        DataElement::new(tags::BITS_ALLOCATED, VR::US, PrimitiveValue::from(16u16)),
        DataElement::new(tags::BITS_STORED, VR::US, PrimitiveValue::from(16u16)),
        DataElement::new(tags::HIGH_BIT, VR::US, PrimitiveValue::from(15u16)),
        DataElement::new(tags::PIXEL_REPRESENTATION, VR::US, PrimitiveValue::from(0u16)),
        DataElement::new(tags::RESCALE_INTERCEPT, VR::DS, PrimitiveValue::from("-1024")),
        DataElement::new(tags::RESCALE_SLOPE, VR::DS, PrimitiveValue::from("1")),
        DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(pixels.into())),
    ]);
    let path = folder.join(format!("{k}.dcm"));
    let meta = FileMetaTableBuilder::new().transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN);
    object
        .with_meta(meta)
        .expect("meta")
        .write_to_file(&path)
        .expect("file");
    let sha256 = hex::encode(Sha256::digest(fs::read(&path).expect("file")));
    SliceFile { id, path, sha256 }
}

#[tokio::test]
async fn the_shipped_model_passes_its_golden_cases() {
    let Some(config) = config() else { return };
    let package = Package::open(&root().join("models/ich")).expect("package");
    let report = Pool::new(config).load(&package).await.expect("loads");
    assert!(
        !report.golden.is_empty() && report.golden.iter().all(|case| case.passed),
        "{:?}",
        report.golden
    );
    assert_eq!(report.provider_used, Provider::Cpu);
}

#[tokio::test]
async fn a_series_becomes_a_finding_a_mask_and_a_picture() {
    let Some(config) = config() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let (package, files) = (package(folder.path(), "bright"), series(folder.path()));
    let pool = Pool::new(config);
    let prepared = pool
        .prepare(files[..5].to_vec())
        .await
        .expect("prepared")
        .expect("not busy");
    assert_eq!((prepared.decoded, prepared.failed.len()), (5, 0));
    let analysed = pool.analyse(&package, files.clone()).await.expect("analysed");
    let analysis = &analysed.analysis;
    assert_eq!(analysis.timing.decoded, SLICES - 5, "the rest was decoded ahead");
    assert_eq!(analysis.series.instance_uids.len(), SLICES);
    let finding = &analysis.findings[0];
    let volume = finding.measurement(&VOLUME).expect("volume").value;
    assert!(finding.flagged && (volume - 8.0).abs() < 0.5, "{volume} mL");
    let key = analysis.outputs[0].key_slice.expect("key slice");
    assert!((4..8).contains(&key));
    let slice = mask_codec::slice(&analysed.mask, key).expect("mask");
    assert_eq!(slice.iter().filter(|voxel| **voxel == 1).count(), 400);

    let request = PictureRequest {
        file: files[key].clone(),
        frame: 0,
        window: Some([Window::BRAIN.center, Window::BRAIN.width]),
        form: PictureForm::Rgb,
    };
    let picture = pool.picture(request).await.expect("picture");
    assert_eq!((picture.rows, picture.columns), (SIDE, SIDE));
    let mut picture = RgbImage {
        rows: SIDE,
        columns: SIDE,
        data: picture.bytes,
    };
    outline(&mut picture, &slice, 1).expect("drawn");
    let coloured = picture
        .data
        .chunks_exact(3)
        .filter(|pixel| pixel[0] != pixel[1])
        .count();
    assert_eq!(coloured, 4 * 19, "the outline of 20 × 20 pixels");
}

#[tokio::test]
async fn a_killed_child_costs_one_analysis() {
    let Some(config) = config() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let (package, files) = (package(folder.path(), "bright"), series(folder.path()));
    let pool = Pool::new(config);
    pool.analyse(&package, files.clone()).await.expect("warm");
    let [Some(child), None, None] = pool.processes().await else {
        panic!("one child runs")
    };
    let child = rustix::process::Pid::from_raw(i32::try_from(child).expect("pid")).expect("pid");
    rustix::process::kill_process(child, rustix::process::Signal::KILL).expect("kill");
    let error = pool.analyse(&package, files.clone()).await.expect_err("killed");
    assert!(
        matches!(&error, WorkerError::Crashed { status } if status.contains("SIGKILL")),
        "{error}"
    );
    pool.analyse(&package, files).await.expect("the next one is read");
}

#[tokio::test]
async fn time_and_memory_are_bounded() {
    let Some(config) = config() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let (package, files) = (package(folder.path(), "bright"), series(folder.path()));
    let short = PoolConfig {
        deadline: Duration::from_millis(1),
        ..config.clone()
    };
    let error = Pool::new(short)
        .prepare(files.clone())
        .await
        .expect_err("too slow");
    assert!(matches!(error, WorkerError::TimedOut { .. }), "{error}");
    let small = PoolConfig {
        memory_bytes: 1 << 20,
        ..config
    };
    let error = Pool::new(small)
        .analyse(&package, files)
        .await
        .expect_err("too large");
    assert!(matches!(error, WorkerError::OutOfMemory { .. }), "{error}");
}

#[tokio::test]
async fn images_that_cannot_be_read_are_named_and_the_child_lives_on() {
    let Some(config) = config() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let (package, mut files) = (package(folder.path(), "bright"), series(folder.path()));
    let pool = Pool::new(config);
    let broken = folder.path().join("broken.dcm");
    let whole = fs::read(&files[3].path).expect("file");
    fs::write(&broken, &whole[..whole.len() / 2]).expect("broken");
    let good = std::mem::replace(&mut files[3].path, broken);
    let error = pool.analyse(&package, files.clone()).await.expect_err("broken");
    let said = error.to_string();
    assert!(
        matches!(error, WorkerError::Refused(Refusal::Images { .. })),
        "{said}"
    );
    assert!(said.contains(&files[3].id.to_string()), "{said}");
    files[3].path = good;
    let before = pool.processes().await;
    pool.analyse(&package, files).await.expect("read");
    assert_eq!(pool.processes().await, before, "the same child");
}

#[tokio::test]
async fn what_the_pixels_must_show_holds_for_stacks_and_for_images() {
    let Some(config) = config() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let files = series(folder.path());
    let pool = Pool::new(config);
    let stack = [("[input]", "[quality.pixels]\nshows = \"head\"\n\n[input]")];
    let images = [
        (
            "[input]",
            "[quality.pixels]\nradiograph = { frontal = true }\n\n[input]",
        ),
        ("kind = \"volume\"", "kind = \"image\""),
        ("total_ml = 1.0\nlargest_component_ml = 0.5", "total_mm2 = 1.0"),
        (
            "[quantification]\noutput = \"output\"\nmeasure = [\"volume_planimetric\", \"volume_abc2\", \
             \"largest_diameter\", \"components\"]\nmin_component_ml = 0.1\n",
            "",
        ),
    ];
    for (name, changes, code) in [
        ("stack", &stack[..], QualityCode::BodyPart),
        ("images", &images[..], QualityCode::View),
    ] {
        let own = folder.path().join(name);
        fs::create_dir(&own).expect("folder");
        let package = changed_package(&own, "bright", changes);
        let refused = pool.analyse(&package, files.clone()).await.expect_err(name);
        let WorkerError::Refused(Refusal::Quality { reasons }) = refused else {
            panic!("{name}: {refused}");
        };
        assert_eq!(reasons[0].code, code, "{name}: {}", reasons[0].text);
    }
}

/// The process of the routine model is halted in the middle of a run: the urgent run ends nevertheless, and the routine one
/// after it.
#[tokio::test(flavor = "multi_thread")]
async fn an_urgent_run_never_waits_for_a_routine_one() {
    let Some(config) = config() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let files = series(folder.path());
    let urgent = package(folder.path(), "bright");
    let other = folder.path().join("other");
    fs::create_dir(&other).expect("folder");
    let changes = [("schema = 1", "schema = 1\nurgency = \"routine\"")];
    let routine = changed_package(&other, "bright", &changes);
    let pool = Arc::new(Pool::new(config));
    pool.load(&routine).await.expect("routine model");
    let [None, Some(child), None] = pool.processes().await else {
        panic!("the routine model has a process of its own");
    };
    let signal = |signal| {
        let child = rustix::process::Pid::from_raw(child as i32).expect("a process");
        rustix::process::kill_process(child, signal).expect("a signal");
    };
    signal(rustix::process::Signal::STOP);
    let waiting = {
        let (pool, files) = (pool.clone(), files.clone());
        tokio::spawn(async move { pool.analyse(&routine, files).await })
    };
    let first = pool.analyse(&urgent, files).await.expect("urgent run");
    assert!(!first.analysis.findings.is_empty());
    assert!(!waiting.is_finished());
    signal(rustix::process::Signal::CONT);
    waiting.await.expect("task").expect("routine run");
}

#[tokio::test]
async fn unfit_models_and_libraries_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("folder");
    for (name, says) in [
        ("outside", "external data"),
        ("foreign", "operator domain `com.example`"),
    ] {
        let error = package(folder.path(), name).network().expect_err(name);
        let PackageError::Preflight { source, .. } = error else {
            panic!("{error}")
        };
        assert!(source.to_string().contains(says), "{source}");
    }
    let changed = package(folder.path(), "bright");
    fs::write(changed.folder.join("model.onnx"), b"other").expect("write");
    assert!(matches!(changed.network(), Err(PackageError::Hash { .. })));

    let Some(config) = config() else { return };
    let wrong = PoolConfig {
        library: Ok(config.program.clone()),
        ..config
    };
    let error = Pool::new(wrong)
        .load(&changed)
        .await
        .expect_err("not a library")
        .to_string();
    assert!(
        error.contains("OrtGetApiBase") || error.contains("shared library"),
        "{error}"
    );
}
