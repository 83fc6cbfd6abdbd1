//! What the API and the pages stand on, and no more: filled once when the server starts, shared by all requests.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Tz;
use tocsin_domain::assessment::Judged;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::ids::SiteId;
use tocsin_domain::worklist::WaitCaps;

use super::auth::Means;
use super::auth::oidc::FactorAt;
use super::auth::oidc::provider::Provider;
use super::auth::session::{Lifetime, Transport};
use super::auth::setup::Setup;
use super::auth::throttle::Throttle;
use super::cds::CdsSettings;
use super::connections::Neighbours;
use super::dicomweb::ImageStore;
use super::health::Health;
use super::live::Live;
use super::metrics::Counted;
use super::preview::Previews;
use super::replay::{Foresight, Reader};
use super::report::Reports;
use super::site_profiles::Profiles;
use super::start::TestPages;
use super::views::Views;
use super::waiting::WaitingList;
use crate::config::value::ViewerUrl;
use crate::fhir;
use crate::report::narrative::NarrativeTemplates;
use crate::storage::Store;
use crate::storage::blobs::BlobStore;
use crate::telemetry::Metrics;

/// The configuration as far as requests read it.
#[derive(Clone, Debug)]
pub struct Settings {
    pub site: SiteId,
    pub site_name: String,
    pub time_zone: Tz,
    pub caps: WaitCaps,
    /// `https://host[:port]` where people reach us, if it is configured.
    pub public_origin: Option<String>,
    pub transport: Transport,
    pub session: Lifetime,
    pub trusted_proxies: Vec<IpAddr>,
    pub attempts_per_minute: u32,
    /// Administrators and governance cannot do anything before they have set up a second factor.
    pub factor_required: bool,
    /// Without an act of a person for so long, a session locks.
    pub idle_lock: TimeDelta,
    /// A screen on a wall goes on showing the worklist then.
    pub wall_never_locks: bool,
    /// How recently somebody must have proved who they are for a privileged act.
    pub fresh: TimeDelta,
    /// Names of the people who can be paged, by id.
    pub people: BTreeMap<String, String>,
    /// The AE title and the port at which modalities reach us, as configured.
    pub receives: (String, u16),
    /// Where objects are stored, and how many bytes must stay free there.
    pub blob_folder: PathBuf,
    pub min_free_bytes: u64,
    pub limits: Limits,
    /// Assigning authority of patient identifiers that name none.
    pub default_authority: String,
    /// Hashes of the models and rule packs that this service has loaded.
    pub loaded: BTreeSet<String>,
    /// Models in force, name and version, by the hash that their analyses carry.
    pub models: BTreeMap<String, String>,
    /// What a radiologist's agreement with a finding makes of it.
    pub agreement: Judged,
    /// Where the site's own viewer shows a study, if it has one.
    pub viewer: Option<ViewerUrl>,
    /// Who may ask for advice, and how they name patients.
    pub cds: CdsSettings,
    /// Nothing here is real: every page says so, and whoever looks may take any role.
    pub demonstration: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub body_bytes: usize,
    pub request: Duration,
    pub workers: usize,
}

/// Keys of ours.
#[derive(Clone)]
pub struct Keys {
    /// Signs sessions and forms.
    pub session: Vec<u8>,
    /// Signs acknowledge links; the same that pages are written with.
    pub link: Vec<u8>,
}

pub struct State {
    pub store: Store,
    pub settings: Settings,
    pub keys: Keys,
    pub metrics: Metrics,
    /// When the connections were counted for the metrics.
    pub counted: Counted,
    pub health: Health,
    /// Fresh random bytes, for tokens and sessions.
    pub entropy: fn() -> [u8; 32],
    pub throttle: Throttle,
    pub setup: Setup,
    /// Tells screens what changed.
    pub live: Live,
    /// The worklist as it was last seen.
    pub waiting: WaitingList,
    pub previews: Arc<dyn Previews>,
    pub reports: Arc<dyn Reports>,
    pub narrative: NarrativeTemplates,
    pub templates: Arc<dyn Templates>,
    pub test_pages: Arc<dyn TestPages>,
    pub neighbours: Arc<dyn Neighbours>,
    pub reader: Arc<dyn Reader>,
    /// Says what applying messages would come to.
    pub foresight: Arc<dyn Foresight>,
    /// How messages are read and written.
    pub profiles: Arc<dyn Profiles>,
    /// What FHIR says of this installation.
    pub fhir: Arc<fhir::Server>,
    /// Where people may sign in besides here.
    pub provider: Option<Provider>,
    /// Stored images.
    pub blobs: BlobStore,
    /// Takes in images that come by HTTP.
    pub images: Arc<dyn ImageStore>,
    /// What is on the audit chain already, for lists that refresh themselves.
    pub views: Views,
}

/// What others do for this side: drawing images, composing what results say, turning values into pages, sending test pages,
/// trying connections, reading messages, vouching for people, taking images in.
pub struct Ports {
    pub previews: Arc<dyn Previews>,
    pub reports: Arc<dyn Reports>,
    /// Writes the drafts of reports.
    pub narrative: NarrativeTemplates,
    pub templates: Arc<dyn Templates>,
    pub test_pages: Arc<dyn TestPages>,
    pub neighbours: Arc<dyn Neighbours>,
    pub reader: Arc<dyn Reader>,
    pub foresight: Arc<dyn Foresight>,
    pub profiles: Arc<dyn Profiles>,
    pub fhir: Arc<fhir::Server>,
    pub provider: Option<Provider>,
    pub blobs: BlobStore,
    pub images: Arc<dyn ImageStore>,
}

/// Turns values into pages; the pages know how.
pub trait Templates: Send + Sync {
    /// # Errors
    /// Where and why it failed, without the values.
    fn render(&self, name: &str, values: &serde_json::Value) -> Result<String, String>;

    /// The content and type of a style or script, if it has this hash.
    fn asset(&self, hash: &str, file: &str) -> Option<(Vec<u8>, &'static str)>;

    /// Addresses of styles and scripts by name.
    fn links(&self) -> serde_json::Value;
}

impl State {
    pub fn new(
        store: Store,
        settings: Settings,
        keys: Keys,
        metrics: Metrics,
        health: Health,
        entropy: fn() -> [u8; 32],
        ports: Ports,
    ) -> Self {
        let throttle = Throttle::new(settings.attempts_per_minute);
        Self {
            store,
            settings,
            keys,
            metrics,
            counted: Counted::default(),
            health,
            entropy,
            throttle,
            setup: Setup::default(),
            live: Live::default(),
            waiting: WaitingList::default(),
            previews: ports.previews,
            reports: ports.reports,
            narrative: ports.narrative,
            templates: ports.templates,
            test_pages: ports.test_pages,
            neighbours: ports.neighbours,
            reader: ports.reader,
            foresight: ports.foresight,
            profiles: ports.profiles,
            fhir: ports.fhir,
            provider: ports.provider,
            blobs: ports.blobs,
            images: ports.images,
            views: Views::default(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    /// Whether we ask those who came by these means for a second factor, where their role needs one.
    pub fn asks_factor_after(&self, means: Means) -> bool {
        match (means, &self.provider) {
            (Means::Token, _) => false,
            (Means::Provider, Some(provider)) => {
                self.settings.factor_required && provider.settings.factor == FactorAt::Ours
            }
            (Means::Provider, None) | (Means::Password, _) => self.settings.factor_required,
        }
    }

    /// The name people know somebody by; the id where nobody is configured under it.
    pub fn person<'a>(&'a self, id: &'a str) -> &'a str {
        self.settings.people.get(id).map_or(id, String::as_str)
    }
}
