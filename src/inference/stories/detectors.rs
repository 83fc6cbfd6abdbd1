//! Detectors: one that frames what is bright on each slice, in every format of boxes, and one with many boxes to choose from.

use super::onnx_file::{Graph, Type, int, ints};
use super::scene::{Ball, distance, stacks};
use super::{Exam, Story};
use crate::answers::Verdict;
use crate::exam::plain_geometry;
use tocsin_domain::code;
use tocsin_domain::volume::Volume;

const SIDE: usize = 64;

/// Resampled, cropped about the bright part and of another size than the series: boxes must find their way back.
const INPUT: &str = "kind = \"volume\"\nname = \"input\"\nlayout = \"NCHW\"\nbatch = 4\noperations = [\n\
    { op = \"modality_lut\" },\n\
    { op = \"resample\", spacing_mm = [3.0, 0.75, 0.75], slices = \"keep\", plane = \"bilinear\" },\n\
    { op = \"crop_foreground\", above = 50.0, size = [64, 64], fill = 0.0 },\n\
    { op = \"window\", window = [50.0, 100.0] },\n]\n";

fn outputs(activation: &str, classes: &str, boxes: &str) -> String {
    format!(
        "[[outputs]]\nname = \"boxes\"\nkind = \"detection\"\nactivation = \"{activation}\"\nclasses = {classes}\n\
         threshold = 0.3\nboxes = {{ scores = \"scores\", {boxes} }}\n"
    )
}

fn story(input: &str, outputs: String) -> Story {
    Story {
        input: input.to_owned(),
        outputs,
        findings: include_str!("nodule_by_score.toml"),
        memory_mb: 512,
    }
}

/// Frames the pixels above one half: `[slice, 1, 4]` as edges, in pixels.
fn frame() -> Graph {
    let first = |axis, last| {
        [
            int("axis", axis),
            int("keepdims", 0),
            int("select_last_index", last),
        ]
    };
    let float = || [int("to", 1)];
    let mut graph = Graph::default()
        .input("input", &[None, Some(1), Some(SIDE), Some(SIDE)])
        .floats("half", &[1], &[0.5])
        .floats("one", &[1], &[1.0])
        .integers("unsqueezed", &[1], &[1])
        .node("Greater", &["input", "half"], "bright", &[])
        .node("Cast", &["bright"], "mask", &float())
        .node(
            "ReduceMax",
            &["mask"],
            "columns",
            &[ints("axes", &[2]), int("keepdims", 0)],
        )
        .node(
            "ReduceMax",
            &["mask"],
            "rows",
            &[ints("axes", &[3]), int("keepdims", 0)],
        );
    for (of, low, high) in [("columns", "left", "right"), ("rows", "top", "bottom")] {
        let (first_of, last_of, last_float) = (
            format!("{low}_index"),
            format!("{high}_index"),
            format!("{high}_last"),
        );
        graph = graph
            .node("ArgMax", &[of], &first_of, &first(2, 0))
            .node("ArgMax", &[of], &last_of, &first(2, 1))
            .node("Cast", &[&first_of], low, &float())
            .node("Cast", &[&last_of], &last_float, &float())
            .node("Add", &[&last_float, "one"], high, &[]);
    }
    graph
        .node(
            "ReduceMax",
            &["mask"],
            "best",
            &[ints("axes", &[2, 3]), int("keepdims", 0)],
        )
        .floats("share", &[1], &[0.0001])
        .node("ReduceSum", &["mask", "places"], "area", &[int("keepdims", 0)])
        .integers("places", &[2], &[2, 3])
        .node("Mul", &["area", "share"], "by_area", &[])
        .floats("most", &[1], &[0.6])
        .node("Mul", &["best", "most"], "seen", &[])
        .node("Add", &["seen", "by_area"], "scores", &[])
        .output("scores", Type::F32, &[None, Some(1)])
}

/// Appends the four values in this order, divided by the side where normalised.
fn formatted(graph: Graph, format: &str, unit: &str) -> Graph {
    let graph = match format {
        "xyxy" => graph.node(
            "Concat",
            &["left", "top", "right", "bottom"],
            "flat",
            &[int("axis", 1)],
        ),
        _ => graph
            .node("Add", &["left", "right"], "x2", &[])
            .node("Add", &["top", "bottom"], "y2", &[])
            .node("Mul", &["x2", "half"], "x", &[])
            .node("Mul", &["y2", "half"], "y", &[])
            .node("Sub", &["right", "left"], "w", &[])
            .node("Sub", &["bottom", "top"], "h", &[])
            .node("Concat", &["x", "y", "w", "h"], "flat", &[int("axis", 1)]),
    };
    let graph = match unit {
        "pixels" => graph.node("Unsqueeze", &["flat", "unsqueezed"], "boxes", &[]),
        _ => graph
            .floats("side", &[1], &[SIDE as f32])
            .node("Div", &["flat", "side"], "shares", &[])
            .node("Unsqueeze", &["shares", "unsqueezed"], "boxes", &[]),
    };
    graph.output("boxes", Type::F32, &[None, Some(1), Some(4)])
}

const BALL: Ball = Ball {
    centre: [6.0, -5.0, 4.0],
    radius: 10.0,
};

#[test]
fn a_ball_is_framed_where_it_is_however_the_slices_lie() {
    for (n, (name, stack)) in stacks().into_iter().enumerate() {
        let format = ["xyxy", "cxcywh"][n % 2];
        let unit = ["pixels", "normalised"][n / 2 % 2];
        let boxes = format!("format = \"{format}\", unit = \"{unit}\", join_slices = 0.5, max_boxes = 50");
        let story = story(INPUT, outputs("none", "[\"nodule\"]", &boxes));
        let exam = Exam::of_volume(stack.scan(&[BALL]));
        let Some(told) = story.tell(&formatted(frame(), format, unit), &exam) else {
            return;
        };
        let finding = &told.found.findings[0];
        assert!(finding.flagged, "{name}");
        assert_eq!(finding.operating_point, "best score ≥ 0.6");
        assert_eq!(finding.lesions.len(), 1, "{name}: slices were joined");
        let lesion = &finding.lesions[0];
        let off = distance(lesion.centre_mm.expect("a place"), BALL.centre);
        assert!(off < stack.voxel(), "{name}: {off} mm off");
        for measurement in &lesion.measurements {
            let off = (measurement.value - 2.0 * BALL.radius).abs();
            assert!(off < 2.0, "{name}: {measurement:?}");
        }
        assert!(lesion.measurements[0].code.is(&code::LONG_AXIS));
        assert!(lesion.measurements[1].code.is(&code::SHORT_AXIS));
        let Verdict::Lesions { kept, left_out: 0 } = &told.class("nodule").verdict else {
            panic!("lesions")
        };
        let geometry = &exam.parts[0].volume.geometry;
        assert_eq!(
            lesion.key_instance.as_ref(),
            Some(&geometry.instance_uids[kept[0].slice])
        );
        let height = (kept[0].slices[1] - kept[0].slices[0] + 1) as f64 * 3.0;
        assert!((height - 20.0).abs() <= 6.0, "{name}: {height} mm");
    }
}

#[test]
fn without_joining_each_box_is_a_lesion_and_their_number_is_bounded() {
    let boxes = "format = \"xyxy\", unit = \"pixels\", max_boxes = 3";
    let story = story(INPUT, outputs("none", "[\"nodule\"]", boxes));
    let exam = Exam::of_volume(stacks()[0].1.scan(&[BALL]));
    let Some(told) = story.tell(&formatted(frame(), "xyxy", "pixels"), &exam) else {
        return;
    };
    assert_eq!(told.found.findings[0].lesions.len(), 3);
    assert_eq!(
        told.found.limitations,
        ["7 boxes were found, the 3 best are kept"]
    );
}

/// The same boxes on whatever image: `[box, 4]`, with whole numbers as labels if asked for.
fn fixed(boxes: &[[f32; 4]], scores: &[f32], labels: Option<&[i64]>) -> Graph {
    let k = boxes.len();
    let graph = Graph::default()
        .input("input", &[Some(1), Some(1), Some(SIDE), Some(SIDE)])
        .floats("all_boxes", &[k, 4], &boxes.concat())
        .floats("all_scores", &[k], scores)
        .node("Identity", &["all_boxes"], "boxes", &[])
        .node("Identity", &["all_scores"], "scores", &[])
        .output("boxes", Type::F32, &[None, Some(4)])
        .output("scores", Type::F32, &[None]);
    match labels {
        None => graph,
        Some(labels) => graph
            .integers("all_labels", &[k], labels)
            .node("Identity", &["all_labels"], "labels", &[])
            .output("labels", Type::I64, &[None]),
    }
}

const ALONE: &str = "kind = \"image\"\nname = \"input\"\nlayout = \"NCHW\"\nbatch = 1\noperations = [\n\
    { op = \"modality_lut\" },\n\
    { op = \"resize\", size = [64, 64], plane = \"area\", fit = \"letterbox\" },\n]\n";

/// Scores that kept boxes have, by class.
fn kept(boxes: &str, graph: &Graph) -> Option<[Vec<f32>; 2]> {
    let geometry = plain_geometry([1, 128, 64], [0.2, 0.2, 0.2]);
    let voxels = vec![0; geometry.len()];
    let exam = Exam::of_images(&Volume { geometry, voxels });
    let told = story(ALONE, outputs("none", "[\"nodule\", \"mass\"]", boxes)).tell(graph, &exam)?;
    Some(["nodule", "mass"].map(|class| match &told.class(class).verdict {
        Verdict::Lesions { kept, .. } => kept.iter().map(|one| one.score).collect(),
        other => panic!("{other:?}"),
    }))
}

#[test]
fn of_overlapping_boxes_of_one_class_the_best_stays() {
    let boxes = [
        [20.0, 10.0, 30.0, 20.0],
        [21.0, 10.0, 31.0, 20.0],
        [26.0, 10.0, 36.0, 20.0],
        [20.0, 10.0, 30.0, 20.0],
        [20.0, 40.0, 30.0, 50.0],
        [20.0, 40.0, 20.0, 50.0],
    ];
    let scores = [0.8, 0.9, 0.7, 0.6, 0.2, 0.95];
    let graph = fixed(&boxes, &scores, Some(&[1, 1, 1, 2, 1, 1]));
    let read = "labels = \"labels\", first_label = 1, format = \"xyxy\", unit = \"pixels\", max_boxes = 9";
    let Some(all) = kept(read, &graph) else { return };
    // 0.2 is below the threshold, the last one has no area.
    assert_eq!(all, [vec![0.9, 0.8, 0.7], vec![0.6]]);
    let suppressed = format!("{read}, iou = 0.5");
    assert_eq!(kept(&suppressed, &graph), Some([vec![0.9, 0.7], vec![0.6]]));
    let background = read.replace("first_label = 1", "first_label = 2");
    let graph = fixed(&boxes[..2], &scores[..2], Some(&[1, 2]));
    assert_eq!(kept(&background, &graph), Some([vec![0.9], vec![]]));
}

#[test]
fn a_box_on_a_letterboxed_image_is_where_it_was_before() {
    // 128 × 64 pixels into 64 × 64: a step of 2, and 16 pixels of fill left and right.
    let geometry = plain_geometry([1, 128, 64], [1.0, 0.2, 0.25]);
    let voxels = vec![0; geometry.len()];
    let exam = Exam::of_images(&Volume { geometry, voxels });
    let boxes = "format = \"xyxy\", unit = \"pixels\", max_boxes = 9";
    let graph = fixed(&[[20.0, 10.0, 30.0, 40.0]], &[0.8], None);
    let Some(told) = story(ALONE, outputs("none", "[\"nodule\"]", boxes)).tell(&graph, &exam) else {
        return;
    };
    let Verdict::Lesions { kept, .. } = &told.class("nodule").verdict else {
        panic!("lesions")
    };
    assert_eq!((kept[0].columns, kept[0].rows), ([7.5, 27.5], [19.5, 79.5]));
    let lesion = &told.found.findings[0].lesions[0];
    let axes: Vec<f64> = lesion.measurements.iter().map(|m| m.value).collect();
    assert_eq!((axes, lesion.centre_mm), (vec![12.0, 5.0], None));
    assert!(
        told.found.limitations[0].contains("magnified"),
        "{:?}",
        told.found.limitations
    );
}
