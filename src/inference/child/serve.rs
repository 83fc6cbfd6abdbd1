//! One request after another: models held open, slices held decoded, answers with their reasons. The process around it limits
//! and restarts; nothing here needs to survive.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tocsin_domain::volume::{Geometry, Volume, marked};

use super::super::golden::{self, volume_ml};
use super::super::library;
use super::super::network::{ClassAnswer, Network, Run, Verdict};
use super::super::onnx::{Runtime, SessionOptions};
use super::super::package::Package;
use super::super::quantify::{Quantified, quantify};
use super::cache::{Cache, reason};
use super::picture::draw;
use super::protocol::{
    Analysis, Answer, LoadReport, LoadRequest, OutputSummary, Refusal, Request, SeriesRead, SliceFile, Timing,
};
use tocsin_imaging::mask_codec;
use tocsin_imaging::series::assemble;

/// The state of a warm worker.
#[derive(Default)]
pub struct Worker {
    runtime: Option<(Runtime, library::Library)>,
    /// By the hash of their manifests.
    networks: HashMap<String, Network>,
    cache: Cache,
}

type Answered = Result<(Answer, Vec<u8>), Refusal>;

impl Worker {
    pub fn answer(&mut self, request: Request, attached: &[u8]) -> (Answer, Vec<u8>) {
        let answered = match request {
            Request::Load(load) => self.load(&load),
            Request::Prepare { files } => Ok((
                Answer::Prepared(self.cache.prepare(&files, threads())),
                Vec::new(),
            )),
            Request::Analyse { content_hash, files } => self.analyse(&content_hash, &files),
            Request::Picture(picture) => Ok(draw(&picture, attached)),
        };
        answered.unwrap_or_else(|refusal| (Answer::Refused(refusal), Vec::new()))
    }

    fn load(&mut self, request: &LoadRequest) -> Answered {
        let begun = Instant::now();
        let package = Package::open(&request.package).map_err(|error| model(&error))?;
        if package.content_hash != request.content_hash {
            let (found, approved) = (&package.content_hash, &request.content_hash);
            let reason = format!("its manifest has SHA-256 {found}, the one to load has {approved}");
            return Err(Refusal::Model { reason });
        }
        let (runtime, library) = self.runtime(request)?;
        let version = library.version.to_string();
        let options = SessionOptions {
            providers: request.providers.clone(),
            device_id: request.device_id,
            threads: threads(),
        };
        let mut network = Network::open(package, runtime, &options).map_err(|error| model(&error))?;
        let load_ms = millis(begun.elapsed());
        let begun = Instant::now();
        let golden = golden::run_all(&mut network).map_err(|error| model(&error))?;
        let report = LoadReport {
            model: network.package.model_ref(),
            provider_used: network.session.provider,
            fallbacks: network.session.fallbacks.clone(),
            library_version: version,
            golden,
            load_ms,
            golden_ms: millis(begun.elapsed()),
        };
        // A model that fails its own cases is reported, and not kept.
        if report.golden.iter().all(|case| case.passed) {
            self.networks.insert(request.content_hash.clone(), network);
        }
        Ok((Answer::Loaded(report), Vec::new()))
    }

    /// Loads the library once; a process cannot change it.
    fn runtime(&mut self, request: &LoadRequest) -> Result<&(Runtime, library::Library), Refusal> {
        if self.runtime.is_none() {
            let library = library::inspect(&request.library).map_err(|error| model(&error))?;
            let runtime = Runtime::load(&library).map_err(|error| model(&error))?;
            self.runtime = Some((runtime, library));
        }
        let none = || Refusal::Model {
            reason: "the runtime is not loaded".into(),
        };
        self.runtime.as_ref().ok_or_else(none)
    }

    fn analyse(&mut self, content_hash: &str, files: &[SliceFile]) -> Answered {
        let begun = Instant::now();
        let fetched = self
            .cache
            .fetch(files, threads())
            .map_err(|reason| Refusal::Images { reason })?;
        let volume = assemble(fetched.slices.iter().flat_map(|slices| slices.iter()));
        let volume = volume.map_err(|error| Refusal::Images {
            reason: reason(&error),
        })?;
        let decode_ms = millis(begun.elapsed());
        let not_loaded = || Refusal::Model {
            reason: format!("{content_hash} is not loaded"),
        };
        let network = self.networks.get_mut(content_hash).ok_or_else(not_loaded)?;
        let run = network.run(&volume).map_err(|error| model(&error))?;
        let begun = Instant::now();
        let quantified =
            quantify(&network.package.manifest, &volume, &run.answers).map_err(|error| model(&error))?;
        let mask = stored_mask(&run, &volume.geometry)?;
        let mut analysis = analysis(network, volume, &run, quantified);
        analysis.timing = Timing {
            decoded: fetched.decoded,
            decode_ms,
            arrange_ms: millis(run.arranging),
            inference_ms: millis(run.inference),
            quantify_ms: millis(begun.elapsed()),
        };
        Ok((Answer::Analysed(Box::new(analysis)), mask))
    }
}

fn analysis(network: &Network, volume: Volume, run: &Run, quantified: Quantified) -> Analysis {
    let outputs = run.answers.iter().flat_map(|output| {
        output
            .classes
            .iter()
            .map(|class| summary(&output.name, class, &volume.geometry))
            .collect::<Vec<_>>()
    });
    Analysis {
        model: network.package.model_ref(),
        provider_used: network.session.provider,
        fallbacks: network.session.fallbacks.clone(),
        findings: quantified.findings,
        limitations: quantified.limitations,
        outputs: outputs.collect(),
        series: SeriesRead {
            rows: volume.geometry.rows,
            columns: volume.geometry.columns,
            pixel_spacing: volume.geometry.pixel_spacing,
            offsets: volume.geometry.offsets,
            instance_uids: volume.geometry.instance_uids,
        },
        timing: Timing::default(),
    }
}

fn summary(output: &str, class: &ClassAnswer, geometry: &Geometry) -> OutputSummary {
    let plain = OutputSummary {
        output: output.to_owned(),
        class: class.class.clone(),
        mean_score: class.mean_score,
        volume_ml: None,
        score: None,
        key_slice: None,
    };
    match &class.verdict {
        Verdict::Score(score) => OutputSummary {
            score: Some(*score),
            ..plain
        },
        Verdict::Mask(mask) => {
            let counts = mask
                .voxels
                .chunks_exact((geometry.rows * geometry.columns).max(1));
            let key = counts
                .map(marked)
                .enumerate()
                .max_by_key(|(_, count)| *count)
                .filter(|(_, count)| *count > 0);
            OutputSummary {
                volume_ml: Some(volume_ml(mask, geometry)),
                key_slice: key.map(|(slice, _)| slice),
                ..plain
            }
        }
    }
}

/// The first mask of the first segmentation, in its stored form; empty when the model gives none.
fn stored_mask(run: &Run, geometry: &Geometry) -> Result<Vec<u8>, Refusal> {
    let classes = run.answers.iter().flat_map(|output| &output.classes);
    let mask = classes.filter_map(|class| match &class.verdict {
        Verdict::Mask(mask) => Some(mask),
        Verdict::Score(_) => None,
    });
    match mask.into_iter().next() {
        Some(mask) => mask_codec::encode(mask, geometry).map_err(|error| model(&error)),
        None => Ok(Vec::new()),
    }
}

fn model(error: &dyn std::error::Error) -> Refusal {
    Refusal::Model {
        reason: reason(error),
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
