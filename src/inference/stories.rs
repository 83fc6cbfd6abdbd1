//! Models of every shape at work: small networks written here, run by the real runtime over made-up exams, and their answers held
//! against the truth and against plain computations. Skipped, and said so, where there is no ONNX Runtime in `.runtime`.

mod classifiers;
mod detectors;
mod explanations;
mod images;
mod onnx_file;
mod refusals;
mod scene;
mod shipped;
mod volumes;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use self::onnx_file::Graph;
use super::answers::{ClassAnswer, Verdict};
use super::exam::Exam;
use super::library::{Library, Search, locate};
use super::network::{Network, NetworkError, Run};
use super::onnx::{Provider, Runtime, SessionOptions};
use super::package::Package;
use super::quantify::{Quantified, quantify};
use super::rehearse::rehearse;

/// Parts of a manifest that differ from story to story.
struct Story {
    input: String,
    outputs: String,
    findings: &'static str,
    memory_mb: u64,
}

impl Story {
    fn manifest(&self, network: &[u8]) -> String {
        // A story of explanations brings its own.
        let told = self.outputs.contains("[explanation]");
        include_str!("stories/manifest.toml")
            .replace("HASH", &hex::encode(Sha256::digest(network)))
            .replace(
                "EXPLANATION",
                if told {
                    ""
                } else {
                    "[explanation]\nkind = \"mask\""
                },
            )
            .replace("INPUT", &self.input)
            .replace("OUTPUTS", &self.outputs)
            .replace("FINDINGS", self.findings)
            .replace("MEMORY", &self.memory_mb.to_string())
    }

    /// The package on disk; it goes with the folder.
    fn package(&self, network: &Graph) -> (TempDir, PathBuf) {
        let bytes = network.bytes();
        let folder = tempfile::tempdir().expect("folder");
        let own = folder.path().join("story");
        fs::create_dir(&own).expect("folder");
        fs::write(own.join("manifest.toml"), self.manifest(&bytes)).expect("manifest");
        fs::write(own.join("model.onnx"), bytes).expect("network");
        (folder, own)
    }

    /// The network of this story, opened and rehearsed; `None` without a runtime.
    fn open(&self, network: &Graph) -> Option<Result<Network, NetworkError>> {
        let (_folder, own) = self.package(network);
        let package = Package::open(&own).expect("package");
        let options = SessionOptions {
            providers: vec![Provider::Cpu],
            device_id: 0,
            threads: 2,
        };
        Some(
            Network::open(package, runtime()?, &options).and_then(|mut network| {
                rehearse(&mut network)?;
                Ok(network)
            }),
        )
    }

    /// Reads an exam from end to end; `None` without a runtime.
    fn tell(&self, network: &Graph, exam: &Exam) -> Option<Told> {
        let mut network = self.open(network)?.expect("opens");
        let run = network.run(exam).expect("runs");
        let found = quantify(&network.package.manifest, exam, &run.answers).expect("measured");
        Some(Told { run, found })
    }
}

/// What a model said, and what was made of it.
struct Told {
    run: Run,
    found: Quantified,
}

impl Told {
    fn class(&self, name: &str) -> &ClassAnswer {
        let mut classes = self.run.answers.iter().flat_map(|output| &output.classes);
        classes.find(|class| class.class == name).expect("class")
    }

    fn score(&self, name: &str) -> f32 {
        match &self.class(name).verdict {
            Verdict::Score(score) => *score,
            other => panic!("not a score: {other:?}"),
        }
    }
}

fn library() -> Option<Library> {
    let folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.runtime")];
    let found = locate(&Search {
        folders,
        ..Search::default()
    });
    if found.is_err() {
        eprintln!("SKIPPED: no ONNX Runtime in .runtime; scripts/fetch-onnxruntime fetches it");
    }
    found.ok()
}

/// A process loads the library once.
fn runtime() -> Option<&'static Runtime> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let load = || Some(Runtime::load(&library()?).expect("runtime"));
    RUNTIME.get_or_init(load).as_ref()
}
