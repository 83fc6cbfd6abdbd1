//! `tocsin synth chest-xray`: its arguments, and the loop that makes images and writes them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{folder, positive};
use crate::imaging::phantom::chest_xray::{
    ChestSide, ChestXraySpec, ChestXrayWriteError, NoduleSpec, PneumothoraxSpec, View, chest_xray,
    chest_xray_identity, write_dicom, write_dump,
};

pub const EXAMPLE: &str = "Examples:\n  \
    tocsin synth chest-xray --ptx-cm 3 --side right --seed 7 --out ./ptx\n  \
    tocsin synth chest-xray --patient-seed 5 --seed 1 --date 20250601 --nodule-mm 18 --out ./before\n  \
    tocsin synth chest-xray --patient-seed 5 --seed 2 --date 20251201 --nodule-mm 23 --out ./now";

#[derive(Args, Debug)]
pub struct ChestXrayArgs {
    /// Decides everything that is not given
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Decides the anatomy: images with the same one are of the same patient [default: the seed]
    #[arg(long)]
    pub patient_seed: Option<u64>,
    /// Date of the study, YYYYMMDD
    #[arg(long, default_value = "20260101", value_parser = date)]
    pub date: String,
    /// Folder to write to; with --count above 1 each image gets a folder of its own in it, named by its seed
    #[arg(long)]
    pub out: PathBuf,
    /// A pneumothorax with this distance of the pleurae at the apex, cm
    #[arg(long, value_parser = positive::<12>)]
    pub ptx_cm: Option<f64>,
    /// The pneumothorax is under tension
    #[arg(long, requires = "ptx_cm")]
    pub tension: bool,
    /// A nodule of this diameter, mm
    #[arg(long, value_parser = positive::<80>)]
    pub nodule_mm: Option<f64>,
    /// The patient's side of what is to be found [default: by the seed]
    #[arg(long, value_enum)]
    pub side: Option<SideArg>,
    /// Cases as in a mixed worklist, by the seed
    #[arg(long, conflicts_with_all = ["ptx_cm", "nodule_mm", "side"])]
    pub mixed: bool,
    /// Direction of the beam [default: by the seed]
    #[arg(long, value_enum)]
    pub view: Option<ViewArg>,
    /// Rows and columns
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(128..=2048))]
    pub matrix: u32,
    /// How many, with consecutive seeds
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub count: u64,
    /// Write raw arrays for training (SEED.u16, SEED.u8, SEED.json) instead of DICOM
    #[arg(long)]
    pub dump: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SideArg {
    Left,
    Right,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ViewArg {
    Pa,
    Ap,
    /// AP at the bedside
    Portable,
}

/// Eight digits that are a day of the calendar.
fn date(text: &str) -> Result<String, String> {
    chrono::NaiveDate::parse_from_str(text, "%Y%m%d")
        .ok()
        .filter(|_| text.len() == 8)
        .map(|_| text.to_owned())
        .ok_or_else(|| format!("`{text}` is not a date as YYYYMMDD"))
}

/// Makes and writes the image of one seed.
pub fn make(args: &ChestXrayArgs, seed: u64) -> Result<(), ChestXrayWriteError> {
    let spec = spec(args, seed);
    let image = chest_xray(&spec);
    if args.dump {
        return write_dump(&image, &args.out);
    }
    let identity = chest_xray_identity(spec.patient(), seed, &args.date);
    let dir = folder(&args.out, args.count, seed);
    write_dicom(&image, &identity, &dir).map(|_| ())
}

fn spec(args: &ChestXrayArgs, seed: u64) -> ChestXraySpec {
    let side = args.side.map(|side| match side {
        SideArg::Left => ChestSide::Left,
        SideArg::Right => ChestSide::Right,
    });
    let case = if args.mixed {
        ChestXraySpec::mixed(seed)
    } else {
        ChestXraySpec {
            pneumothorax: args.ptx_cm.map(|apex_cm| PneumothoraxSpec {
                side,
                tension: args.tension,
                ..PneumothoraxSpec::new(apex_cm)
            }),
            nodule: args.nodule_mm.map(|mm| NoduleSpec {
                side,
                ..NoduleSpec::new(mm)
            }),
            ..ChestXraySpec::new(seed)
        }
    };
    ChestXraySpec {
        patient_seed: args.patient_seed,
        view: args.view.map(|view| match view {
            ViewArg::Pa => View::Pa,
            ViewArg::Ap => View::Ap,
            ViewArg::Portable => View::PortableAp,
        }),
        matrix: args.matrix as usize,
        ..case
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use clap::Parser;

    use super::super::{SynthArgs, run};

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        synth: SynthArgs,
    }

    fn parsed(line: &str) -> Result<Program, clap::Error> {
        Program::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn arguments_outside_their_bounds_are_usage_errors() {
        for (line, accepted) in [
            (
                "t chest-xray --out d --ptx-cm 3 --side left --tension --view portable",
                true,
            ),
            (
                "t chest-xray --out d --patient-seed 5 --date 20250601 --nodule-mm 18",
                true,
            ),
            ("t chest-xray --out d --mixed --count 20 --dump", true),
            ("t chest-xray --out d --tension", false),
            ("t chest-xray --out d --date 20251301", false),
            ("t chest-xray --out d --matrix 64", false),
            ("t chest-xray --out d --mixed --ptx-cm 2", false),
            ("t chest-xray", false),
        ] {
            assert_eq!(parsed(line).is_ok(), accepted, "{line}");
        }
    }

    #[test]
    fn one_image_is_written_with_its_mask_and_its_truth() {
        let dir = tempfile::tempdir().expect("a folder");
        let line = format!(
            "t chest-xray --seed 3 --matrix 128 --ptx-cm 2 --out {}",
            dir.path().display()
        );
        assert_eq!(run(parsed(&line).expect("valid").synth), ExitCode::SUCCESS);
        let size = |name: &str| std::fs::metadata(dir.path().join(name)).expect("written").len();
        assert_eq!(size("mask.bin"), 128 * 128);
        assert!(size("truth.json") > 100);
    }
}
