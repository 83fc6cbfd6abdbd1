//! One request after another: models held open, slices held decoded, answers with their reasons. The process around it limits
//! and restarts; nothing here needs to survive.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tocsin_domain::admit::QualityReason;
use tocsin_domain::explanation::{Explanation, KeySlice};
use tocsin_domain::ids::Uid;
use tocsin_domain::inspect::{CtSeen, PixelLimits, XraySeen};
use tocsin_domain::volume::{Mask, Volume, marked};

use super::super::answers::{ClassAnswer, Verdict};
use super::super::exam::Exam;
use super::super::explain::{keys, map, map_follows, stored};
use super::super::golden::{self, volume_ml};
use super::super::library;
use super::super::manifest::{InputKind, Urgency};
use super::super::network::{Network, Run};
use super::super::onnx::{Runtime, SessionOptions};
use super::super::package::Package;
use super::super::places::{foreground, place};
use super::super::quantify::{Quantified, quantify};
use super::super::rehearse::rehearse;
use super::cache::{Cache, reason};
use super::limits;
use super::marks::stored_marks;
use super::picture::draw;
use super::protocol::{
    Analysis, Answer, LoadReport, LoadRequest, OutputSummary, Refusal, Request, SeriesRead, SliceFile, Timing,
};
use super::read;
use tocsin_imaging::decode::Slice;
use tocsin_imaging::heat;

/// The state of a warm worker.
#[derive(Default)]
pub struct Worker {
    pub(crate) runtime: Option<(Runtime, library::Library)>,
    gives_way: bool,
    /// By the hash of their manifests.
    networks: HashMap<String, Network>,
    cache: Cache,
}

type Answered = Result<(Answer, Vec<u8>), Refusal>;

impl Worker {
    pub fn answer(&mut self, request: Request) -> (Answer, Vec<u8>) {
        let answered = match request {
            Request::Load(load) => self.load(&load),
            Request::Prepare { files } => Ok((
                Answer::Prepared(self.cache.prepare(&files, threads())),
                Vec::new(),
            )),
            Request::Analyse { content_hash, files } => self.analyse(&content_hash, &files),
            Request::Explain {
                content_hash,
                files,
                key,
            } => self.explain(&content_hash, &files, &key),
            Request::Picture(picture) => Ok(draw(&picture)),
        };
        answered.unwrap_or_else(|refusal| (Answer::Refused(refusal), Vec::new()))
    }

    fn load(&mut self, request: &LoadRequest) -> Answered {
        if request.urgency == Urgency::Routine && !self.gives_way {
            self.gives_way = true;
            limits::give_way();
        }
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
        rehearse(&mut network).map_err(|error| model(&error))?;
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
        let not_loaded = || Refusal::Model {
            reason: format!("{content_hash} is not loaded"),
        };
        let network = self.networks.get_mut(content_hash).ok_or_else(not_loaded)?;
        let manifest = &network.package.manifest;
        let exam =
            read::exam(manifest.input.kind, &fetched.files, threads()).map_err(|error| images(&error))?;
        let decode_ms = millis(begun.elapsed());
        let begun = Instant::now();
        let reasons = breaches(&manifest.quality.pixels, &exam);
        let inspect_ms = millis(begun.elapsed());
        if !reasons.is_empty() {
            return Err(Refusal::Quality { reasons });
        }
        let run = network.run(&exam).map_err(|error| model(&error))?;
        let begun = Instant::now();
        let manifest = &network.package.manifest;
        let mut quantified = quantify(manifest, &exam, &run.answers).map_err(|error| model(&error))?;
        place(&mut quantified.findings, manifest, &exam, &run.answers);
        let stored = stored::classes(manifest, &quantified.findings);
        let headers = read::headers(&fetched.files).map_err(|error| images(&error))?;
        let frames = frames(&exam, headers.iter());
        let (marks, limitation) =
            stored_marks(&exam, &run.answers, &stored, &frames).map_err(|error| model(&error))?;
        quantified.limitations.extend(limitation);
        let key_slices = keys::choose(manifest, &exam, &run.answers, &frames, &mut quantified.findings);
        let explanation = Explanation {
            map_follows: map_follows(manifest, &run.answers, &key_slices),
            segments: match marks.is_empty() {
                true => Vec::new(),
                false => stored.into_iter().map(|class| class.segment).collect(),
            },
            key_slices,
        };
        let mut analysis = analysis(network, &exam, &run, quantified);
        analysis.explanation = explanation;
        analysis.timing = Timing {
            decoded: fetched.fresh,
            decode_ms,
            inspect_ms,
            arrange_ms: millis(run.arranging),
            inference_ms: millis(run.inference),
            quantify_ms: millis(begun.elapsed()),
        };
        Ok((Answer::Analysed(Box::new(analysis)), marks))
    }

    /// The series was read before, and is read again: nothing of it is held but what was decoded ahead.
    fn explain(&mut self, content_hash: &str, files: &[SliceFile], key: &KeySlice) -> Answered {
        let fetched = self.cache.fetch(files, threads());
        let fetched = fetched.map_err(|reason| Refusal::Images { reason })?;
        let not_loaded = || Refusal::Model {
            reason: format!("{content_hash} is not loaded"),
        };
        let network = self.networks.get_mut(content_hash).ok_or_else(not_loaded)?;
        let kind = network.package.manifest.input.kind;
        let exam = read::exam(kind, &fetched.files, threads()).map_err(|error| images(&error))?;
        let map = map(network, &exam, key).map_err(|error| model(&error))?;
        Ok((
            Answer::Explained,
            map.map_or(Vec::new(), |map| heat::encode(&[map])),
        ))
    }
}

/// Of each slice of the exam its frame in its instance: the one that lies where the slice lies.
fn frames<'s>(exam: &Exam, slices: impl Iterator<Item = &'s Slice>) -> Vec<u32> {
    let mut of: HashMap<&Uid, Vec<&Slice>> = HashMap::new();
    for slice in slices {
        of.entry(&slice.instance_uid).or_default().push(slice);
    }
    // Images have no place, and are read in the order of their frames.
    let mut turns: HashMap<&Uid, usize> = HashMap::new();
    let mut frames = Vec::new();
    for geometry in exam.geometries() {
        for (uid, origin) in geometry.instance_uids.iter().zip(&geometry.origins) {
            let own = of.get(uid).map_or(&[][..], Vec::as_slice);
            let turn = turns.entry(uid).or_insert(0);
            let placed = own.iter().find(|slice| slice.position == Some(*origin));
            frames.push(placed.or(own.get(*turn)).map_or(0, |slice| slice.frame));
            *turn += 1;
        }
    }
    frames
}

/// What the pixels show against what the manifest asks of them.
fn breaches(limits: &PixelLimits, exam: &Exam) -> Vec<QualityReason> {
    let volumes = exam.parts.iter().map(|part| &part.volume);
    match exam.kind {
        InputKind::Volume if limits.asks_of_ct() => volumes
            .flat_map(|volume| limits.breaches(&CtSeen::of(volume, threads())))
            .collect(),
        InputKind::Volume => Vec::new(),
        InputKind::Image => {
            let limits = limits.radiograph.iter();
            let pairs = limits.flat_map(|limits| volumes.clone().map(move |volume| (limits, volume)));
            pairs
                .flat_map(|(limits, Volume { geometry, voxels })| {
                    limits.breaches(&XraySeen::of(geometry.rows, geometry.columns, voxels))
                })
                .collect()
        }
    }
}

fn analysis(network: &Network, exam: &Exam, run: &Run, quantified: Quantified) -> Analysis {
    let outputs = run.answers.iter().flat_map(|output| {
        let classes = output.classes.iter();
        classes
            .map(|class| summary(&output.name, class, exam))
            .collect::<Vec<_>>()
    });
    Analysis {
        model: network.package.model_ref(),
        provider_used: network.session.provider,
        fallbacks: network.session.fallbacks.clone(),
        findings: quantified.findings,
        limitations: quantified.limitations,
        explanation: Explanation::default(),
        outputs: outputs.collect(),
        series: series_read(exam),
        foreground: foreground(exam, &run.answers),
        timing: Timing::default(),
    }
}

/// The first image stands for the size and the scale of all.
fn series_read(exam: &Exam) -> SeriesRead {
    let first = exam.geometries().next();
    SeriesRead {
        rows: first.map_or(0, |geometry| geometry.rows),
        columns: first.map_or(0, |geometry| geometry.columns),
        pixel_spacing: first.map_or([1.0, 1.0], |geometry| geometry.pixel_spacing),
        offsets: exam.geometries().flat_map(|g| g.offsets.clone()).collect(),
        instance_uids: exam.geometries().flat_map(|g| g.instance_uids.clone()).collect(),
    }
}

fn summary(output: &str, class: &ClassAnswer, exam: &Exam) -> OutputSummary {
    let plain = OutputSummary {
        output: output.to_owned(),
        class: class.class.clone(),
        mean_score: class.mean_score,
        volume_ml: None,
        score: None,
        key_slice: None,
        boxes: Vec::new(),
    };
    match &class.verdict {
        Verdict::Score(score) => OutputSummary {
            score: Some(*score),
            ..plain
        },
        Verdict::Lesions { kept, .. } => OutputSummary {
            score: kept.first().map(|best| best.score),
            key_slice: kept.first().map(|best| best.slice),
            boxes: kept.clone(),
            ..plain
        },
        Verdict::Masks(masks) => OutputSummary {
            volume_ml: match exam.kind {
                InputKind::Volume => Some(
                    masks
                        .iter()
                        .zip(exam.geometries())
                        .map(|(m, g)| volume_ml(m, g))
                        .sum(),
                ),
                InputKind::Image => None,
            },
            key_slice: key_slice(masks, exam),
            ..plain
        },
    }
}

/// The slice with the most marked voxels.
fn key_slice(masks: &[Mask], exam: &Exam) -> Option<usize> {
    let slices = masks.iter().zip(exam.geometries()).flat_map(|(mask, geometry)| {
        mask.voxels
            .chunks_exact((geometry.rows * geometry.columns).max(1))
    });
    let fullest = slices.map(marked).enumerate().max_by_key(|(_, count)| *count);
    fullest.filter(|(_, count)| *count > 0).map(|(slice, _)| slice)
}

fn images(error: &dyn std::error::Error) -> Refusal {
    Refusal::Images {
        reason: reason(error),
    }
}

fn model(error: &dyn std::error::Error) -> Refusal {
    Refusal::Model {
        reason: reason(error),
    }
}

pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
