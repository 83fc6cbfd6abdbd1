//! `tocsin synth ctpa`: arguments of a synthetic CT pulmonary angiogram, and its making.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{folder, positive};
use crate::imaging::phantom::{
    CTPA, CtpaSpec, Distractors, PeFinding, PhantomIdentity, WriteError, ctpa, write_dicom, write_dump,
};

#[derive(Args, Debug)]
pub struct CtpaArgs {
    /// Most proximal artery that holds clot
    #[arg(long, value_enum, default_value_t = PeArg::Any)]
    pub finding: PeArg,
    /// What else can be taken for a clot or hides one
    #[arg(long, value_enum, default_value_t = DistractorsArg::Drawn)]
    pub distractors: DistractorsArg,
    /// Decides everything that is not given
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Folder to write to; with --count above 1 each phantom gets a folder of its own in it, named by its seed
    #[arg(long)]
    pub out: PathBuf,
    /// Density of the pulmonary trunk, HU [default: 150 to 450, by the seed]
    #[arg(long, value_parser = positive::<800>)]
    pub trunk_hu: Option<f64>,
    /// Ratio of the widths of the right and left ventricle [default: 0.7 to 1.6, by the seed]
    #[arg(long, value_parser = positive::<2>)]
    pub rv_lv: Option<f64>,
    /// Distance of slices, mm [default: 1 to 2.5, by the seed]
    #[arg(long, value_parser = positive::<10>)]
    pub slice_mm: Option<f64>,
    /// Number of slices [default: as many as cover the lungs]
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
pub enum PeArg {
    None,
    Saddle,
    Main,
    Lobar,
    Segmental,
    Subsegmental,
    /// One of the five levels, by the seed
    Any,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DistractorsArg {
    None,
    Drawn,
    Many,
}

impl From<PeArg> for PeFinding {
    fn from(arg: PeArg) -> Self {
        match arg {
            PeArg::None => Self::None,
            PeArg::Saddle => Self::Saddle,
            PeArg::Main => Self::Main,
            PeArg::Lobar => Self::Lobar,
            PeArg::Segmental => Self::Segmental,
            PeArg::Subsegmental => Self::Subsegmental,
            PeArg::Any => Self::Any,
        }
    }
}

impl From<DistractorsArg> for Distractors {
    fn from(arg: DistractorsArg) -> Self {
        match arg {
            DistractorsArg::None => Self::None,
            DistractorsArg::Drawn => Self::Drawn,
            DistractorsArg::Many => Self::Many,
        }
    }
}

/// Makes and writes the phantom of one seed.
pub(super) fn make(args: &CtpaArgs, seed: u64) -> Result<(), WriteError> {
    let ct = ctpa(&spec(args, seed));
    if args.dump {
        return write_dump(&ct, &args.out);
    }
    let dir = folder(&args.out, args.count, seed);
    write_dicom(&ct, &PhantomIdentity::for_study(&CTPA, seed), &dir).map(|_| ())
}

fn spec(args: &CtpaArgs, seed: u64) -> CtpaSpec {
    CtpaSpec {
        distractors: args.distractors.into(),
        trunk_hu: args.trunk_hu,
        rv_lv: args.rv_lv,
        slice_mm: args.slice_mm,
        slices: args.slices.map(|n| n as usize),
        matrix: args.matrix as usize,
        ..CtpaSpec::new(seed, args.finding.into())
    }
}
