//! A service without listeners: a database, a clock that stands still, and the app, asked in process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::http::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use chrono::TimeDelta;
use serde_json::Value;
use tempfile::TempDir;
use tocsin::api::auth::oidc::provider::Provider;
use tocsin::api::auth::session::{Lifetime, Transport};
use tocsin::api::auth::{Role, secret};
use tocsin::api::connections::{ConnectionKind, Neighbour, Neighbours};
use tocsin::api::dicomweb::store::{ImageStore, Sender, Storing};
use tocsin::api::preview::{PreviewFailure, Previews};
use tocsin::api::report::Reports;
use tocsin::api::start::TestPages;
use tocsin::api::{self, Health, Keys, Limits, Ports, Settings, State};
use tocsin::jobs::JobError;
use tocsin::report::narrative::NarrativeTemplates;
use tocsin::report::outputs::Outputs;
use tocsin::storage::blobs::BlobStore;
use tocsin::storage::entity::{instance, study};
use tocsin::storage::{Store, accounts, audit};
use tocsin::telemetry::Metrics;
use tocsin::ui;
use tocsin::ui::templates::Registry;
use tocsin_domain::assessment::Judged;
use tocsin_domain::clock::{ManualClock, Timestamp};
use tocsin_domain::finding::ResultRecord;
use tocsin_domain::ids::SiteId;
use tocsin_domain::worklist::WaitCaps;

use super::ports::{NoForesight, OneProfile, UsualProfile};
use crate::database::{TestDatabase, databases};

pub const SITE: &str = "main";

pub struct Desk {
    pub name: &'static str,
    pub state: Data<State>,
    pub clock: Arc<ManualClock>,
    _database: TestDatabase,
    _folder: TempDir,
}

/// How somebody proves who they are.
#[derive(Clone, Debug)]
pub enum Caller {
    Nobody,
    Bearer(String),
    Session { cookie: String, csrf: String },
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// The same as text.
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub fn location(&self) -> &str {
        self.headers.get(LOCATION).unwrap().to_str().unwrap()
    }

    pub fn cookie(&self) -> Option<String> {
        let header = self.headers.get(SET_COOKIE)?.to_str().unwrap();
        Some(header.split(';').next().unwrap().to_owned())
    }
}

/// One desk per database.
pub async fn desks() -> Vec<Desk> {
    desks_with(|_| {}, || None).await
}

/// The same with other settings, or with an identity provider.
pub async fn desks_with(
    change: impl Fn(&mut Settings),
    provider: impl Fn() -> Option<Provider>,
) -> Vec<Desk> {
    let mut desks = Vec::new();
    for database in databases().await {
        let mut settings = settings();
        change(&mut settings);
        desks.push(Desk::open(database, settings, provider()).await);
    }
    desks
}

fn start() -> Timestamp {
    "2026-03-14T09:00:00Z".parse().unwrap()
}

/// Not random, and different every time.
fn entropy() -> [u8; 32] {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    [NEXT.fetch_add(1, Ordering::Relaxed); 32]
}

/// This desk has no child process to draw with; pictures have a story of their own.
struct NoPictures;

#[async_trait::async_trait]
impl Previews for NoPictures {
    async fn draw(
        &self,
        _: &instance::Model,
        _: u32,
        _: Option<[f64; 2]>,
    ) -> Result<Vec<u8>, PreviewFailure> {
        Err(PreviewFailure::Unavailable("nothing draws here".to_owned()))
    }
}

/// Nothing takes images in.
struct NoImages;

impl ImageStore for NoImages {
    fn open(&self, _: Sender) -> Box<dyn Storing> {
        unreachable!("nothing is stored here")
    }
}

/// Nor jobs that compose.
struct NoJobs;

#[async_trait::async_trait]
impl Reports for NoJobs {
    async fn outputs(&self, _: &study::Model, _: &ResultRecord) -> Result<Outputs, JobError> {
        Err(JobError::Fail("nothing composes here".to_owned()))
    }
}

/// Nor a mail server.
struct NoTestPages;

#[async_trait::async_trait]
impl TestPages for NoTestPages {
    async fn send(&self, _: &str) -> Result<String, String> {
        Err("nothing sends here".to_owned())
    }
}

/// A RIS that sends and is told, and answers; an archive that does not.
struct Neighbourhood;

static NEIGHBOURS: LazyLock<[Neighbour; 3]> = LazyLock::new(|| {
    let kinds = [
        (ConnectionKind::Hl7In, "RIS", false),
        (ConnectionKind::Hl7Out, "ris", true),
        (ConnectionKind::DicomOut, "PACS", true),
    ];
    let mut ids = 0..;
    kinds.map(|(kind, name, may_be_checked)| Neighbour {
        id: ids.next().unwrap_or(0).to_string(),
        may_be_checked,
        ..Neighbour::new(kind, name)
    })
});

#[async_trait::async_trait]
impl Neighbours for Neighbourhood {
    fn all(&self) -> &[Neighbour] {
        &*NEIGHBOURS
    }

    fn certificate_ends(&self) -> Option<Timestamp> {
        None
    }

    async fn check(&self, id: &str) -> Option<Result<String, String>> {
        match id {
            "1" => Some(Ok("it takes connections".to_owned())),
            "2" => Some(Err("cannot connect to pacs:104".to_owned())),
            _ => None,
        }
    }

    async fn test(&self, id: &str) -> Option<Result<String, String>> {
        (id == "1").then(|| Ok("AR unsupported message type".to_owned()))
    }
}

impl Desk {
    async fn open(database: TestDatabase, settings: Settings, provider: Option<Provider>) -> Self {
        let clock = Arc::new(ManualClock::at(start()));
        let ids = tocsin::app::machine::ids();
        let store = Store::open(&database.url, clock.clone(), ids, b"audit key".to_vec())
            .await
            .unwrap();
        let folder = TempDir::new().unwrap();
        let keys = Keys {
            session: b"session key".to_vec(),
            link: b"link key".to_vec(),
        };
        let state = State::new(
            store,
            settings,
            keys,
            Metrics::new(),
            Health::default(),
            entropy,
            Ports {
                previews: Arc::new(NoPictures),
                reports: Arc::new(NoJobs),
                narrative: NarrativeTemplates::default(),
                templates: Arc::new(Registry::open(None, "en").unwrap()),
                test_pages: Arc::new(NoTestPages),
                neighbours: Arc::new(Neighbourhood),
                reader: Arc::new(UsualProfile),
                foresight: Arc::new(NoForesight),
                profiles: Arc::new(OneProfile),
                fhir: Arc::new(fhir_server()),
                provider,
                blobs: BlobStore::open(folder.path()).unwrap(),
                images: Arc::new(NoImages),
            },
        );
        // Nothing is followed here: a stream tells what it knows, and ends.
        state.live.stop();
        Self {
            name: database.name,
            state: Data::new(state),
            clock,
            _database: database,
            _folder: folder,
        }
    }

    pub fn store(&self) -> &Store {
        &self.state.store
    }

    /// A bearer token for a role, under a name of its own.
    pub async fn token(&self, role: Role, name: &str) -> Caller {
        bearer(self.store(), role, name).await
    }

    /// A browser that is signed in with a token of this role.
    pub async fn browser(&self, role: Role, name: &str) -> Caller {
        let Caller::Bearer(token) = self.token(role, name).await else {
            unreachable!("a token was made");
        };
        let answer = self.form("/sign-in", &Caller::Nobody, &[("token", &token)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let cookie = answer.cookie().unwrap();
        let home = self
            .ask(
                Method::GET,
                answer.location(),
                &Caller::Session {
                    cookie: cookie.clone(),
                    csrf: String::new(),
                },
            )
            .await;
        let csrf = field(&home.text, "csrf");
        Caller::Session { cookie, csrf }
    }

    pub async fn get(&self, path: &str, who: &Caller) -> Answer {
        self.ask(Method::GET, path, who).await
    }

    pub async fn ask(&self, method: Method, path: &str, who: &Caller) -> Answer {
        self.send(request(method, path, who)).await
    }

    pub async fn json(&self, path: &str, who: &Caller, body: Value) -> Answer {
        self.send(request(Method::POST, path, who).set_json(body)).await
    }

    /// A form as a page of ours sends it, with the token of its session.
    pub async fn form(&self, path: &str, who: &Caller, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        if let Caller::Session { csrf, .. } = who {
            fields.push(("csrf", csrf));
        }
        self.bare_form(path, who, &fields).await
    }

    /// A form with just these fields.
    pub async fn bare_form(&self, path: &str, who: &Caller, fields: &[(&str, &str)]) -> Answer {
        self.send(request(Method::POST, path, who).set_form(fields)).await
    }

    pub async fn send(&self, request: TestRequest) -> Answer {
        send(&self.state, request).await
    }

    /// Actions on the audit chain, oldest first; the chain must be whole.
    pub async fn audited(&self) -> Vec<(String, String)> {
        audited(self.store()).await
    }
}

/// A bearer token for a role, under a name of its own.
pub async fn bearer(store: &Store, role: Role, name: &str) -> Caller {
    let token = secret::token(tocsin::app::machine::fresh_key());
    let (sha256, name) = (secret::fingerprint(&token), name.to_owned());
    store
        .write(move |tx| {
            Box::pin(
                async move { accounts::create_token(tx, &name, role.text(), &sha256, "test", None).await },
            )
        })
        .await
        .unwrap();
    Caller::Bearer(token)
}

/// Asks the app in process, as a proxy on another machine would.
pub async fn send(state: &Data<State>, request: TestRequest) -> Answer {
    let app = init_service(api::app(state.clone(), ui::PAGES)).await;
    let peer: SocketAddr = "10.0.0.9:4000".parse().unwrap();
    let answer = call_service(&app, request.peer_addr(peer).to_request()).await;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes = read_body(answer).await.to_vec();
    Answer {
        status,
        headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
        bytes,
    }
}

/// Actions on the audit chain, oldest first; the chain must be whole.
pub async fn audited(store: &Store) -> Vec<(String, String)> {
    let verdict = audit::verify(store).await.unwrap();
    assert!(matches!(verdict, audit::Verdict::Whole { .. }), "{verdict:?}");
    let mut rows = audit::list(store.read(), None, 10_000).await.unwrap();
    rows.reverse();
    rows.into_iter().map(|row| (row.action, row.object)).collect()
}

pub fn request(method: Method, path: &str, who: &Caller) -> TestRequest {
    let request = TestRequest::with_uri(path).method(method);
    match who {
        Caller::Nobody => request,
        Caller::Bearer(token) => request.insert_header(("Authorization", format!("Bearer {token}"))),
        Caller::Session { cookie, .. } => request.insert_header((COOKIE, cookie.as_str())),
    }
}

/// The value of the first hidden field of this name.
pub fn field(html: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    html.split(&mark)
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
        .to_owned()
}

fn fhir_server() -> tocsin::fhir::Server {
    tocsin::fhir::Server {
        base: "http://tocsin.example/fhir".into(),
        site: SiteId(SITE.into()),
        site_name: "General Hospital".into(),
        serial: "1".into(),
        time_zone: chrono_tz::Europe::Berlin,
        default_authority: "EGH".into(),
        systems: Default::default(),
        priorities: Default::default(),
        caps: settings().caps,
        people: Default::default(),
        receivers: Vec::new(),
        started_at: start(),
    }
}

fn settings() -> Settings {
    Settings {
        site: SiteId(SITE.into()),
        site_name: "General Hospital".into(),
        time_zone: chrono_tz::Europe::Berlin,
        caps: WaitCaps {
            critical: TimeDelta::minutes(10),
            urgent: TimeDelta::minutes(60),
            routine: TimeDelta::minutes(1440),
        },
        public_origin: None,
        transport: Transport::Http,
        session: Lifetime {
            idle: 1_800,
            whole: 43_200,
        },
        trusted_proxies: Vec::new(),
        factor_required: true,
        idle_lock: TimeDelta::minutes(60),
        wall_never_locks: false,
        fresh: TimeDelta::minutes(5),
        attempts_per_minute: 5,
        people: Default::default(),
        receives: ("TOCSIN".to_owned(), 11_112),
        blob_folder: PathBuf::from("."),
        min_free_bytes: 0,
        limits: Limits {
            body_bytes: 256 * 1024,
            request: Duration::from_secs(15),
            workers: 1,
        },
        default_authority: "EGH".into(),
        loaded: ["aa".repeat(32)].into(),
        models: [("bb".repeat(32), "ich 0.1.1".into())].into(),
        agreement: Judged::Confirmed,
        cds: Default::default(),
        viewer: None,
        demonstration: false,
    }
}
