//! Why a model said what it said: a network that looks at one corner gives a map whose most lies there, by a patch or by its own
//! tensor; the slices that show it are those where it is; and masks keep every class apart.

use super::onnx_file::{Graph, Type, int, ints};
use super::scene::{Ball, Stack, centroid, distance, stacks};
use super::{Exam, Story};
use crate::child::marks::stored_marks;
use crate::explain::{keys, map, map_follows, stored};
use crate::manifest::Manifest;
use crate::quantify::quantify;
use tocsin_domain::explanation::KeySlice;
use tocsin_imaging::heat::HeatMap;
use tocsin_imaging::mask_codec;

const SIDE: usize = 32;
/// In the corner of low rows and high columns, as far as the corner of the network reaches.
const CORNER: Ball = Ball {
    centre: [20.0, -18.0, 9.0],
    radius: 9.0,
};
/// The same far away along the slices, smaller.
const SECOND: Ball = Ball {
    centre: [22.0, -20.0, -27.0],
    radius: 8.0,
};
/// Bright, large, and nowhere near the corner.
const DISTRACTOR: Ball = Ball {
    centre: [-14.0, 12.0, 9.0],
    radius: 14.0,
};

const PATCH: &str = "[explanation]\nkind = \"occlusion\"\ngrid = [8, 8]\npatch = 0.2\nvalue = 0.0\n";
const OWN: &str = "[explanation]\nkind = \"map\"\ntensor = \"where\"\n";

fn story(neighbours: &str, activation: &str, explanation: &str) -> Story {
    Story {
        input: format!(
            "kind = \"volume\"\nname = \"input\"\nlayout = \"NCHW\"\nbatch = 5\noperations = [\n{{ op = \"modality_lut\" }},\n\
             {{ op = \"resize\", size = [{SIDE}, {SIDE}], plane = \"area\" }},\n\
             {{ op = \"window\", window = [50.0, 100.0] }},\n{neighbours}]\n"
        ),
        outputs: format!(
            "[[outputs]]\nname = \"output\"\nkind = \"classification\"\nactivation = \"{activation}\"\nclasses = [\"a\", \"b\"]\n\
             threshold = 0.5\naggregate = {{ by = \"max\" }}\n{explanation}"
        ),
        findings: include_str!("two_findings.toml"),
        memory_mb: 512,
    }
}

/// Class a: brightness of the corner alone, in rows below and columns above; class b: nothing. What it looked at is an output too.
fn network(channels: usize) -> Graph {
    let inside = |n: usize| n / SIDE < 12 && n % SIDE >= 20;
    let corner: Vec<f32> = (0..SIDE * SIDE).map(|n| f32::from(u8::from(inside(n)))).collect();
    Graph::default()
        .input("input", &[None, Some(channels), Some(SIDE), Some(SIDE)])
        .floats("corner", &[1, 1, SIDE, SIDE], &corner)
        .floats("weights", &[1, 2], &[60.0, 0.0])
        .floats("bias", &[2], &[-2.0, 0.0])
        .node("Mul", &["input", "corner"], "seen", &[])
        .node(
            "ReduceMean",
            &["seen"],
            "where",
            &[ints("axes", &[1]), int("keepdims", 1)],
        )
        .node(
            "ReduceMean",
            &["where"],
            "mean",
            &[ints("axes", &[2, 3]), int("keepdims", 0)],
        )
        .node("MatMul", &["mean", "weights"], "product", &[])
        .node("Add", &["product", "bias"], "output", &[])
        .output("output", Type::F32, &[None, Some(2)])
        .output("where", Type::F32, &[None, Some(1), Some(SIDE), Some(SIDE)])
}

struct Explained {
    exam: Exam,
    keys: Vec<KeySlice>,
    map: Option<HeatMap>,
}

/// Reads an exam, chooses its slices, and asks for a map over the best; `None` without a runtime.
fn explained(story: &Story, graph: &Graph, exam: Exam) -> Option<Explained> {
    let mut network = story.open(graph)?.expect("opens");
    let run = network.run(&exam).expect("runs");
    let manifest = network.package.manifest.clone();
    let mut found = quantify(&manifest, &exam, &run.answers).expect("measured");
    let keys = keys::choose(&manifest, &exam, &run.answers, &[], &mut found.findings);
    assert!(map_follows(&manifest, &run.answers, &keys));
    let best = &keys[0];
    let uid = exam.parts[0].volume.geometry.instance_uids.get(best.slice);
    assert_eq!(
        found.findings[best.finding].key_instance.as_ref(),
        uid,
        "the record names the best"
    );
    let map = map(&mut network, &exam, best).expect("a map");
    Some(Explained { exam, keys, map })
}

fn scan(stack: &Stack) -> Exam {
    Exam::of_volume(stack.scan(&[CORNER, SECOND, DISTRACTOR]))
}

/// Where in the patient the most of a map lies, and in which slice.
fn most(told: &Explained) -> [f64; 3] {
    let map = told.map.as_ref().expect("a map");
    let geometry = &told.exam.parts[0].volume.geometry;
    let at = (0..map.values.len())
        .max_by_key(|n| map.values[*n])
        .expect("values");
    let along = |n: usize, of: usize, side: usize| (n as f64 + 0.5) * side as f64 / of as f64 - 0.5;
    geometry.patient(
        map.slice,
        along(at / map.columns, map.rows, geometry.rows),
        along(at % map.columns, map.columns, geometry.columns),
    )
}

#[test]
fn a_network_that_looks_at_one_corner_is_seen_to_look_there() {
    let stack = stacks()[0].1;
    let neighbours = "{ op = \"adjacent_slices\", count = 1 },\n";
    for (name, neighbours, channels, activation, explanation) in [
        ("patch", "", 1, "sigmoid", PATCH),
        ("patch through neighbours", neighbours, 3, "sigmoid", PATCH),
        ("patch against another class", "", 1, "softmax", PATCH),
        ("the network's own", "", 1, "sigmoid", OWN),
    ] {
        let story = story(neighbours, activation, explanation);
        let Some(told) = explained(&story, &network(channels), scan(&stack)) else {
            return;
        };
        let off = distance(most(&told), CORNER.centre);
        // Within the ball: its most is the patch, or the pixel, that holds most of it.
        assert!(
            off < CORNER.radius,
            "{name}: {off} mm from the middle of what it looks at"
        );
        let map = told.map.expect("a map");
        let far = map.values[(map.rows - 1) * map.columns];
        assert_eq!(
            far, 0,
            "{name}: the distractor is bright, and nobody looked at it"
        );
    }
}

#[test]
fn the_slices_that_show_it_are_those_where_it_is_each_stretch_once() {
    let stack = stacks()[0].1;
    let Some(told) = explained(&story("", "sigmoid", PATCH), &network(1), scan(&stack)) else {
        return;
    };
    let geometry = &told.exam.parts[0].volume.geometry;
    let heights: Vec<f64> = told
        .keys
        .iter()
        .map(|key| geometry.origins[key.slice][2])
        .collect();
    let [first, second] = heights[..] else {
        panic!("one slice of each ball: {heights:?}")
    };
    assert!((first - CORNER.centre[2]).abs() <= 3.0, "{first}");
    assert!((second - SECOND.centre[2]).abs() <= 3.0, "{second}");
    assert!(told.keys.iter().all(|key| key.class == "a" && key.finding == 0));
}

/// Two classes that overlap: what is bright, and everything that is not quite dark.
fn two_classes() -> (Story, Graph) {
    let described = "[[segments]]\noutput = \"output\"\nclass = \"around\"\n\
        category = { system = \"SCT\", value = \"123037004\", meaning = \"Anatomical Structure\" }\n\
        property = { system = \"SCT\", value = \"12738006\", meaning = \"Brain\" }\n[explanation]\nkind = \"mask\"\n";
    let story = Story {
        input: "kind = \"volume\"\nname = \"input\"\nlayout = \"NCHW\"\nbatch = 4\noperations = [\n{ op = \"modality_lut\" },\n\
                { op = \"window\", window = [50.0, 100.0] },\n]\n"
            .into(),
        outputs: format!(
            "[[outputs]]\nname = \"output\"\nkind = \"segmentation\"\nactivation = \"none\"\nclasses = [\"around\", \"ball\"]\n\
             threshold = 0.5\n{described}"
        ),
        findings: include_str!("ball_by_volume.toml"),
        memory_mb: 512,
    };
    let axes = [None, Some(1), None, None];
    let graph = Graph::default()
        .input("input", &axes)
        .floats("all", &[1], &[1.0])
        .node("Max", &["input", "all"], "around", &[])
        .node("Concat", &["around", "input"], "output", &[int("axis", 1)])
        .output("output", Type::F32, &[None, Some(2), None, None]);
    (story, graph)
}

#[test]
fn every_class_has_a_bit_of_its_own_and_only_findings_mark() {
    let (story, graph) = two_classes();
    for (name, stack) in stacks() {
        let exam = Exam::of_volume(stack.scan(&[CORNER]));
        let Some(told) = story.tell(&graph, &exam) else {
            return;
        };
        let manifest = Manifest::parse(&story.manifest(&graph.bytes()), "story").expect("a manifest");
        let stored = stored::classes(&manifest, &told.found.findings);
        let frames = vec![0; stack.slices];
        let (bytes, _) = stored_marks(&exam, &told.run.answers, &stored, &frames).expect("stored");
        let classes: Vec<&str> = stored.iter().map(|one| one.segment.class.as_str()).collect();
        assert_eq!(classes, ["ball", "around"], "findings come first");
        assert_eq!(
            mask_codec::marked(&bytes, 0b10).expect("slices").len(),
            stack.slices
        );
        let with_ball = mask_codec::marked(&bytes, 0b01).expect("slices");
        assert!(with_ball.len() < stack.slices, "{name}");
        // The ball lies where it is by the places that are stored, whoever reads them.
        let geometry = &exam.parts[0].volume.geometry;
        let grid = mask_codec::grid(&bytes).expect("a grid").expect("places");
        let origins: Vec<[f64; 3]> = grid.slices.iter().map(|slice| slice.origin).collect();
        assert!(grid.placed && origins == geometry.origins, "{name}");
        let voxels: Vec<u8> = (0..stack.slices)
            .flat_map(|k| mask_codec::slice(&bytes, k).expect("a slice"))
            .map(|voxel| voxel & 1)
            .collect();
        let off = distance(centroid(geometry, &voxels), CORNER.centre);
        assert!(off < stack.voxel(), "{name}: {off} mm off");
    }
}

#[test]
fn what_cannot_be_explained_so_is_refused_when_the_manifest_is_read() {
    let masks = |explanation: &str| {
        let (mut story, graph) = two_classes();
        story.outputs = story
            .outputs
            .replace("[explanation]\nkind = \"mask\"\n", explanation);
        Manifest::parse(&story.manifest(&graph.bytes()), "story").map_err(|error| error.to_string())
    };
    let scores = |explanation: &str| {
        let story = story("", "sigmoid", explanation);
        Manifest::parse(&story.manifest(&network(1).bytes()), "story").map_err(|error| error.to_string())
    };
    for (said, refused) in [
        (masks(PATCH), "a finding that is read from a classification"),
        (masks(OWN), "a finding that is read from a classification"),
        (scores(&PATCH.replace("[8, 8]", "[40, 40]")), "400 places at most"),
        (scores(&PATCH.replace("0.2", "0.05")), "explanation.patch"),
        (scores(&OWN.replace("where", " ")), "explanation.tensor"),
        (scores("[explanation]\nkind = \"boxes\"\n"), "a detection among"),
    ] {
        let error = said.expect_err(refused);
        assert!(error.contains(refused), "{error}");
    }
    let (mut twice, graph) = two_classes();
    twice.outputs = twice.outputs.replace("class = \"around\"", "class = \"ball\"");
    let error = Manifest::parse(&twice.manifest(&graph.bytes()), "story").expect_err("described twice");
    assert!(
        error.to_string().contains("no finding and no other segment"),
        "{error}"
    );
}

#[test]
fn a_network_without_the_map_that_its_manifest_names_is_not_opened() {
    let story = story("", "sigmoid", &OWN.replace("where", "nowhere"));
    let Some(opened) = story.open(&network(1)) else {
        return;
    };
    let error = opened.err().expect("refused").to_string();
    let whole = format!("{error} {:?}", error);
    assert!(whole.contains("manifest says"), "{whole}");
}
