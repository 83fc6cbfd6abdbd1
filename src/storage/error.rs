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
    /// PostgreSQL keeps no NUL in texts and documents.
    #[error("a text holds a NUL character, which cannot be kept")]
    Nul,
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
            | Self::Nul
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
            from_code(&code)
        }
        SqlxError::Io(_) | SqlxError::PoolTimedOut | SqlxError::PoolClosed | SqlxError::WorkerCrashed => {
            StoreError::Unavailable("connection")
        }
        _ => StoreError::Statement("driver".to_owned()),
    }
}

/// By SQLSTATE, which has five characters, or by SQLite's result code, whose low byte is the kind of error and which has
/// fewer. A failing disk is no fault of the work that met it: it is tried again.
fn from_code(code: &str) -> StoreError {
    let state = match code {
        // Shutdown, serialisation, deadlock.
        "40001" | "40P01" | "57P01" | "57P02" | "57P03" => Some("busy"),
        "53100" => Some("disk full"),
        "58030" => Some("disk error"),
        _ => None,
    };
    let sqlite = || {
        let number: u32 = code.parse().ok().filter(|_| code.len() < 5)?;
        match number & 0xff {
            // SQLITE_BUSY, LOCKED; FULL; IOERR and CANTOPEN.
            5 | 6 => Some("busy"),
            13 => Some("disk full"),
            10 | 14 => Some("disk error"),
            _ => None,
        }
    };
    if ["22021", "22P05"].contains(&code) {
        return StoreError::Nul;
    }
    match state.or_else(sqlite) {
        Some(why) => StoreError::Unavailable(why),
        None => StoreError::Statement(format!("code {code}")),
    }
}

/// The variant's name: all of a `DbErr` that is safe to print.
fn kind_of(error: &DbErr) -> String {
    let text = format!("{error:?}");
    text.split(['(', ' ', '{']).next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_disk_is_met_again_and_a_wrong_statement_is_not() {
        for code in ["5", "517", "13", "10", "1034", "778", "53100", "58030", "40001"] {
            assert!(from_code(code).is_transient(), "{code}");
        }
        for code in ["1", "19", "", "42601", "10000", "22P02"] {
            assert!(!from_code(code).is_transient(), "{code}");
        }
    }
}
