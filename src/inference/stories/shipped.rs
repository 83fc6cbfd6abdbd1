//! The packages in `models/` beside the phantoms that they are made for: every manifest is valid, and what it asks of pixels
//! holds for those phantoms and not for other parts of the body.

use std::path::{Path, PathBuf};

use tocsin_domain::admit::{QualityCode, QualityReason};
use tocsin_domain::inspect::{CtSeen, XraySeen};
use tocsin_domain::volume::Volume;
use tocsin_imaging::phantom::chest_xray::{ChestXraySpec, chest_xray};
use tocsin_imaging::phantom::{
    CtaFinding, CtaHeadSpec, CtpaSpec, IschaemiaFinding, IschaemiaSpec, PeFinding, cta_head, ctpa, ischaemia,
};

use crate::manifest::Manifest;

const MATRIX: usize = 128;

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models")
}

fn shipped(name: &str) -> Manifest {
    let path = models().join(name).join("manifest.toml");
    let text = std::fs::read_to_string(&path).expect("a manifest");
    Manifest::parse(&text, name).expect("valid")
}

fn breaches(name: &str, volume: &Volume) -> Vec<QualityReason> {
    shipped(name).quality.pixels.breaches(&CtSeen::of(volume, 2))
}

fn head(seed: u64) -> Volume {
    let mut spec = IschaemiaSpec::new(seed, IschaemiaFinding::Any);
    (spec.head.matrix, spec.head.slice_mm) = (MATRIX, Some(2.5));
    ischaemia(&spec).volume
}

fn head_angiogram(seed: u64) -> Volume {
    let spec = CtaHeadSpec {
        // Arteries of two or three millimetres fade in larger pixels.
        matrix: 2 * MATRIX,
        slice_mm: Some(1.25),
        ..CtaHeadSpec::new(seed, CtaFinding::Any)
    };
    cta_head(&spec).volume
}

fn chest_angiogram(seed: u64) -> Volume {
    let spec = CtpaSpec {
        matrix: MATRIX,
        slice_mm: Some(2.5),
        ..CtpaSpec::new(seed, PeFinding::Any)
    };
    ctpa(&spec).volume
}

#[test]
fn every_shipped_manifest_is_valid() {
    let folders = std::fs::read_dir(models()).expect("the folder");
    let names: Vec<String> = folders
        .filter_map(|entry| {
            let path = entry.expect("an entry").path();
            path.join("manifest.toml")
                .exists()
                .then(|| path.file_name().expect("a name").to_string_lossy().into_owned())
        })
        .collect();
    for name in &names {
        assert_eq!(&shipped(name).identity.name, name);
    }
    assert!(names.len() >= 6, "{names:?}");
}

#[test]
fn shipped_packages_read_the_computed_tomography_of_their_phantoms() {
    for seed in 1..=3 {
        for (name, volume) in [
            ("ischaemia", head(seed)),
            ("lvo", head_angiogram(seed)),
            ("pe", chest_angiogram(seed)),
        ] {
            let found = breaches(name, &volume);
            assert!(found.is_empty(), "{name}, seed {seed}: {found:?}");
        }
    }
}

#[test]
fn shipped_packages_refuse_another_part_of_the_body() {
    let codes = |name, volume: &Volume| -> Vec<QualityCode> {
        breaches(name, volume)
            .into_iter()
            .map(|reason| reason.code)
            .collect()
    };
    let (plain, chest) = (head(1), chest_angiogram(1));
    assert!(codes("pe", &plain).contains(&QualityCode::BodyPart));
    assert!(codes("lvo", &chest).contains(&QualityCode::BodyPart));
}

#[test]
fn shipped_packages_read_the_radiographs_of_their_phantoms() {
    for seed in 1..=6 {
        let image = chest_xray(&ChestXraySpec {
            matrix: 256,
            ..ChestXraySpec::mixed(seed)
        });
        let values: Vec<i16> = image.dark_low().iter().map(|value| *value as i16).collect();
        let seen = XraySeen::of(image.rows, image.columns, &values);
        for name in ["ptx", "nodule"] {
            let limits = shipped(name).quality.pixels.radiograph.expect("limits");
            let found = limits.breaches(&seen);
            assert!(found.is_empty(), "{name}, seed {seed}: {found:?}");
        }
    }
}
