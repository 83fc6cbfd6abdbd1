//! Reads a kept message as its sender's profile stands now.

use tocsin_domain::clock::Timestamp;
use tocsin_domain::order::Hl7Event;

use crate::api::replay::{Label, Reader};
use crate::ingest::hl7::reread;
use crate::ingest::hl7::settings::MllpSettings;

pub struct ProfileReader(pub MllpSettings);

impl Reader for ProfileReader {
    fn read(&self, raw: &[u8], received_at: Timestamp) -> Result<Hl7Event, String> {
        reread::reread(&self.0, raw, received_at)
    }

    fn label(&self, raw: &[u8]) -> Option<Label> {
        let header = reread::header(raw)?;
        Some(Label {
            peer: header.sender(),
            kind: header.kind(),
            control_id: header.control_id,
        })
    }
}
