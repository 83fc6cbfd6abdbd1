//! `tocsin migrate`: brings the database to the schema of this version. It changes no rows of its own accord.

use clap::Args;
use sea_orm::DatabaseConnection;
use tocsin_migrations::{Migrator, MigratorTrait};

use super::{ConfigFile, Failure, block_on};
use crate::storage::connect::{self, Connections};

/// Bring the database to the schema of this version (serve does it too)
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tocsin migrate --config tocsin.toml\n  tocsin migrate --status")]
pub struct Migrate {
    #[command(flatten)]
    file: ConfigFile,
    /// Only say what would be applied
    #[arg(long)]
    status: bool,
}

impl Migrate {
    pub fn run(self) -> Result<(), Failure> {
        let config = self.file.load()?;
        block_on(async {
            let connections = connect::open(&config.database.url.expose()).await?;
            let database = match &connections {
                Connections::Sqlite { writer, .. } => writer,
                Connections::Postgres(database) => database,
            };
            let pending = pending(database).await?;
            for name in &pending {
                println!("{name}");
            }
            if self.status || pending.is_empty() {
                eprintln!("{} to apply", pending.len());
                return Ok(());
            }
            Migrator::up(database, None)
                .await
                .map_err(crate::storage::StoreError::from)?;
            eprintln!("{} applied", pending.len());
            Ok(())
        })
    }
}

async fn pending(database: &DatabaseConnection) -> Result<Vec<String>, Failure> {
    let pending = Migrator::get_pending_migrations(database)
        .await
        .map_err(crate::storage::StoreError::from)?;
    Ok(pending
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect())
}
