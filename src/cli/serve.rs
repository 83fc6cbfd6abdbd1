//! `tocsin serve`: runs the service until it is told to stop.

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{ConfigFile, Failure, block_on};
use crate::{app, telemetry};

/// Run the service until SIGTERM or Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tocsin serve --config tocsin.toml")]
pub struct Serve {
    #[command(flatten)]
    file: ConfigFile,
}

impl Serve {
    pub fn run(self) -> Result<(), Failure> {
        let config = self.file.load()?;
        telemetry::init(&config.log);
        for warning in config.warnings() {
            tracing::warn!(warning, "configuration");
        }
        block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            let running = app::start(config).await?;
            if let Some(code) = &running.setup_code {
                let address = running.addresses.http;
                eprintln!("No account exists yet. Open http://{address}/setup and enter this code: {code}");
            }
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            running.stop().await;
            Ok(())
        })
    }
}
