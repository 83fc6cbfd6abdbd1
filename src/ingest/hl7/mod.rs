//! HL7 v2 over MLLP: frames, text, meaning, answers, and the listener around them. Everything but [`listener`] is pure.

pub mod ack;
mod answers;
mod appointments;
pub mod batch;
mod connection;
pub mod event;
mod gather;
pub mod header;
mod later;
pub mod listener;
pub mod orders;
pub mod patients;
pub mod reports;
pub mod reread;
pub mod rows;
pub mod samples;
pub mod settings;
pub mod sink;
pub mod time;
pub mod vendor_results;

use chrono_tz::Tz;
use tocsin_domain::clock::Timestamp;

pub use crate::deliver::mllp_frame as mllp;
pub use crate::report::hl7_problem as problem;
pub use crate::report::hl7_tree as tree;
use crate::report::read_profile::ReadProfile;
use vendor_results::AiSender;

/// What reading a message depends on, besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    pub profile: &'a ReadProfile,
    /// The zone of times that come without an offset.
    pub zone: Tz,
    /// MSH-11 that are taken.
    pub processing_ids: &'a [String],
    /// Whose ORU^R01 are results of products; everybody else's are reports.
    pub ai_senders: &'a [AiSender],
    pub received_at: Timestamp,
}

impl Reading<'_> {
    pub fn time(&self, text: &str) -> Option<Timestamp> {
        time::read(text, self.zone)
    }
}
