//! `[database]`: where state is kept. It names a database and never opens it.

use std::num::NonZeroU32;
use std::path::Path;

use serde::Deserialize;

use super::value::DatabaseUrl;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: DatabaseUrl,
    /// Of PostgreSQL, or readers of SQLite (which has one writer).
    pub max_connections: NonZeroU32,
}

impl Database {
    pub(super) fn resolve(&mut self, base: &Path) {
        if let DatabaseUrl::Sqlite(path) = &mut self.url {
            *path = base.join(&*path);
        }
    }

    /// The folder in which keys are kept when the configuration names no other.
    pub(super) fn folder(&self, base: &Path) -> std::path::PathBuf {
        match &self.url {
            DatabaseUrl::Sqlite(path) => path.parent().unwrap_or(base).to_owned(),
            DatabaseUrl::Postgres(_) => base.join("data"),
        }
    }
}
