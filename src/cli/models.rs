//! `tocsin models`: verifies model packages by running them. It changes no active version and needs no configuration.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Failure, block_on};
use crate::app::WORKER_COMMAND;
use crate::config::shipped;
use crate::inference::library::{self, Search};
use crate::inference::onnx::Provider;
use crate::inference::pool::{Pool, PoolConfig};
use crate::inference::verify::{Fit, Verified, verify};

/// A check on a workstation may take longer than one in service.
const DEADLINE: Duration = Duration::from_secs(600);
const MEMORY: u64 = 8 << 30;

/// Verify model packages
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tocsin models verify models")]
pub struct Models {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Check manifests, hashes and networks, open each model and run its golden cases
    #[command(after_help = "Example:\n  tocsin models verify models")]
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// A package, or a folder of packages; the shipped ones when left out
    dir: Option<PathBuf>,
    /// The ONNX Runtime library; when left out it is searched for
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// Try these before the CPU
    #[arg(long, value_enum)]
    provider: Vec<Accelerator>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Accelerator {
    Cuda,
    Tensorrt,
}

impl Models {
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            ModelsCommand::Verify(args) => run_verify(args),
        }
    }
}

fn run_verify(args: VerifyArgs) -> Result<(), Failure> {
    let dir = args.dir.or_else(|| shipped::folder("models"));
    let dir =
        dir.ok_or_else(|| Failure::because("no models: none are shipped beside the program, name a folder"))?;
    let search = Search {
        configured: args.library,
        environment: None,
        folders: shipped::folder(".runtime")
            .into_iter()
            .chain(shipped::beside())
            .collect(),
    };
    let provider = |accelerator: &Accelerator| match accelerator {
        Accelerator::Cuda => Provider::Cuda,
        Accelerator::Tensorrt => Provider::Tensorrt,
    };
    let pool = Pool::new(PoolConfig {
        program: std::env::current_exe()?,
        arguments: vec![WORKER_COMMAND.to_owned()],
        library: Ok(std::fs::canonicalize(library::locate(&search)?.path)?),
        providers: args.provider.iter().map(provider).collect(),
        device_id: 0,
        memory_bytes: MEMORY,
        deadline: DEADLINE,
        environment: Vec::new(),
    });
    let dir = std::fs::canonicalize(&dir)
        .map_err(|error| Failure::because(format!("{}: {error}", dir.display())))?;
    let verified = block_on(async { Ok(verify(&dir, &pool).await?) })?;
    if verified.is_empty() {
        return Err(Failure::because(format!(
            "{} holds no model package",
            dir.display()
        )));
    }
    let unfit = verified.into_iter().map(print).filter(|fit| !fit).count();
    match unfit {
        0 => Ok(()),
        unfit => Err(Failure::because(format!(
            "{unfit} of the packages may not be activated"
        ))),
    }
}

/// One line per package and one per golden figure; whether the package is fit.
fn print(verified: Verified) -> bool {
    let folder = verified.folder.display().to_string();
    match verified.result {
        Ok(fit) => {
            print_fit(&folder, &fit);
            true
        }
        Err(error) => {
            println!("wrong    {folder}: {}", Failure::from(error));
            false
        }
    }
}

fn print_fit(folder: &str, fit: &Fit) {
    let (report, model) = (&fit.report, &fit.report.model);
    println!(
        "ok       {} {} in {folder}: {} nodes, opset {}, ONNX Runtime {} on {:?}, opened in {} ms",
        model.name,
        model.version,
        fit.census.nodes,
        fit.census.opset,
        report.library_version,
        report.provider_used,
        report.load_ms
    );
    for fallback in &report.fallbacks {
        println!(
            "warning  {:?} was not used: {}",
            fallback.provider, fallback.reason
        );
    }
    for case in &report.golden {
        println!(
            "ok       golden `{}`: {:?} of {} is {:.4}, expected {} ± {}",
            case.case, case.figure, case.class, case.found, case.expected, case.tolerance
        );
    }
}
