//! `tocsin synth`: makes phantoms and writes them to a folder. Sends nothing and needs no configuration.

mod ctpa;
mod stroke;
mod xray;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use self::ctpa::CtpaArgs;
use self::stroke::{CtaHeadArgs, IschaemiaArgs};
use self::xray::ChestXrayArgs;
use crate::imaging::phantom::{
    HeadCtSpec, HeadFinding, PhantomIdentity, WriteError, head_ct, write_dicom, write_dump,
};

const EXAMPLE: &str =
    "Example:\n  tocsin synth head-ct --finding sdh --volume-ml 30 --seed 7 --out ./phantom";

const ISCHAEMIA_EXAMPLE: &str =
    "Example:\n  tocsin synth ischaemia --finding early --regions 4 --seed 7 --out ./phantom";
const CTA_EXAMPLE: &str = "Example:\n  tocsin synth cta-head --finding m1-proximal --seed 7 --out ./phantom";
const CTPA_EXAMPLE: &str = "Mask: one byte per voxel; bits 1 clot, 2 cavity of the right ventricle, 4 cavity of the left \
    ventricle, 8 lumen of the pulmonary arteries from trunk to segments (clot included)\n\nExample:\n  tocsin synth ctpa --finding \
    saddle --seed 7 --out ./phantom";

/// Makes synthetic studies with their truth beside them
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub struct SynthArgs {
    #[command(subcommand)]
    pub kind: SynthKind,
}

#[derive(Subcommand, Debug)]
pub enum SynthKind {
    /// A non-contrast head CT, with or without hemorrhage: CT*.dcm, mask.bin and truth.json
    #[command(after_help = EXAMPLE)]
    HeadCt(HeadCtArgs),
    /// A non-contrast head CT, with or without early ischaemia: CT*.dcm, mask.bin and truth.json
    #[command(after_help = ISCHAEMIA_EXAMPLE)]
    Ischaemia(IschaemiaArgs),
    /// A CT angiogram of the head, with or without an occluded artery: CT*.dcm, mask.bin and truth.json
    #[command(after_help = CTA_EXAMPLE)]
    CtaHead(CtaHeadArgs),
    /// A CT pulmonary angiogram, with or without embolism: CT*.dcm, mask.bin and truth.json
    #[command(after_help = CTPA_EXAMPLE)]
    Ctpa(CtpaArgs),
    /// A chest radiograph, with or without a pneumothorax or a nodule: DX0001.dcm or CR0001.dcm, mask.bin and truth.json
    #[command(after_help = xray::EXAMPLE)]
    ChestXray(ChestXrayArgs),
}

#[derive(Args, Debug)]
pub struct HeadCtArgs {
    /// Type of hemorrhage
    #[arg(long, value_enum, default_value_t = FindingArg::Any)]
    pub finding: FindingArg,
    /// Decides everything that is not given
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Folder to write to; with --count above 1 each phantom gets a folder of its own in it, named by its seed
    #[arg(long)]
    pub out: PathBuf,
    /// Volume of blood, mL [default: 3 to 90, by the seed]
    #[arg(long, value_parser = positive::<300>)]
    pub volume_ml: Option<f64>,
    /// Distance of slices, mm [default: 0.625 to 5, by the seed]
    #[arg(long, value_parser = positive::<10>)]
    pub slice_mm: Option<f64>,
    /// Number of slices [default: as many as cover the head]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=800))]
    pub slices: Option<u32>,
    /// Rows and columns
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(32..=1024))]
    pub matrix: u32,
    /// How many, with consecutive seeds
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub count: u64,
    /// Write raw arrays for training (SEED.i16, SEED.u8, SEED.json) instead of DICOM
    #[arg(long)]
    pub dump: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FindingArg {
    None,
    /// Intraparenchymal
    Iph,
    /// Subdural
    Sdh,
    /// Epidural
    Edh,
    /// Subarachnoid
    Sah,
    /// Intraventricular
    Ivh,
    /// One of the five, by the seed
    Any,
}

/// A number above zero and at most `MOST`.
pub(super) fn positive<const MOST: u32>(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    let expected = format!("expected more than 0 and at most {MOST}");
    if value > 0.0 && value <= f64::from(MOST) {
        Ok(value)
    } else {
        Err(expected)
    }
}

impl From<FindingArg> for HeadFinding {
    fn from(arg: FindingArg) -> Self {
        match arg {
            FindingArg::None => Self::None,
            FindingArg::Iph => Self::Intraparenchymal,
            FindingArg::Sdh => Self::Subdural,
            FindingArg::Edh => Self::Epidural,
            FindingArg::Sah => Self::Subarachnoid,
            FindingArg::Ivh => Self::Intraventricular,
            FindingArg::Any => Self::Any,
        }
    }
}

/// Runs the command; 0 when everything was written, else 1 with the reason on standard error.
pub fn run(args: SynthArgs) -> ExitCode {
    match args.kind {
        SynthKind::HeadCt(args) => in_turn(args.seed, args.count, |seed| make(&args, seed)),
        SynthKind::Ischaemia(args) => in_turn(args.out.seed, args.out.count, |seed| {
            stroke::ischaemic(&args, seed)
        }),
        SynthKind::CtaHead(args) => in_turn(args.out.seed, args.out.count, |seed| {
            stroke::angiogram(&args, seed)
        }),
        SynthKind::Ctpa(args) => in_turn(args.seed, args.count, |seed| ctpa::make(&args, seed)),
        SynthKind::ChestXray(args) => in_turn(args.seed, args.count, |seed| xray::make(&args, seed)),
    }
}

/// Makes phantoms of consecutive seeds, one after the other.
fn in_turn<E: std::error::Error>(first: u64, count: u64, make: impl Fn(u64) -> Result<(), E>) -> ExitCode {
    let bar = ProgressBar::new(count); // hidden when standard error is no terminal
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} phantoms {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    for seed in (0..count).map(|n| first.wrapping_add(n)) {
        if let Err(error) = make(seed) {
            let cause = error.source().map(|e| format!(": {e}")).unwrap_or_default();
            eprintln!("tocsin synth: {error}{cause}");
            return ExitCode::FAILURE;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    ExitCode::SUCCESS
}

fn make(args: &HeadCtArgs, seed: u64) -> Result<(), WriteError> {
    let ct = head_ct(&spec(args, seed));
    if args.dump {
        return write_dump(&ct, &args.out);
    }
    let dir = folder(&args.out, args.count, seed);
    write_dicom(&ct, &PhantomIdentity::for_seed(seed), &dir).map(|_| ())
}

/// Of one phantom: several have a folder each, named by its seed.
fn folder(out: &Path, count: u64, seed: u64) -> PathBuf {
    match count {
        1 => out.to_owned(),
        _ => out.join(format!("{seed:06}")),
    }
}

fn spec(args: &HeadCtArgs, seed: u64) -> HeadCtSpec {
    HeadCtSpec {
        volume_ml: args.volume_ml,
        slice_mm: args.slice_mm,
        slices: args.slices.map(|n| n as usize),
        matrix: args.matrix as usize,
        ..HeadCtSpec::new(seed, args.finding.into())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        synth: SynthArgs,
    }

    fn check(line: &str, accepted: bool) {
        assert_eq!(
            Program::try_parse_from(line.split_whitespace()).is_ok(),
            accepted,
            "{line}"
        );
    }

    #[test]
    fn arguments_outside_their_bounds_are_usage_errors() {
        check("t head-ct --finding sdh --seed 7 --out d --volume-ml 30", true);
        check("t head-ct --out d --volume-ml -3", false);
        check("t head-ct --out d --slice-mm 0", false);
        check("t head-ct --finding tumour --out d", false);
        check("t head-ct --out d --matrix 9000", false);
        check("t head-ct", false);
        check(
            "t ischaemia --finding early --side left --regions 4 --out d",
            true,
        );
        check("t ischaemia --regions 11 --out d", false);
        check("t cta-head --finding m2 --collaterals 0.3 --out d", true);
        check("t cta-head --finding m7 --out d", false);
        check("t cta-head --collaterals 2 --out d", false);
        check(
            "t ctpa --finding saddle --rv-lv 1.3 --distractors many --out d",
            true,
        );
        check("t ctpa --finding stroke --out d", false);
        check("t ctpa --out d --rv-lv 3", false);
    }

    #[test]
    fn a_dump_holds_the_volume_the_mask_and_the_truth() {
        let dir = tempfile::tempdir().expect("a folder");
        let line = format!(
            "t head-ct --seed 3 --slices 2 --matrix 32 --dump --out {}",
            dir.path().display()
        );
        let program = Program::try_parse_from(line.split_whitespace()).expect("valid");
        assert_eq!(run(program.synth), ExitCode::SUCCESS);
        let size = |name: &str| std::fs::metadata(dir.path().join(name)).expect("written").len();
        assert_eq!(
            (size("000003.i16"), size("000003.u8")),
            (2 * 32 * 32 * 2, 2 * 32 * 32)
        );
        assert!(size("000003.json") > 100);
    }
}
