//! Opens a database and refuses one that would lose what was acknowledged: SQLite must run WAL with synchronous=FULL,
//! PostgreSQL must have fsync, synchronous_commit and full_page_writes on.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

use super::error::StoreError;

/// Connections that serve reads, and on PostgreSQL writes too.
const POOL: u32 = 8;
/// A connection that was used more lately than this is not asked whether it still stands: that would be a round trip for each
/// query. One that broke in between fails its query, as one does that breaks during it.
const STALE: Duration = Duration::from_secs(1);
const FILE_MODE: u32 = 0o600;

/// The connections of one database.
pub enum Connections {
    Sqlite {
        writer: DatabaseConnection,
        reader: DatabaseConnection,
    },
    Postgres(DatabaseConnection),
}

pub async fn open(url: &str) -> Result<Connections, StoreError> {
    if let Some(path) = sqlite_path(url) {
        return open_sqlite(path).await;
    }
    let db = Database::connect(options(url, POOL)).await?;
    check_postgres(&db).await?;
    Ok(Connections::Postgres(db))
}

/// The file of `sqlite://path`; `None` for another database.
pub fn sqlite_path(url: &str) -> Option<&Path> {
    url.strip_prefix("sqlite://")
        .map(|rest| Path::new(rest.split('?').next().unwrap_or(rest)))
}

async fn open_sqlite(path: &Path) -> Result<Connections, StoreError> {
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|_| StoreError::Unavailable("its folder cannot be made"))?;
    }
    // Patients are in it: for the owner alone. The files that SQLite puts beside it get the same mode.
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(FILE_MODE)
        .open(path)
        .map_err(|_| StoreError::Unavailable("its file cannot be made"))?;
    let url = format!("sqlite://{}", path.display());
    let writer = Database::connect(sqlite_options(&url, 1, false)).await?;
    check_sqlite(&writer).await?;
    let reader = Database::connect(sqlite_options(&url, POOL, true)).await?;
    check_sqlite(&reader).await?;
    Ok(Connections::Sqlite { writer, reader })
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    // Statement logs print values of rows.
    options
        .sqlx_logging(false)
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire_if_idle_for(STALE);
    options
}

fn sqlite_options(url: &str, connections: u32, query_only: bool) -> ConnectOptions {
    let mut options = options(url, connections);
    options.map_sqlx_sqlite_opts(move |sqlite| {
        let only = if query_only { "1" } else { "0" };
        sqlite
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL")
            .pragma("busy_timeout", "5000")
            .pragma("foreign_keys", "ON")
            .pragma("secure_delete", "ON")
            .pragma("query_only", only)
    });
    options
}

async fn check_sqlite(db: &DatabaseConnection) -> Result<(), StoreError> {
    let mode = pragma(db, DbBackend::Sqlite, "PRAGMA journal_mode").await?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::NotDurable(format!(
            "journal_mode is {mode}, wal is needed (a local disk)"
        )));
    }
    let synchronous = pragma_number(db, "PRAGMA synchronous").await?;
    if synchronous != 2 {
        return Err(StoreError::NotDurable(format!(
            "synchronous is {synchronous}, 2 (FULL) is needed"
        )));
    }
    Ok(())
}

async fn check_postgres(db: &DatabaseConnection) -> Result<(), StoreError> {
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let value = pragma(db, DbBackend::Postgres, &format!("SHOW {setting}")).await?;
        if value == "off" {
            return Err(StoreError::NotDurable(format!("{setting} is off, on is needed")));
        }
    }
    Ok(())
}

async fn pragma(db: &DatabaseConnection, backend: DbBackend, sql: &str) -> Result<String, StoreError> {
    let row = db
        .query_one_raw(Statement::from_string(backend, sql))
        .await?
        .ok_or(StoreError::Missing("setting"))?;
    Ok(row.try_get_by_index::<String>(0)?)
}

async fn pragma_number(db: &DatabaseConnection, sql: &str) -> Result<i32, StoreError> {
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Sqlite, sql))
        .await?
        .ok_or(StoreError::Missing("setting"))?;
    Ok(row.try_get_by_index::<i32>(0)?)
}
