//! The whole way at once: the program's own demonstration, from the order to the acknowledged page, as a user would run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .arg("demo")
        .args(arguments)
        .output()
        .unwrap()
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn one_positive_and_one_negative_study_go_through_everything() {
    if !root(".runtime").exists() {
        eprintln!("SKIPPED: ONNX Runtime is not here; run scripts/fetch-onnxruntime");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcome.json");
    let output = demo(&["--once", "--json", file.to_str().unwrap()]);
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{words}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let outcome: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let schema = std::fs::read(root("docs/schemas/demo.schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    let problems: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&outcome)
        .map(|problem| problem.to_string())
        .collect();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(outcome["ok"], true);
    let stages = |study: usize| -> Vec<&str> {
        let rows = outcome["studies"][study]["stages"].as_array().unwrap();
        rows.iter().map(|row| row["stage"].as_str().unwrap()).collect()
    };
    for stage in [
        "first_image",
        "link_linked",
        "inference_finished",
        "alert_acknowledged",
        "report_received",
    ] {
        assert!(stages(0).contains(&stage), "{stage}: {:?}", stages(0));
    }
    assert!(!stages(1).contains(&"alert_raised"), "{:?}", stages(1));
}

#[test]
fn options_that_mean_nothing_together_are_refused() {
    assert_eq!(demo(&["--json", "x.json"]).status.code(), Some(2));
    assert_eq!(demo(&["--schema", "--once"]).status.code(), Some(2));
}
