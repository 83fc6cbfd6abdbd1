//! What a message that was kept means as its sender's profile stands now: a profile that was mended reads what it could not
//! read before.

use tocsin_domain::clock::Timestamp;
use tocsin_domain::order::Hl7Event;

use super::Reading;
use super::event::open;
use super::header::Header;
use super::settings::{Accept, Caller, MllpSettings};

/// Who says that it sent the message, and what it says that it is; `None` of what is no message.
pub fn header(raw: &[u8]) -> Option<Header> {
    open(raw).ok().map(|opened| opened.header().clone())
}

/// The bytes as they came. Where a sender called from is not known any more: its name in MSH has to do.
///
/// # Errors
/// What is wrong with the message, where, and what was expected; never a value of it.
pub fn reread(settings: &MllpSettings, raw: &[u8], received_at: Timestamp) -> Result<Hl7Event, String> {
    let opened = open(raw).map_err(|error| error.to_string())?;
    let (Accept::Loopback(peers) | Accept::Peers(peers)) = &settings.accept;
    let caller = Caller {
        peers: peers.clone(),
        otherwise: Some(settings.reading.clone()),
    };
    let sender = caller.sender(opened.header());
    let site = sender.map_or(&settings.reading, |(_, reading)| reading);
    let event = opened.event(&Reading {
        profile: &site.profile,
        zone: site.zone,
        processing_ids: &settings.processing_ids,
        ai_senders: &settings.ai_senders,
        received_at,
    });
    event.map_err(|problem| problem.to_string())
}
