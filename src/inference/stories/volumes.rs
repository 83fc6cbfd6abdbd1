//! Networks of three axes under a sliding window: what they mark lies where it is in the patient, however the slices lie, and
//! windows are blended as written.

use super::onnx_file::{Graph, Type};
use super::scene::{Ball, centroid, distance, stacks};
use super::{Exam, Story};
use crate::answers::Verdict;
use crate::exam::plain_geometry;
use crate::golden::volume_ml;
use crate::network::NetworkError;
use tocsin_domain::code;
use tocsin_domain::volume::Volume;

const BALL: Ball = Ball {
    centre: [5.0, -4.0, 7.0],
    radius: 13.0,
};
const SIZE: [usize; 3] = [8, 24, 24];

fn story(spacing: &str, blend: &str, activation: &str) -> Story {
    let input = format!(
        "kind = \"volume\"\nname = \"input\"\nlayout = \"NCDHW\"\nbatch = 3\noperations = [\n\
         {{ op = \"modality_lut\" }},\n{spacing}\
         {{ op = \"window\", window = [50.0, 100.0] }},\n\
         {{ op = \"sliding_window\", size = [8, 24, 24], overlap = 0.5, blend = \"{blend}\" }},\n]\n"
    );
    let outputs = format!(
        "[[outputs]]\nname = \"output\"\nkind = \"segmentation\"\nactivation = \"{activation}\"\nclasses = [\"ball\"]\n\
         threshold = 0.5\n"
    );
    Story {
        input,
        outputs,
        findings: include_str!("ball_by_volume.toml"),
        memory_mb: 512,
    }
}

const TO_MM: &str =
    "{ op = \"resample\", spacing_mm = [2.0, 1.5, 1.5], slices = \"linear\", plane = \"bilinear\" },\n";

/// A window as input and output.
fn window(name: &str, graph: Graph) -> Graph {
    let axes = [None, Some(1), Some(SIZE[0]), Some(SIZE[1]), Some(SIZE[2])];
    graph.input("input", &axes).output(name, Type::F32, &axes)
}

/// Logit 20 (v − ½): half way between outside and inside lies the border.
fn brightness() -> Graph {
    window("output", Graph::default())
        .floats("half", &[1], &[0.5])
        .floats("steep", &[1], &[20.0])
        .node("Sub", &["input", "half"], "above", &[])
        .node("Mul", &["above", "steep"], "output", &[])
}

#[test]
fn a_ball_is_found_where_it_is_however_the_slices_lie() {
    let truth = 4.0 / 3.0 * std::f64::consts::PI * BALL.radius.powi(3) / 1000.0;
    for (name, stack) in stacks() {
        let exam = Exam::of_volume(stack.scan(&[BALL]));
        let Some(told) = story(TO_MM, "gaussian", "sigmoid").tell(&brightness(), &exam) else {
            return;
        };
        let Verdict::Masks(masks) = &told.class("ball").verdict else {
            panic!("a mask")
        };
        let geometry = &exam.parts[0].volume.geometry;
        let off = distance(centroid(geometry, &masks[0].voxels), BALL.centre);
        assert!(off < stack.voxel() / 2.0, "{name}: {off} mm off");
        let volume = volume_ml(&masks[0], geometry);
        assert!(
            (volume / truth - 1.0).abs() < 0.08,
            "{name}: {volume} mL, not {truth}"
        );
        // The border: no voxel further than one voxel from where it belongs.
        let plane = geometry.rows * geometry.columns;
        for (n, voxel) in masks[0].voxels.iter().enumerate() {
            let at = geometry.patient(
                n / plane,
                (n % plane / geometry.columns) as f64,
                (n % geometry.columns) as f64,
            );
            let beyond = distance(at, BALL.centre) - BALL.radius;
            let wrong = (*voxel == 1) != (beyond <= 0.0);
            assert!(
                !wrong || beyond.abs() < stack.voxel(),
                "{name}: voxel {n} is {beyond} mm beyond the ball"
            );
        }
        let finding = &told.found.findings[0];
        let measured = finding.measurement(&code::VOLUME).expect("volume").value;
        assert!(
            finding.flagged && (measured - volume).abs() < 0.01,
            "{name}: {measured}"
        );
    }
}

#[test]
fn on_the_grid_of_the_series_a_mask_is_the_threshold_itself() {
    let stack = stacks()[0].1;
    let exam = Exam::of_volume(stack.scan(&[BALL]));
    for blend in ["mean", "gaussian"] {
        let Some(told) = story("", blend, "sigmoid").tell(&brightness(), &exam) else {
            return;
        };
        let Verdict::Masks(masks) = &told.class("ball").verdict else {
            panic!("a mask")
        };
        let expected: Vec<u8> = exam.parts[0]
            .volume
            .voxels
            .iter()
            .map(|v| u8::from(*v > 50))
            .collect();
        assert!(masks[0].voxels == expected, "{blend}");
    }
}

/// The value of a place depends on where it lies in its window, so that the blend shows.
fn ramp() -> (Vec<f32>, Graph) {
    let ramp: Vec<f32> = (0..SIZE.iter().product())
        .map(|n| (n % 97) as f32 / 97.0)
        .collect();
    let graph = window("output", Graph::default())
        .floats("ramp", &[1, 1, SIZE[0], SIZE[1], SIZE[2]], &ramp)
        .floats("none", &[1], &[0.0])
        .node("Mul", &["input", "none"], "nothing", &[])
        .node("Add", &["nothing", "ramp"], "output", &[]);
    (ramp, graph)
}

/// Mean over all places of Σ weight × ramp / Σ weight, each place by itself.
fn reference(ramp: &[f32], grid: [usize; 3], gaussian: bool) -> f64 {
    let begins = |grid: usize, size: usize| -> Vec<isize> {
        if grid < size {
            return vec![-(((size - grid) / 2) as isize)];
        }
        let mut begins: Vec<isize> = (0..)
            .map(|n| n * size / 2)
            .take_while(|b| b + size < grid)
            .map(|b| b as isize)
            .collect();
        begins.push((grid - size) as isize);
        begins
    };
    let bell = |i: isize, size: usize| {
        let (x, deviation) = (i as f64 - (size as f64 - 1.0) / 2.0, size as f64 / 8.0);
        (-x * x / (2.0 * deviation * deviation)).exp()
    };
    let begins = [0, 1, 2].map(|axis: usize| begins(grid[axis], SIZE[axis]));
    let place = |at: [usize; 3]| {
        let (mut sum, mut weights) = (0.0, 0.0);
        for k in &begins[0] {
            for r in &begins[1] {
                for c in &begins[2] {
                    let own = [at[0] as isize - k, at[1] as isize - r, at[2] as isize - c];
                    if own
                        .iter()
                        .zip(SIZE)
                        .any(|(i, size)| *i < 0 || *i >= size as isize)
                    {
                        continue;
                    }
                    let product = own
                        .iter()
                        .zip(SIZE)
                        .map(|(i, size)| bell(*i, size))
                        .product::<f64>();
                    let weight = if gaussian { product.max(1e-3) } else { 1.0 };
                    let index = (own[0] as usize * SIZE[1] + own[1] as usize) * SIZE[2] + own[2] as usize;
                    sum += weight * f64::from(ramp[index]);
                    weights += weight;
                }
            }
        }
        sum / weights
    };
    let total: usize = grid.iter().product();
    let at = |n: usize| [n / (grid[1] * grid[2]), n / grid[2] % grid[1], n % grid[2]];
    (0..total).map(|n| place(at(n))).sum::<f64>() / total as f64
}

#[test]
fn windows_are_blended_by_their_weights() {
    let (ramp, graph) = ramp();
    for grid in [[13, 40, 30], [5, 24, 20]] {
        let geometry = plain_geometry(grid, [1.0; 3]);
        let voxels = vec![0; geometry.len()];
        let exam = Exam::of_volume(Volume { geometry, voxels });
        for (blend, gaussian) in [("mean", false), ("gaussian", true)] {
            let Some(told) = story("", blend, "none").tell(&graph, &exam) else {
                return;
            };
            let (found, expected) = (told.class("ball").mean_score, reference(&ramp, grid, gaussian));
            assert!(
                (found - expected).abs() < 1e-4,
                "{grid:?} {blend}: {found}, not {expected}"
            );
        }
    }
}

#[test]
fn a_grid_that_the_limits_do_not_hold_is_refused_before_it_is_made() {
    let fine =
        "{ op = \"resample\", spacing_mm = [0.1, 0.1, 0.1], slices = \"linear\", plane = \"bilinear\" },\n";
    let Some(opened) = story(fine, "mean", "sigmoid").open(&brightness()) else {
        return;
    };
    let exam = Exam::of_volume(stacks()[0].1.scan(&[BALL]));
    let error = opened.expect("opens").run(&exam).expect_err("too large");
    assert!(
        matches!(
            error,
            NetworkError::TooLarge {
                grid: [720, 640, 800],
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("limits.memory_mb is 512"), "{error}");
}
