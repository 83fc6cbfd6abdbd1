//! `tocsin demo`: a synthetic hospital around the real service, over real sockets on this machine. Every patient is a
//! phantom with a made-up name. It is no way to run the service for anybody.

pub mod archive;
mod evidence;
pub mod exam;
mod hospital;
pub mod http;
mod live;
mod mail;
mod on_call;
mod once;
pub mod outcome;
pub mod ris;
pub mod scanner;
mod table;
pub mod visit;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::hospital::Hospital;
use self::outcome::Outcome;
use super::{Failure, block_on};
use crate::app::machine;

/// The port of the pages, unless said otherwise.
const PORT: u16 = 8080;
/// Seed of the positive study of `--once`.
const SEED: u64 = 7_340_001;

/// Run a synthetic hospital around the service, to look at
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tocsin demo\n  tocsin demo --once --json outcome.json\n\nEvery patient is made up. Stop with Ctrl-C."
)]
pub struct Demo {
    /// One positive and one negative study through everything; fails unless all of it happens
    #[arg(long)]
    once: bool,
    /// Write what happened, with the latency of each stage, to this file
    #[arg(long, value_name = "FILE", requires = "once")]
    json: Option<PathBuf>,
    /// Port of the pages [default: 8080; with --once a free one]
    #[arg(long)]
    port: Option<u16>,
    /// Keep everything in this folder [default: a temporary one that is removed]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Decides the phantoms of --once
    #[arg(long, default_value_t = SEED, requires = "once")]
    seed: u64,
    /// Print the JSON schema of the outcome and nothing else
    #[arg(long, exclusive = true)]
    schema: bool,
}

impl Demo {
    pub fn run(self) -> Result<(), Failure> {
        if self.schema {
            print!("{}", outcome::schema());
            return Ok(());
        }
        block_on(async {
            let port = self.port.unwrap_or(if self.once { 0 } else { PORT });
            // What one round shows is the way of one finding; a living department has them all.
            let models = self.once.then_some("ich");
            let hospital = Hospital::open(port, self.data.as_deref(), models).await?;
            if self.once {
                self.once(hospital).await
            } else {
                live(hospital).await
            }
        })
    }

    async fn once(&self, hospital: Hospital) -> Result<(), Failure> {
        let done = once::run(&hospital, self.seed).await;
        hospital.close().await;
        let outcome = done?;
        if let Some(path) = &self.json {
            let text = serde_json::to_string_pretty(&outcome)? + "\n";
            std::fs::write(path, text).map_err(|error| {
                Failure::because(format!("{} cannot be written: {error}", path.display()))
            })?;
        }
        println!("{}", table::render(&outcome));
        verdict(&outcome)
    }
}

fn verdict(outcome: &Outcome) -> Result<(), Failure> {
    let missing: Vec<&str> = outcome
        .checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| check.name.as_str())
        .collect();
    if missing.is_empty() {
        println!("all of it happened, in {:.1} s", outcome.took_ms as f64 / 1000.0);
        return Ok(());
    }
    Err(Failure::because(format!(
        "after {:.0} s this had not happened:\n  {}",
        outcome.took_ms as f64 / 1000.0,
        missing.join("\n  ")
    )))
}

async fn live(hospital: Hospital) -> Result<(), Failure> {
    let addresses = hospital.running.addresses;
    let token = hospital.api.token.clone().unwrap_or_default();
    println!(
        "A synthetic hospital is running. Every patient is made up; nothing here is for clinical use.\n"
    );
    println!("  open       http://{}/ and choose a role", addresses.http);
    println!("  token      {token}, for the API");
    println!("  DICOM      {} (AE TOCSIN)", addresses.dicom);
    println!("  HL7 MLLP   {}\n\nStop with Ctrl-C.\n", addresses.hl7);
    let (hospital, stop) = (Arc::new(hospital), CancellationToken::new());
    let traffic = tokio::spawn(live::run(hospital.clone(), stop.clone()));
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    println!("\nstopping");
    stop.cancel();
    traffic.await?;
    match Arc::try_unwrap(hospital) {
        Ok(hospital) => hospital.close().await,
        Err(_) => return Err(Failure::because("something still holds the hospital open")),
    }
    Ok(())
}

/// One line of what happens, with the time (UTC).
fn say(line: &str) {
    println!("{}  {line}", machine::clock().now().format("%H:%M:%S"));
}
