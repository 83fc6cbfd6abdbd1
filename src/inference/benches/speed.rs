//! From stored files to findings against the bare runtime on prepared tensors, and from files to tensors, as one line of JSON:
//!
//!     cargo bench -p tocsin-inference --bench speed -- --package models/ich --folder FOLDER [--runs 7] [--provider cuda]
//!
//! The folder holds the objects of one series. `tests/peers/bench_inference.py` makes one, and adds the same way in Python.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tocsin_domain::ids::{CountingIds, IdGen, InstanceId};
use tocsin_inference::child::protocol::SliceFile;
use tocsin_inference::library::{Search, locate};
use tocsin_inference::onnx::Provider;
use tocsin_inference::speed::{Race, Round, Setup};

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let Some(folder) = value("--folder") else {
        println!("speed: measures where --folder names a series; see tests/peers/bench_inference.py");
        return Ok(());
    };
    let runs: usize = value("--runs").map_or(Ok(7), |text| text.parse())?;
    let mut race = Race::prepare(Setup {
        package: value("--package").unwrap_or_else(|| "models/ich".into()).into(),
        library: std::fs::canonicalize(library()?)?,
        providers: match value("--provider").as_deref() {
            Some("cuda") => vec![Provider::Cuda],
            Some(_) | None => vec![Provider::Cpu],
        },
        files: files(Path::new(&folder))?,
    })?;
    // The first shows the machine the files.
    race.round()?;
    let rounds = (0..runs).map(|_| race.round()).collect::<Result<Vec<_>, _>>()?;
    println!("{}", report(&rounds));
    Ok(())
}

fn library() -> Result<PathBuf, Failed> {
    let folders = vec![PathBuf::from(".runtime"), PathBuf::from("../../.runtime")];
    Ok(locate(&Search {
        folders,
        ..Search::default()
    })?
    .path)
}

fn files(folder: &Path) -> Result<Vec<SliceFile>, Failed> {
    let ids = CountingIds::default();
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        paths.push(std::fs::canonicalize(entry?.path())?);
    }
    paths.sort();
    let file = |path: PathBuf| SliceFile {
        id: InstanceId(ids.uuid()),
        sha256: path.display().to_string(),
        path,
    };
    Ok(paths.into_iter().map(file).collect())
}

fn report(rounds: &[Round]) -> serde_json::Value {
    let of =
        |part: fn(&Round) -> Duration| median(rounds.iter().map(|round| 1000.0 * part(round).as_secs_f64()));
    let ratio = median(
        rounds
            .iter()
            .map(|round| round.whole.as_secs_f64() / round.raw.as_secs_f64()),
    );
    let parts = |part: fn(&Round) -> u64| median(rounds.iter().map(|round| part(round) as f64));
    serde_json::json!({
        "runs": rounds.len(),
        "raw_ms": of(|round| round.raw),
        "files_to_tensors_ms": of(|round| round.tensors),
        "files_to_findings_ms": of(|round| round.whole),
        "findings_over_raw": ratio,
        "decode_ms": parts(|round| round.parts.decode_ms),
        "inspect_ms": parts(|round| round.parts.inspect_ms),
        "arrange_ms": parts(|round| round.parts.arrange_ms),
        "inference_ms": parts(|round| round.parts.inference_ms),
        "quantify_ms": parts(|round| round.parts.quantify_ms),
        "tensor_values": rounds.first().map_or(0, |round| round.tensor_values),
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
