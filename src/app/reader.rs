//! Reads a kept message as its sender's profile stands now.

use tocsin_domain::clock::Timestamp;
use tocsin_domain::order::Hl7Event;

use crate::api::replay::Reader;
use crate::ingest::hl7::reread::reread;
use crate::ingest::hl7::settings::MllpSettings;

pub struct ProfileReader(pub MllpSettings);

impl Reader for ProfileReader {
    fn read(&self, raw: &[u8], received_at: Timestamp) -> Result<Hl7Event, String> {
        reread(&self.0, raw, received_at)
    }
}
