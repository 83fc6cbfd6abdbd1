//! What reads messages for a server that is tested alone, and what would apply them.

use std::sync::Arc;

use tocsin::api::replay::{Foresight, Label, Reader};
use tocsin::api::site_profiles::{KnownProfile, Profiles};
use tocsin::ingest::hl7::reread::{header, reread};
use tocsin::ingest::hl7::settings::{Accept, MllpLimits, MllpSettings, SiteReading, WhenPaused};
use tocsin::report::site_profile::{DEFAULT_231, SiteProfile};
use tocsin::storage::StoreError;
use tocsin::storage::entity::message;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::foreseen::Foreseen;
use tocsin_domain::ids::SiteId;
use tocsin_domain::order::Hl7Event;
use tocsin_domain::work::Paging;

use super::desk::SITE;

/// Reads messages as a site does that says nothing of its own.
pub struct UsualProfile;

impl Reader for UsualProfile {
    fn read(&self, raw: &[u8], received_at: Timestamp) -> Result<Hl7Event, String> {
        let settings = MllpSettings {
            application: "TOCSIN".into(),
            facility: String::new(),
            accept: Accept::Loopback(Vec::new()),
            reading: SiteReading {
                site: SiteId(SITE.into()),
                zone: chrono_tz::UTC,
                profile: Arc::new(SiteProfile::parse(DEFAULT_231).unwrap().read),
                answers: None,
            },
            processing_ids: vec!["P".into()],
            ai_senders: Vec::new(),
            when_paused: WhenPaused::default(),
            limits: MllpLimits::default(),
        };
        reread(&settings, raw, received_at)
    }

    fn label(&self, raw: &[u8]) -> Option<Label> {
        let header = header(raw)?;
        Some(Label {
            peer: header.sender(),
            kind: header.kind(),
            control_id: header.control_id,
        })
    }
}

/// Nothing applies messages here.
pub struct NoForesight;

#[async_trait::async_trait]
impl Foresight for NoForesight {
    async fn foresee(
        &self,
        messages: Vec<(message::Model, Hl7Event)>,
        _: Paging,
    ) -> Result<Vec<Result<Vec<Foreseen>, String>>, StoreError> {
        Ok(messages.iter().map(|_| Ok(Vec::new())).collect())
    }
}

/// The usual profile, without samples.
pub struct OneProfile;

impl Profiles for OneProfile {
    fn all(&self) -> Vec<KnownProfile> {
        vec![KnownProfile {
            id: "default-231".to_owned(),
            name: "default-231".to_owned(),
            used_by: Vec::new(),
            changed: false,
            profile: SiteProfile::parse(DEFAULT_231).map_err(|error| error.to_string()),
            samples: Ok(Vec::new()),
        }]
    }

    fn read(&self, _: &str, _: &[u8], _: Timestamp) -> Option<Result<serde_json::Value, String>> {
        None
    }
}
