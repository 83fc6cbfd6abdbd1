//! What can go wrong with the database, reduced to what a caller can act on. Never carries values of rows.

use sea_orm::{DbErr, RuntimeErr};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database could not be reached or is busy ({0})")]
    Unavailable(&'static str),
    #[error("a row with this key exists already")]
    Conflict,
    #[error("{table}.{column} of {id} holds something this version cannot read")]
    Inconsistent {
        table: &'static str,
        column: &'static str,
        id: String,
    },
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// Another worker holds the job now; everything written under the old lease is undone.
    #[error("the lease on this job was lost")]
    Fenced,
    #[error("{0}")]
    Refused(String),
    #[error("a statement failed ({0})")]
    Statement(String),
    #[error("the database is not set up as durability needs: {0}")]
    NotDurable(String),
}

impl StoreError {
    /// Whether the same write may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Conflict
            | Self::Inconsistent { .. }
            | Self::Missing(_)
            | Self::Fenced
            | Self::Refused(_)
            | Self::Statement(_)
            | Self::NotDurable(_) => false,
        }
    }
}

impl From<DbErr> for StoreError {
    /// Database messages quote values of rows, so only their kind and code are kept.
    fn from(error: DbErr) -> Self {
        match &error {
            DbErr::ConnectionAcquire(_) => Self::Unavailable("no free connection"),
            DbErr::Conn(_) => Self::Unavailable("connection"),
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                from_sqlx(cause)
            }
            DbErr::RecordNotUpdated | DbErr::RecordNotFound(_) => Self::Missing("row"),
            other => Self::Statement(kind_of(other)),
        }
    }
}

fn from_sqlx(cause: &sea_orm::SqlxError) -> StoreError {
    use sea_orm::SqlxError;
    match cause {
        SqlxError::Database(db) if db.is_unique_violation() => StoreError::Conflict,
        SqlxError::Database(db) => {
            let code = db.code().map(|c| c.into_owned()).unwrap_or_default();
            match code.as_str() {
                // SQLite: busy, locked, disk full. PostgreSQL: shutdown, serialisation, deadlock, disk full.
                "5" | "6" | "261" | "517" | "40001" | "40P01" | "57P01" | "57P02" | "57P03" => {
                    StoreError::Unavailable("busy")
                }
                "13" | "53100" => StoreError::Unavailable("disk full"),
                _ => StoreError::Statement(format!("code {code}")),
            }
        }
        SqlxError::Io(_) | SqlxError::PoolTimedOut | SqlxError::PoolClosed | SqlxError::WorkerCrashed => {
            StoreError::Unavailable("connection")
        }
        _ => StoreError::Statement("driver".to_owned()),
    }
}

/// The variant's name: all of a `DbErr` that is safe to print.
fn kind_of(error: &DbErr) -> String {
    let text = format!("{error:?}");
    text.split(['(', ' ', '{']).next().unwrap_or("unknown").to_owned()
}
