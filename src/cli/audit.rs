//! `tocsin audit`: looks after the audit chain. It never changes an entry.

use clap::{Args, Subcommand};

use super::{ConfigFile, Failure, block_on};
use crate::app::{load, machine};
use crate::storage::Store;
use crate::storage::audit::{self, Verdict};

/// Verify the audit chain
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tocsin audit verify --config tocsin.toml")]
pub struct Audit {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Walk the chain from its first entry; fails at the first entry that was changed, dropped or moved
    #[command(after_help = "Example:\n  tocsin audit verify --config tocsin.toml")]
    Verify {
        #[command(flatten)]
        file: ConfigFile,
    },
}

impl Audit {
    pub fn run(self) -> Result<(), Failure> {
        let AuditCommand::Verify { file } = self.command;
        let config = file.load()?;
        block_on(async {
            let keys = load::keys(&config)?;
            let url = config.database.url.expose();
            let store = Store::open(&url, machine::clock(), machine::ids(), keys.audit).await?;
            match audit::verify(&store).await? {
                Verdict::Whole { entries } => {
                    println!("the audit chain is whole: {entries} entries");
                    Ok(())
                }
                Verdict::Broken(broken) => {
                    Err(Failure::because(format!("the audit chain is broken: {broken}")))
                }
            }
        })
    }
}
