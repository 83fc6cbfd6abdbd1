//! The commands. Each file is one of them: its arguments, and a thin shell that loads, calls and prints. Answers go to
//! standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrongly called.

mod activate;
mod audit;
mod check;
mod conformance;
pub mod demo;
mod failure;
pub mod hl7;
mod migrate;
mod models;
mod password;
mod replay;
pub mod rules;
mod send;
mod serve;
mod simulate;
pub mod synth;
pub mod token;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use failure::Failure;

use crate::app::WORKER_COMMAND;
use crate::config::Config;
use crate::inference::child;
use crate::telemetry;

/// Radiology worklist triage: orders and images in, models and rules, worklist, results and pages out.
#[derive(Debug, Parser)]
#[command(
    name = "tocsin",
    version,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Send(send::Send),
    Serve(serve::Serve),
    Check(check::Check),
    Synth(synth::SynthArgs),
    Rules(rules::RulesArgs),
    Hl7(hl7::Hl7Args),
    Conformance(conformance::Conformance),
    Simulate(simulate::Simulate),
    Models(models::Models),
    Replay(replay::Replay),
    Token(token::Token),
    User(user::User),
    Audit(audit::Audit),
    Migrate(migrate::Migrate),
    Activate(activate::Activate),
}

impl Command {
    fn run(self) -> Result<ExitCode, Failure> {
        let done = match self {
            Self::Demo(demo) => demo.run(),
            Self::Send(send) => send.run(),
            Self::Serve(serve) => serve.run(),
            Self::Check(check) => check.run(),
            Self::Synth(synth) => return Ok(synth::run(synth)),
            Self::Rules(rules) => return Ok(passed(rules::run(&rules, &mut std::io::stdout())?)),
            Self::Hl7(hl7) => return Ok(passed(hl7::run(&hl7, &mut std::io::stdout())?)),
            Self::Conformance(conformance) => conformance.run(),
            Self::Simulate(simulate) => simulate.run(),
            Self::Models(models) => models.run(),
            Self::Replay(replay) => replay.run(),
            Self::Token(token) => token.run(),
            Self::User(user) => user.run(),
            Self::Audit(audit) => audit.run(),
            Self::Migrate(migrate) => migrate.run(),
            Self::Activate(activate) => activate.run(),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

fn passed(all_is_well: bool) -> ExitCode {
    if all_is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// `--config`, for every command that needs one.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "tocsin.toml")]
    pub config: PathBuf,
}

impl ConfigFile {
    pub fn load(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.config)?)
    }
}

/// Parses the arguments of this process, runs the command, and says on standard error why it failed.
pub fn run() -> ExitCode {
    telemetry::quiet_panics();
    // Its arguments and its output are a protocol of our own, not for people.
    if std::env::args().nth(1).is_some_and(|name| name == WORKER_COMMAND) {
        return child::worker_main();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are answers, not mistakes; clap knows the difference.
        Err(error) => error.exit(),
    };
    match cli.command.run() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("tocsin: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a future to its end on a runtime of its own.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_put_together_without_contradiction() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_helps_with_an_example() {
        for command in Cli::command().get_subcommands_mut() {
            let name = command.get_name().to_owned();
            let help = command.render_long_help().to_string();
            assert!(help.contains("Example"), "{name} --help has no example");
        }
    }
}
