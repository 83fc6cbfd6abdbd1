//! Networks that are not what their manifest says: each is refused when it is opened or rehearsed, with the tensor, what was
//! found and what was expected.

use super::Story;
use super::onnx_file::{Graph, Type, int, ints};
use crate::child::cache::reason;
use crate::manifest::Manifest;

const SLICES: &str = "kind = \"volume\"\nname = \"input\"\nlayout = \"NCHW\"\nbatch = 4\noperations = [\n\
    { op = \"modality_lut\" },\n{ op = \"pad\", size = [32, 32], fill = 0.0 },\n{ op = \"window\", window = [0.0, 4000.0] },\n]\n";
const OPEN: &str = "kind = \"volume\"\nname = \"input\"\nlayout = \"NCHW\"\nbatch = 4\noperations = [\n\
    { op = \"modality_lut\" },\n{ op = \"window\", window = [0.0, 4000.0] },\n]\n";
const WINDOWS: &str = "kind = \"volume\"\nname = \"input\"\nlayout = \"NCDHW\"\nbatch = 1\noperations = [\n\
    { op = \"modality_lut\" },\n{ op = \"sliding_window\", size = [8, 16, 16], overlap = 0.5, blend = \"mean\" },\n]\n";
const CLASSES: &str = "[[outputs]]\nname = \"output\"\nkind = \"classification\"\nactivation = \"none\"\nclasses = [\"a\", \"b\"]\n\
    threshold = 0.5\naggregate = { by = \"max\" }\n";
const MASK: &str = "[[outputs]]\nname = \"output\"\nkind = \"segmentation\"\nactivation = \"none\"\nclasses = [\"ball\"]\n\
    threshold = 0.5\n";

fn story(input: &str, outputs: &str) -> Story {
    Story {
        input: input.into(),
        outputs: outputs.into(),
        findings: if outputs.contains("classification") {
            include_str!("two_findings.toml")
        } else if outputs.contains("detection") {
            include_str!("ball_by_score.toml")
        } else {
            include_str!("ball_by_volume.toml")
        },
        memory_mb: 512,
    }
}

fn said(input: &str, outputs: &str, graph: &Graph) -> Option<String> {
    let story = story(input, outputs);
    Some(match story.open(graph)? {
        Ok(_) => "accepted".into(),
        Err(error) => reason(&error),
    })
}

const FREE: Option<usize> = None;

fn one(of: usize) -> Option<usize> {
    Some(of)
}

/// A classifier that declares these axes; what it computes has two classes.
fn classifier(input: &[Option<usize>], output: &[Option<usize>]) -> Graph {
    Graph::default()
        .input("input", input)
        .node(
            "ReduceMean",
            &["input"],
            "mean",
            &[ints("axes", &[2, 3]), int("keepdims", 0)],
        )
        .node("Concat", &["mean", "mean"], "output", &[int("axis", 1)])
        .output("output", Type::F32, output)
}

const SLICE: [Option<usize>; 4] = [None, Some(1), Some(32), Some(32)];

/// Gives back what it is given.
fn same(axes: &[Option<usize>]) -> Graph {
    Graph::default()
        .input("input", axes)
        .node("Identity", &["input"], "output", &[])
        .output("output", Type::F32, axes)
}

fn check(what: &str, input: &str, outputs: &str, graph: &Graph, says: &str) {
    let Some(said) = said(input, outputs, graph) else {
        return;
    };
    assert!(said.contains(says), "{what}: {said}, not {says}");
}

#[test]
fn axes_that_do_not_fit_are_named_with_what_would() {
    let window = [FREE, one(1), one(8), one(16), one(16)];
    for (what, input, outputs, graph, says) in [
        ("as written", SLICES, MASK, same(&SLICE), "accepted"),
        ("three axes", WINDOWS, MASK, same(&window), "accepted"),
        (
            "rank",
            WINDOWS,
            MASK,
            same(&SLICE),
            "`input` is float32 [free, 1, 32, 32], expected float32 [1 or free, 1, 8, 16, 16]",
        ),
        (
            "channels",
            SLICES,
            MASK,
            same(&[FREE, one(3), one(32), one(32)]),
            "`input` is float32 [free, 3, 32, 32], expected float32 [free (input.batch is above 1), 1, 32, 32]",
        ),
        (
            "rows",
            SLICES,
            MASK,
            same(&[FREE, one(1), one(64), one(32)]),
            "`input` is float32 [free, 1, 64, 32]",
        ),
        (
            "a fixed batch",
            SLICES,
            MASK,
            same(&[one(4), one(1), one(32), one(32)]),
            "`input` is float32 [4, 1, 32, 32], expected float32 [free (input.batch is above 1)",
        ),
        (
            "fixed where the series decides",
            OPEN,
            MASK,
            same(&SLICE),
            "free (no operation gives it a size)",
        ),
    ] {
        check(what, input, outputs, &graph, says);
    }
}

#[test]
fn other_names_types_and_classes_are_refused() {
    let two = [FREE, one(2)];
    let good = classifier(&SLICE, &two);
    let labels = Graph::default()
        .input("input", &SLICE)
        .node(
            "ReduceMean",
            &["input"],
            "mean",
            &[ints("axes", &[2, 3]), int("keepdims", 0)],
        )
        .node("Cast", &["mean"], "output", &[int("to", 7)])
        .output("output", Type::I64, &[FREE, one(1)]);
    let three = CLASSES.replace("[\"a\", \"b\"]", "[\"a\", \"b\", \"c\"]");
    let input = SLICES.replace("\"input\"", "\"image\"");
    for (what, input, outputs, graph, says) in [
        ("as written", SLICES, CLASSES, &good, "accepted"),
        (
            "another input",
            &input,
            CLASSES,
            &good,
            "no single input `image`; it has [\"input\"]",
        ),
        (
            "no such output",
            SLICES,
            MASK,
            &same_as("mask"),
            "no output `output`; it has [\"mask\"]",
        ),
        (
            "classes",
            SLICES,
            &three,
            &good,
            "`output` is float32 [free, 2], expected float32 [free (input.batch is above 1), 3]",
        ),
        (
            "whole numbers",
            SLICES,
            CLASSES,
            &labels,
            "`output` is int64 [free, 1], expected float32",
        ),
    ] {
        check(what, input, outputs, graph, says);
    }
}

fn same_as(output: &str) -> Graph {
    Graph::default()
        .input("input", &SLICE)
        .node("Identity", &["input"], output, &[])
        .output(output, Type::F32, &SLICE)
}

#[test]
fn what_no_declaration_says_shows_in_the_rehearsal() {
    let free = [FREE; 4];
    let computed = |op: &str| {
        Graph::default()
            .input("input", &SLICE)
            .floats("none", &[1], &[0.0])
            .node("Mul", &["input", "none"], "nothing", &[])
            .node(
                op,
                &["nothing", "nothing"][..if op == "Log" { 1 } else { 2 }],
                "output",
                &[],
            )
            .output("output", Type::F32, &SLICE)
    };
    let pooled = Graph::default()
        .input("input", &free)
        .node(
            "MaxPool",
            &["input"],
            "output",
            &[ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])],
        )
        .output("output", Type::F32, &free);
    let three = CLASSES.replace("[\"a\", \"b\"]", "[\"a\", \"b\", \"c\"]");
    for (what, outputs, graph, says) in [
        (
            "0 / 0",
            MASK,
            computed("Div"),
            "output `output` holds NaN, which is not a finite number",
        ),
        ("log 0", MASK, computed("Log"), "output `output` holds -inf"),
        (
            "half the rows",
            MASK,
            pooled,
            "output `output` has shape [2, 1, 16, 16], expected [2, 1, 32, 32]",
        ),
        (
            "free classes",
            &three,
            classifier(&free, &[FREE; 2]),
            "output `output` has shape [2, 2], expected [2, 3]",
        ),
    ] {
        check(what, SLICES, outputs, &graph, says);
    }
}

/// Boxes of this shape, scores and labels of these types, in a network that a detection is read from.
fn detector(boxes: &[usize], labels: &[i64]) -> Graph {
    let count = boxes.iter().product::<usize>();
    let sides = |shape: &[usize]| shape.iter().map(|side| Some(*side)).collect::<Vec<_>>();
    Graph::default()
        .input("input", &[one(1), one(1), one(32), one(32)])
        .floats("b", boxes, &vec![0.5; count])
        .floats("s", &[2], &[0.9, 0.8])
        .integers("l", &[labels.len()], labels)
        .node("Identity", &["b"], "boxes", &[])
        .node("Identity", &["s"], "scores", &[])
        .node("Identity", &["l"], "labels", &[])
        .output("boxes", Type::F32, &sides(boxes))
        .output("scores", Type::F32, &[one(2)])
        .output("labels", Type::I64, &[one(labels.len())])
}

const DETECTION: &str = "[[outputs]]\nname = \"boxes\"\nkind = \"detection\"\nactivation = \"none\"\nclasses = [\"ball\"]\n\
    threshold = 0.3\nboxes = { scores = \"scores\", labels = \"labels\", format = \"cxcywh\", unit = \"normalised\", max_boxes = 9 }\n";

#[test]
fn tensors_of_a_detection_must_go_together() {
    let alone = SLICES.replace("batch = 4", "batch = 1");
    for (what, input, graph, says) in [
        ("as written", &*alone, detector(&[2, 4], &[0, 0]), "accepted"),
        (
            "corners",
            &alone,
            detector(&[2, 5], &[0, 0]),
            "`boxes` is float32 [2, 5], expected float32 [any, 4] or [1 or free, any, 4]",
        ),
        (
            "no axis of slices",
            SLICES,
            detector(&[2, 4], &[0, 0]),
            "`input` is float32 [1, 1, 32, 32]",
        ),
        (
            "another number of boxes",
            &alone,
            detector(&[3, 4], &[0, 0]),
            "output `boxes`: scores of shape [2], expected 3 values",
        ),
        (
            "fewer labels",
            &alone,
            detector(&[2, 4], &[0]),
            "output `boxes`: labels of shape [1], expected 2 values",
        ),
        (
            "a label without a class",
            &alone,
            detector(&[2, 4], &[0, 7]),
            "output `boxes`: label 7, expected one of 1 classes",
        ),
    ] {
        check(what, input, DETECTION, &graph, says);
    }
}

fn parsed(input: &str, outputs: &str, says: &str) {
    let text = story(input, outputs).manifest(b"");
    let said = match Manifest::parse(&text, "m.toml") {
        Ok(_) => "accepted".into(),
        Err(error) => reason(&error),
    };
    assert!(said.contains(says), "{said}, not {says}");
}

#[test]
fn operations_that_contradict_each_other_are_refused() {
    let image = SLICES.replace("volume", "image");
    let beside = image.replace(
        "{ op = \"window\"",
        "{ op = \"adjacent_slices\", count = 1 },\n{ op = \"window\"",
    );
    let last = image.replace(
        "4000.0] },",
        "4000.0] },\n{ op = \"adjacent_slices\", count = 1 },",
    );
    let shares = SLICES.replace(
        "{ op = \"window\", window = [0.0, 4000.0] }",
        "{ op = \"percentiles\", range = [99.0, 1.0] }",
    );
    for (input, outputs, says) in [
        (SLICES, MASK, "accepted"),
        (
            &*beside,
            MASK,
            "`input.operations[3]` is window after adjacent_slices",
        ),
        (
            &last,
            MASK,
            "`input.operations[3]` is adjacent_slices, expected only what a single image has",
        ),
        (&shares, MASK, "`input.operations[2].range` is 99 to 1"),
        (
            &SLICES.replace("NCHW", "NCDHW"),
            MASK,
            "`input.layout` is NCDHW, expected sliding_window as the last operation",
        ),
        (
            &WINDOWS.replace("NCDHW", "NCHW"),
            MASK,
            "`input.layout` is NCHW, expected NCDHW",
        ),
        (
            &WINDOWS.replace("0.5", "0.95"),
            MASK,
            "`input.operations[1].overlap` is 0.95, expected 0 to 0.9",
        ),
    ] {
        parsed(input, outputs, says);
    }
}

#[test]
fn outputs_and_findings_that_do_not_go_together_are_refused() {
    for (input, outputs, says) in [
        (
            &*SLICES.replace("volume", "image"),
            MASK,
            "`findings[0].total_ml` is set, expected total_mm2 to flag it by",
        ),
        (
            WINDOWS,
            DETECTION,
            "`input.layout` is NCDHW, expected NCHW: boxes lie in slices",
        ),
        (
            SLICES,
            &DETECTION.replace("max_boxes = 9", "max_boxes = 0"),
            "`outputs[0].boxes.max_boxes` is 0",
        ),
        (
            SLICES,
            &DETECTION.replace("format = \"cxcywh\"", "format = \"yxyx\""),
            "unknown variant `yxyx`",
        ),
        (
            SLICES,
            &MASK.replace(
                "0.5",
                "0.5\nboxes = { scores = \"s\", format = \"xyxy\", unit = \"pixels\", max_boxes = 9 }",
            ),
            "`outputs[0].boxes` is set, expected none: only a detection has boxes",
        ),
    ] {
        parsed(input, outputs, says);
    }
}
