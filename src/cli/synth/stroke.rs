//! `tocsin synth ischaemia` and `tocsin synth cta-head`: arguments of synthetic stroke studies, and their making.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{folder, positive};
use crate::imaging::phantom::{
    Ct, CtaFinding, CtaHeadSpec, Degree, IschaemiaFinding, IschaemiaSpec, PhantomIdentity, Side, WriteError,
    cta_head, ischaemia, write_dicom, write_dump,
};

/// What all kinds share: seeds, the scan and where to write.
#[derive(Args, Debug)]
pub struct OutArgs {
    /// Decides everything that is not given
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Folder to write to; with --count above 1 each phantom gets a folder of its own in it, named by its seed
    #[arg(long)]
    pub out: PathBuf,
    /// Distance of slices, mm [default: by the seed]
    #[arg(long, value_parser = positive::<5>)]
    pub slice_mm: Option<f64>,
    /// Number of slices [default: as many as cover the head]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub slices: Option<u32>,
    /// Rows and columns
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(32..=1024))]
    pub matrix: u32,
    /// The patient's side [default: by the seed]
    #[arg(long, value_enum)]
    pub side: Option<SideArg>,
    /// How many, with consecutive seeds
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub count: u64,
    /// Write raw arrays for training (SEED.i16, SEED.u8, SEED.json) instead of DICOM
    #[arg(long)]
    pub dump: bool,
}

#[derive(Args, Debug)]
pub struct IschaemiaArgs {
    /// What is wrong with the tissue
    #[arg(long, value_enum, default_value_t = IschaemiaArg::Any)]
    pub finding: IschaemiaArg,
    /// How much density is lost [default: by the seed]
    #[arg(long, value_enum)]
    pub degree: Option<DegreeArg>,
    /// Number of affected ASPECTS regions [default: by the seed]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub regions: Option<u32>,
    #[command(flatten)]
    pub out: OutArgs,
}

#[derive(Args, Debug)]
pub struct CtaHeadArgs {
    /// Which artery is occluded
    #[arg(long, value_enum, default_value_t = CtaArg::Any)]
    pub finding: CtaArg,
    /// Density of the arteries, HU [default: 150 to 450, by the seed]
    #[arg(long, value_parser = positive::<800>)]
    pub contrast_hu: Option<f64>,
    /// How well vessels behind the occlusion fill, up to 1 [default: 0 to 0.6, by the seed]
    #[arg(long, value_parser = positive::<1>)]
    pub collaterals: Option<f64>,
    #[command(flatten)]
    pub out: OutArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SideArg {
    Left,
    Right,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DegreeArg {
    Subtle,
    Moderate,
    Frank,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum IschaemiaArg {
    None,
    /// Early ischaemic change
    Early,
    OldInfarct,
    Leukoaraiosis,
    /// One of the four, by the seed
    Any,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CtaArg {
    None,
    IcaTerminus,
    M1Proximal,
    M1Distal,
    M2,
    /// One of the four, by the seed
    Any,
}

impl From<SideArg> for Side {
    fn from(arg: SideArg) -> Self {
        match arg {
            SideArg::Left => Self::Left,
            SideArg::Right => Self::Right,
        }
    }
}

impl From<DegreeArg> for Degree {
    fn from(arg: DegreeArg) -> Self {
        match arg {
            DegreeArg::Subtle => Self::Subtle,
            DegreeArg::Moderate => Self::Moderate,
            DegreeArg::Frank => Self::Frank,
        }
    }
}

impl From<IschaemiaArg> for IschaemiaFinding {
    fn from(arg: IschaemiaArg) -> Self {
        match arg {
            IschaemiaArg::None => Self::None,
            IschaemiaArg::Early => Self::Early,
            IschaemiaArg::OldInfarct => Self::OldInfarct,
            IschaemiaArg::Leukoaraiosis => Self::Leukoaraiosis,
            IschaemiaArg::Any => Self::Any,
        }
    }
}

impl From<CtaArg> for CtaFinding {
    fn from(arg: CtaArg) -> Self {
        match arg {
            CtaArg::None => Self::None,
            CtaArg::IcaTerminus => Self::IcaTerminus,
            CtaArg::M1Proximal => Self::M1Proximal,
            CtaArg::M1Distal => Self::M1Distal,
            CtaArg::M2 => Self::M2,
            CtaArg::Any => Self::Any,
        }
    }
}

/// Makes and writes one head CT for suspected stroke.
pub fn ischaemic(args: &IschaemiaArgs, seed: u64) -> Result<(), WriteError> {
    let mut spec = IschaemiaSpec {
        degree: args.degree.map(Into::into),
        side: args.out.side.map(Into::into),
        regions: args.regions.map(|n| n as usize),
        ..IschaemiaSpec::new(seed, args.finding.into())
    };
    spec.head.slice_mm = args.out.slice_mm;
    spec.head.slices = args.out.slices.map(|n| n as usize);
    spec.head.matrix = args.out.matrix as usize;
    write(&ischaemia(&spec), &args.out)
}

/// Makes and writes one CT angiogram of the head.
pub fn angiogram(args: &CtaHeadArgs, seed: u64) -> Result<(), WriteError> {
    let ct = cta_head(&CtaHeadSpec {
        side: args.out.side.map(Into::into),
        contrast_hu: args.contrast_hu,
        collaterals: args.collaterals,
        slice_mm: args.out.slice_mm,
        slices: args.out.slices.map(|n| n as usize),
        matrix: args.out.matrix as usize,
        ..CtaHeadSpec::new(seed, args.finding.into())
    });
    write(&ct, &args.out)
}

fn write<T: Serialize>(ct: &Ct<T>, args: &OutArgs) -> Result<(), WriteError> {
    if args.dump {
        return write_dump(ct, &args.out);
    }
    let dir = folder(&args.out, args.count, ct.seed);
    write_dicom(ct, &PhantomIdentity::for_study(&ct.study, ct.seed), &dir).map(|_| ())
}
