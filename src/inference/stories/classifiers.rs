//! Classifiers of slices: three windows as channels, three slices as channels, and what becomes of a study.

use super::onnx_file::{Graph, Type, int, ints};
use super::scene::{Ball, stacks};
use super::{Exam, Story};

const BALL: Ball = Ball {
    centre: [4.0, -6.0, 9.0],
    radius: 14.0,
};
const WINDOWS: [[f64; 2]; 3] = [[40.0, 80.0], [80.0, 200.0], [600.0, 2800.0]];
/// From the means of three channels to the logits of two classes.
const WEIGHTS: [f32; 6] = [9.0, -3.0, 4.0, 2.0, -6.0, 8.0];
const BIAS: [f32; 2] = [-1.0, 0.5];

fn story(input: &str, aggregate: &str) -> Story {
    let outputs = format!(
        "[[outputs]]\nname = \"output\"\nkind = \"classification\"\nactivation = \"sigmoid\"\nclasses = [\"a\", \"b\"]\n\
         threshold = 0.5\naggregate = {aggregate}\n"
    );
    Story {
        input: input.to_owned(),
        outputs,
        findings: include_str!("two_findings.toml"),
        memory_mb: 512,
    }
}

/// Means of the channels, then one layer.
fn network(pool: &str) -> Graph {
    Graph::default()
        .input("input", &[None, Some(3), None, None])
        .node(
            pool,
            &["input"],
            "pooled",
            &[ints("axes", &[2, 3]), int("keepdims", 0)],
        )
        .floats("weights", &[3, 2], &WEIGHTS)
        .floats("bias", &[2], &BIAS)
        .node("MatMul", &["pooled", "weights"], "product", &[])
        .node("Add", &["product", "bias"], "output", &[])
        .output("output", Type::F32, &[None, Some(2)])
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Scores of both classes for each slice, from the channels' pooled values.
fn scores(pooled: &[[f64; 3]]) -> Vec<[f64; 2]> {
    let logit = |channels: &[f64; 3], class: usize| {
        let products = (0..3).map(|c| channels[c] * f64::from(WEIGHTS[2 * c + class]));
        products.sum::<f64>() + f64::from(BIAS[class])
    };
    pooled
        .iter()
        .map(|channels| [0, 1].map(|class| sigmoid(logit(channels, class))))
        .collect()
}

fn windowed(value: i16, [centre, width]: [f64; 2]) -> f64 {
    ((f64::from(value) - (centre - width / 2.0)) / width).clamp(0.0, 1.0)
}

#[test]
fn windows_as_channels_become_slices_and_slices_a_study() {
    let stack = stacks()[0].1;
    let volume = stack.scan(&[BALL]);
    let plane = stack.side * stack.side;
    let mean = |slice: &[i16], window| slice.iter().map(|v| windowed(*v, window)).sum::<f64>() / plane as f64;
    let pooled: Vec<[f64; 3]> = volume
        .voxels
        .chunks_exact(plane)
        .map(|slice| WINDOWS.map(|window| mean(slice, window)))
        .collect();
    let input = include_str!("windows_input.toml");
    let exam = Exam::of_volume(volume);
    for (aggregate, of) in [
        (
            "{ by = \"max\" }",
            (|s| s.iter().copied().fold(0.0, f64::max)) as fn(&[f64]) -> f64,
        ),
        ("{ by = \"mean\" }", |s| s.iter().sum::<f64>() / s.len() as f64),
        ("{ by = \"noisy_or\" }", |s| {
            1.0 - s.iter().map(|p| 1.0 - p).product::<f64>()
        }),
        ("{ by = \"top_k_mean\", k = 3 }", |s| {
            let mut sorted = s.to_vec();
            sorted.sort_by(f64::total_cmp);
            sorted.iter().rev().take(3).sum::<f64>() / 3.0
        }),
    ] {
        let Some(told) = story(input, aggregate).tell(&network("ReduceMean"), &exam) else {
            return;
        };
        for (class, name) in ["a", "b"].iter().enumerate() {
            let slices: Vec<f64> = scores(&pooled).iter().map(|both| both[class]).collect();
            let (found, expected) = (f64::from(told.score(name)), of(&slices));
            assert!(
                (found - expected).abs() < 1e-4,
                "{aggregate} {name}: {found}, not {expected}"
            );
            let finding = &told.found.findings[class];
            let from = [0.5, 0.9][class];
            assert_eq!(finding.flagged, found >= from, "{aggregate} {name}: {found}");
            assert_eq!(finding.operating_point, format!("score ≥ {from}"));
        }
    }
}

#[test]
fn neighbours_as_channels_are_the_slices_beside_and_repeat_at_the_ends() {
    let stack = stacks()[0].1;
    let low = Ball {
        centre: [0.0, 0.0, -34.0],
        ..BALL
    };
    let volume = stack.scan(&[low]);
    let plane = stack.side * stack.side;
    let brightest: Vec<f64> = volume
        .voxels
        .chunks_exact(plane)
        .map(|slice| windowed(slice.iter().copied().max().unwrap_or(0), [50.0, 100.0]))
        .collect();
    let last = brightest.len() - 1;
    let pooled: Vec<[f64; 3]> = (0..brightest.len())
        .map(|k| [k.saturating_sub(1), k, (k + 1).min(last)].map(|k| brightest[k]))
        .collect();
    assert!(
        pooled.iter().any(|p| p[0] != p[2]),
        "a slice at the edge of the ball"
    );
    let input = include_str!("neighbours_input.toml");
    let exam = Exam::of_volume(volume);
    let Some(told) = story(input, "{ by = \"noisy_or\" }").tell(&network("ReduceMax"), &exam) else {
        return;
    };
    for (class, name) in ["a", "b"].iter().enumerate() {
        let none = scores(&pooled)
            .iter()
            .map(|both| 1.0 - both[class])
            .product::<f64>();
        let found = f64::from(told.score(name));
        assert!(
            (found - (1.0 - none)).abs() < 1e-4,
            "{name}: {found}, not {}",
            1.0 - none
        );
    }
}
