//! Golden cases: stored inputs with the figures that a model must give for them, run whenever the model is loaded. A model
//! that gives other figures is another model, whatever its hash.

use std::io::Read;

use flate2::read::GzDecoder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tocsin_domain::volume::{Geometry, Mask, Volume, marked};

use super::answers::{ClassAnswer, Verdict};
use super::exam::{Exam, plain_geometry};
use super::manifest::{GoldenCase, GoldenExpectation, GoldenFigure, InputKind};
use super::network::{Network, NetworkError, Run};
use super::package::{PackageError, checked};

/// Largest stored and unpacked case, bytes.
const MAX_CASE: u64 = 64 << 20;
const MAX_UNPACKED: u64 = 512 << 20;

/// How one figure of one case came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GoldenReport {
    pub case: String,
    pub output: String,
    pub class: String,
    pub figure: GoldenFigure,
    pub expected: f64,
    pub tolerance: f64,
    pub found: f64,
    pub passed: bool,
}

/// Why a case could not be run.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    #[error("golden case `{case}` cannot be read")]
    File {
        case: String,
        #[source]
        source: PackageError,
    },
    #[error("golden case `{case}` is not a gzipped NumPy array of <i2 [slice, row, column]: {reason}")]
    Array { case: String, reason: String },
    #[error("golden case `{case}` could not be run")]
    Run {
        case: String,
        #[source]
        source: NetworkError,
    },
}

/// Runs every golden case of a network.
pub fn run_all(network: &mut Network) -> Result<Vec<GoldenReport>, GoldenError> {
    let cases = network.package.manifest.golden.clone();
    let mut reports = Vec::new();
    for case in &cases {
        let exam = load(network, case)?;
        let failed = |source| GoldenError::Run {
            case: case.name.clone(),
            source,
        };
        let run = network.run(&exam).map_err(failed)?;
        reports.extend(
            case.expect
                .iter()
                .map(|expectation| judge(case, expectation, &run, &exam)),
        );
    }
    Ok(reports)
}

fn judge(case: &GoldenCase, expectation: &GoldenExpectation, run: &Run, exam: &Exam) -> GoldenReport {
    let output = run
        .answers
        .iter()
        .find(|output| output.name == expectation.output);
    let class = output.and_then(|output| {
        output
            .classes
            .iter()
            .find(|class| class.class == expectation.class)
    });
    // A figure that does not exist never passes.
    let found = class.map_or(f64::NAN, |class| figure(class, expectation.figure, exam));
    GoldenReport {
        case: case.name.clone(),
        output: expectation.output.clone(),
        class: expectation.class.clone(),
        figure: expectation.figure,
        expected: expectation.value,
        tolerance: expectation.tolerance,
        found,
        passed: (found - expectation.value).abs() <= expectation.tolerance,
    }
}

fn figure(class: &ClassAnswer, figure: GoldenFigure, exam: &Exam) -> f64 {
    match (figure, &class.verdict) {
        (GoldenFigure::MeanScore, _) => class.mean_score,
        (GoldenFigure::VolumeMl, Verdict::Masks(masks)) => masks
            .iter()
            .zip(exam.geometries())
            .map(|(mask, geometry)| volume_ml(mask, geometry))
            .sum(),
        (GoldenFigure::Score, Verdict::Score(score)) => f64::from(*score),
        (GoldenFigure::Score, Verdict::Lesions { kept, .. }) => {
            kept.first().map_or(0.0, |best| f64::from(best.score))
        }
        (GoldenFigure::Lesions, Verdict::Lesions { kept, left_out }) => (kept.len() + left_out) as f64,
        (GoldenFigure::VolumeMl | GoldenFigure::Lesions, Verdict::Score(_))
        | (GoldenFigure::VolumeMl, Verdict::Lesions { .. })
        | (GoldenFigure::Score | GoldenFigure::Lesions, Verdict::Masks(_)) => f64::NAN,
    }
}

/// Volume of a mask, mL.
pub fn volume_ml(mask: &Mask, geometry: &Geometry) -> f64 {
    let slices = mask
        .voxels
        .chunks_exact((geometry.rows * geometry.columns).max(1));
    let of = |(k, slice): (usize, &[u8])| marked(slice) as f64 * geometry.voxel_ml(k);
    slices.enumerate().map(of).sum()
}

fn load(network: &Network, case: &GoldenCase) -> Result<Exam, GoldenError> {
    let path = network.package.folder.join(&case.input);
    let stored = checked(&path, MAX_CASE, &case.sha256);
    let stored = stored.map_err(|source| GoldenError::File {
        case: case.name.clone(),
        source,
    })?;
    let volume = parse(&stored, case.spacing_mm).map_err(|reason| GoldenError::Array {
        case: case.name.clone(),
        reason,
    })?;
    Ok(match network.package.manifest.input.kind {
        InputKind::Volume => Exam::of_volume(volume),
        InputKind::Image => Exam::of_images(&volume),
    })
}

/// Reads a NumPy array (format 1 to 3) of little-endian 16-bit integers in C order.
fn parse(stored: &[u8], spacing: [f64; 3]) -> Result<Volume, String> {
    let mut bytes = Vec::new();
    let read = GzDecoder::new(stored).take(MAX_UNPACKED).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("no NumPy magic")?;
    let (length, start) = match rest {
        [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([*a, *b])), 4),
        [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 6),
        _ => return Err("unknown NumPy format".into()),
    };
    let header = rest.get(start..start + length).ok_or("the header is cut")?;
    let header = std::str::from_utf8(header).map_err(|error| error.to_string())?;
    if !header.contains("'<i2'") || !header.contains("'fortran_order': False") {
        return Err("not <i2 in C order".into());
    }
    let shape = header
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .ok_or("no shape")?
        .0;
    let sides: Vec<usize> = shape
        .split(',')
        .filter_map(|side| side.trim().parse().ok())
        .collect();
    let [slices, rows, columns] = sides.try_into().map_err(|_| "not three axes".to_owned())?;
    let data = &rest[start + length..];
    let expected = [rows, columns, 2]
        .iter()
        .try_fold(slices, |product: usize, side| product.checked_mul(*side));
    if expected != Some(data.len()) || data.is_empty() {
        return Err(format!(
            "{} bytes of data for {slices} × {rows} × {columns}",
            data.len()
        ));
    }
    let voxels = data
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    Ok(Volume {
        geometry: plain_geometry([slices, rows, columns], spacing),
        voxels,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(header: &str, data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let length = (header.len() as u16).to_le_bytes();
        let parts = [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), data];
        parts
            .iter()
            .for_each(|part| encoder.write_all(part).expect("write"));
        encoder.finish().expect("gzip")
    }

    #[test]
    fn an_array_is_read_as_numpy_wrote_it() {
        let header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 1, 2), }\n";
        let volume = parse(&gzip(header, &[1, 0, 0xff, 0xff, 3, 0, 4, 0]), [5.0, 0.5, 0.25]).expect("array");
        assert_eq!(volume.voxels, [1, -1, 3, 4]);
        assert_eq!(volume.geometry.offsets, [0.0, 5.0]);
        let mask = Mask {
            voxels: vec![1, 0, 1, 1],
        };
        assert!((volume_ml(&mask, &volume.geometry) - 3.0 * 5.0 * 0.125 / 1000.0).abs() < 1e-12);
    }

    #[test]
    fn another_array_is_refused() {
        for (header, says) in [
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2), }",
                "not <i2",
            ),
            (
                "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 2), }",
                "not three axes",
            ),
            (
                "{'descr': '<i2', 'fortran_order': False, 'shape': (9, 9, 9), }",
                "4 bytes of data for 9 × 9 × 9",
            ),
        ] {
            let said = parse(&gzip(header, &[0; 4]), [1.0; 3]).expect_err(header);
            assert!(said.contains(says), "{said}, not {says}");
        }
    }
}
