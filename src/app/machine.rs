//! The machine's clock, randomness and name: the only place that asks for them.

use std::path::PathBuf;
use std::sync::Arc;

use tocsin_domain::clock::{Clock, Timestamp, from_micros, to_micros};
use tocsin_domain::ids::IdGen;
use uuid::Uuid;

/// The clock of this machine, in UTC, to the microsecond that the database keeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "everything else asks this clock")]
    fn now(&self) -> Timestamp {
        from_micros(to_micros(chrono::Utc::now()))
    }
}

/// Random version 4 UUIDs.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl IdGen for RandomIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "everything else asks this source of ids"
    )]
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

pub fn ids() -> Arc<dyn IdGen> {
    Arc::new(RandomIds)
}

/// What a service asks of the machine it runs on. Stories hand in a clock that they move, and ids that count.
#[derive(Clone)]
pub struct Machine {
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdGen>,
    /// The program that is started again to decode and infer.
    pub program: PathBuf,
}

impl Machine {
    /// This one.
    pub fn this() -> std::io::Result<Self> {
        Ok(Self {
            clock: clock(),
            ids: ids(),
            program: std::env::current_exe()?,
        })
    }
}

/// A fresh key from the operating system's generator.
pub fn fresh_key() -> [u8; 32] {
    rand::random()
}

/// The name of this machine, for leases and mail.
pub fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let safe: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        .collect();
    if safe.is_empty() {
        "localhost".to_owned()
    } else {
        safe
    }
}
