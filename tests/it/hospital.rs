//! A hospital for stories: the service with its real listeners on free ports, a RIS, an archive and a folder that takes the
//! mail, and a clock that moves only when the story says so. Jobs run when the story lets them.

use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use tempfile::TempDir;
use tocsin::api::auth::Role;
use tocsin::api::worklist::{self, WorklistItem};
use tocsin::api::worklist_query::WorklistQuery;
use tocsin::app::machine::{self, Machine};
use tocsin::app::{Running, open};
use tocsin::cli::demo::exam::Exam;
use tocsin::cli::demo::http::Client;
use tocsin::cli::demo::visit::{Priority, Visit};
use tocsin::cli::demo::{archive, ris, scanner};
use tocsin::cli::token;
use tocsin::config::Config;
use tocsin::deliver::dicom::DicomPeer;
use tocsin::deliver::mllp::MllpPeer;
use tocsin::imaging::phantom::HeadFinding;
use tocsin::jobs::Workers;
use tocsin::pipeline::env::Env;
use tocsin::storage::audit::Verdict;
use tocsin::storage::entity::{alert, delivery, job, notification, study, timeline};
use tocsin::storage::{audit, jobs};
use tocsin_domain::clock::{Clock, ManualClock, Timestamp, from_micros, to_micros};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::database::{TestDatabase, databases};

/// Long enough for images to be complete and for a neighbour that hesitated to be asked again.
const SETTLES: TimeDelta = TimeDelta::seconds(40);

pub struct Hospital {
    pub clock: Arc<ManualClock>,
    pub running: Running,
    workers: Arc<Workers<Env>>,
    pub ris: ris::Inbox,
    pub archive: archive::Shelf,
    neighbours: Neighbours,
    stop: CancellationToken,
    folder: Arc<TempDir>,
    pub database: String,
}

#[derive(Clone, Copy)]
struct Neighbours {
    ris: u16,
    archive: u16,
}

/// What a story wants to be different.
#[derive(Clone, Copy)]
pub struct Setup {
    /// Nothing listens where the RIS should be.
    pub no_ris: bool,
    /// Lines added to the configuration.
    pub more: &'static str,
    /// Whose the patient numbers are that name nobody.
    pub default_authority: &'static str,
    /// What a sender meets whose messages are paused, where it is not the usual.
    pub when_paused: Option<&'static str>,
    /// The rules lie in the hospital's own folder, where a story can change them.
    pub own_rules: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            no_ris: false,
            more: "",
            default_authority: "DEMO",
            when_paused: None,
            own_rules: false,
        }
    }
}

/// Tells a story on SQLite and, where there is a cluster, on PostgreSQL.
pub async fn everywhere<F>(setup: Setup, story: F)
where
    F: AsyncFn(Hospital),
{
    if !Path::new(env!("CARGO_MANIFEST_DIR")).join(".runtime").exists() {
        eprintln!("SKIPPED: ONNX Runtime is not here; run scripts/fetch-onnxruntime");
        return;
    }
    for database in databases().await {
        eprintln!("on {}", database.name);
        let hospital = Hospital::open(&database, setup).await;
        story(hospital).await;
    }
}

impl Hospital {
    async fn open(database: &TestDatabase, setup: Setup) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let clock = Arc::new(ManualClock::at("2026-03-14T09:00:00Z".parse().unwrap()));
        let (ris, archive) = <(ris::Inbox, archive::Shelf)>::default();
        let stop = CancellationToken::new();
        let loopback = || TcpListener::bind(("127.0.0.1", 0));
        let (ris_socket, archive_socket) = (loopback().await.unwrap(), loopback().await.unwrap());
        let port = |socket: &TcpListener| socket.local_addr().unwrap().port();
        let neighbours = Neighbours {
            ris: port(&ris_socket),
            archive: port(&archive_socket),
        };
        if !setup.no_ris {
            tokio::spawn(ris::serve(ris_socket, ris.clone()));
        }
        let shelf = folder.path().join("archive");
        archive::serve(archive_socket, &shelf, archive.clone(), stop.clone()).unwrap();
        let mut text = configuration(&database.url, neighbours, setup.default_authority) + setup.more;
        if let Some(paused) = setup.when_paused {
            let line = format!("[hl7]\nwhen_paused = \"{paused}\"\n");
            text = text.replacen("[hl7]\n", &line, 1);
        }
        if setup.own_rules {
            copy_rules(&folder.path().join("rules"));
            text += "\n[rules]\ndir = \"rules\"\n";
        }
        let running = service(&text, folder.path(), clock.clone()).await;
        let workers = running.workers("story/1".to_owned());
        Self {
            clock,
            running,
            workers,
            ris,
            archive,
            neighbours,
            stop,
            folder,
            database: text,
        }
    }

    /// A file of the hospital's own rules.
    pub fn rule(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join("rules/head-ct").join(file)
    }

    /// The service is killed, and started again beside the same neighbours.
    pub async fn restarted(self) -> Self {
        let Self {
            clock,
            running,
            folder,
            ..
        } = self;
        running.stop().await;
        let again = service(&self.database, folder.path(), clock.clone()).await;
        let workers = again.workers("story/2".to_owned());
        Self {
            clock,
            running: again,
            workers,
            ris: self.ris,
            archive: self.archive,
            neighbours: self.neighbours,
            stop: self.stop,
            folder,
            database: self.database,
        }
    }

    /// The RIS comes up where nothing listened.
    pub async fn ris_comes_up(&self) {
        tokio::spawn(ris::serve(self.ris_socket().await, self.ris.clone()));
    }

    /// Where the RIS is called, for a RIS of the story's own.
    pub async fn ris_socket(&self) -> TcpListener {
        TcpListener::bind(("127.0.0.1", self.neighbours.ris))
            .await
            .unwrap()
    }

    // ---- what happens in it ----

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A patient of the emergency department with 30 mL of blood in the brain, or with none.
    pub fn patient(&self, seed: u64, finding: HeadFinding, priority: Priority) -> Visit {
        let volume_ml = match finding {
            HeadFinding::None => None,
            _ => Some(30.0),
        };
        let exam = Exam::HeadCt { finding, volume_ml };
        Visit::new(seed, exam, priority, self.now())
    }

    /// What was answered to the order.
    pub async fn order(&self, visit: &Visit) -> String {
        self.say(&visit.order(self.now())).await
    }

    pub async fn say(&self, message: &tocsin::cli::demo::visit::Message) -> String {
        let peer = MllpPeer::new("127.0.0.1", self.running.addresses.hl7.port());
        ris::send(&peer, message).await.unwrap()
    }

    /// Why a message was refused.
    pub async fn refused(&self, message: &tocsin::cli::demo::visit::Message) -> String {
        let peer = MllpPeer::new("127.0.0.1", self.running.addresses.hl7.port());
        ris::send(&peer, message).await.unwrap_err().to_string()
    }

    pub async fn scan(&self, visit: &Visit) -> Vec<Vec<u8>> {
        let files = scanner::scan(visit).await.unwrap().files;
        self.send(&files).await;
        files
    }

    pub async fn send(&self, files: &[Vec<u8>]) {
        assert_eq!(scanner::send(&self.scanner(), files).await.unwrap(), files.len());
    }

    /// The service as the scanner knows it.
    pub fn scanner(&self) -> DicomPeer {
        DicomPeer {
            ae_title: "TOCSIN".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: self.running.addresses.dicom.port(),
            our_ae: scanner::AE_TITLE.to_owned(),
            tls: None,
        }
    }

    /// Lets everything happen that is due, and what becomes due within some seconds.
    pub async fn settle(&self) {
        self.advance(SETTLES).await;
    }

    /// Moves the clock, stopping wherever something is due.
    pub async fn advance(&self, by: TimeDelta) {
        let end = self.now() + by;
        loop {
            self.workers.run_due().await;
            match self.next_due().await {
                Some(due) if due <= end => self.clock.advance((due - self.now()).max(TimeDelta::zero())),
                Some(_) | None => break,
            }
        }
        self.clock.advance((end - self.now()).max(TimeDelta::zero()));
        self.workers.run_due().await;
    }

    /// What is due already and did not run waits behind an earlier job of its key.
    async fn next_due(&self) -> Option<Timestamp> {
        job::Entity::find()
            .filter(job::Column::State.eq(jobs::READY))
            .filter(job::Column::RunAt.gt(to_micros(self.now())))
            .order_by_asc(job::Column::RunAt)
            .one(self.running.store.read())
            .await
            .unwrap()
            .map(|row| from_micros(row.run_at))
    }

    // ---- what can be seen of it ----

    pub async fn worklist(&self) -> Vec<WorklistItem> {
        let query = WorklistQuery::default();
        let listed = worklist::load(&self.running.state, &query, "", "").await;
        listed.unwrap().items
    }

    /// The only study on the list.
    pub async fn item(&self) -> WorklistItem {
        let mut items = self.worklist().await;
        assert_eq!(items.len(), 1, "one study waits");
        items.remove(0)
    }

    pub async fn study(&self) -> study::Model {
        let found = study::Entity::find().one(self.running.store.read()).await;
        found.unwrap().expect("a study")
    }

    /// `event: detail`, in order.
    pub async fn timeline(&self) -> Vec<String> {
        let rows = timeline::Entity::find()
            .order_by_asc(timeline::Column::Seq)
            .all(self.running.store.read())
            .await
            .unwrap();
        rows.into_iter()
            .map(|row| format!("{}: {}", row.event, row.detail))
            .collect()
    }

    pub async fn alerts(&self) -> Vec<alert::Model> {
        let rows = alert::Entity::find().order_by_asc(alert::Column::CreatedAt);
        rows.all(self.running.store.read()).await.unwrap()
    }

    pub async fn pages(&self) -> Vec<notification::Model> {
        let rows = notification::Entity::find().order_by_asc(notification::Column::CreatedAt);
        rows.all(self.running.store.read()).await.unwrap()
    }

    /// `kind: state`, in the order in which they were owed.
    pub async fn owed(&self) -> Vec<String> {
        let rows = delivery::Entity::find()
            .order_by_asc(delivery::Column::CreatedAt)
            .all(self.running.store.read())
            .await
            .unwrap();
        let mut owed: Vec<String> = rows
            .iter()
            .map(|row| format!("{}: {}", row.kind, row.state))
            .collect();
        owed.sort_unstable();
        owed
    }

    /// The hospital's API as a role.
    pub async fn api(&self, role: Role) -> Client {
        let token = token::create(&self.running.store, role, role.text(), "demo").await;
        Client {
            address: self.running.addresses.http,
            token: Some(token.unwrap()),
        }
    }

    pub fn mail_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("mail")
    }

    /// Mails to an address, oldest first, quoted-printable as they were sent.
    pub fn mail_to(&self, address: &str) -> Vec<String> {
        let Ok(folder) = std::fs::read_dir(self.mail_folder()) else {
            return Vec::new();
        };
        let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
            .into_iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .filter(|mail| mail.contains(&format!("To: {address}")))
            .collect()
    }

    /// Changes of priority that the RIS was asked for about this accession number.
    pub async fn priorities_asked(&self, visit: &Visit) -> Vec<String> {
        let heard = self.ris.all().await;
        heard
            .iter()
            .filter(|m| m.is_priority_change() && m.is_about(visit.accession()))
            .map(|m| m.priority.clone())
            .collect()
    }

    pub async fn results_heard(&self, visit: &Visit) -> Vec<String> {
        let heard = self.ris.all().await;
        heard
            .into_iter()
            .filter(|m| m.is_result() && m.is_about(visit.accession()))
            .map(|m| m.text)
            .collect()
    }

    /// Nothing was given up, and the audit chain is whole.
    pub async fn close(self) {
        let store = &self.running.store;
        let dead: Vec<_> = job::Entity::find()
            .filter(job::Column::State.eq(jobs::DEAD))
            .all(store.read())
            .await
            .unwrap()
            .into_iter()
            .map(|row| (row.kind, row.last_error))
            .collect();
        assert_eq!(dead, [], "jobs that were given up");
        let verdict = audit::verify(store).await.unwrap();
        assert!(
            matches!(verdict, Verdict::Whole { .. }),
            "the audit chain is broken"
        );
        self.stop.cancel();
        self.running.stop().await;
    }
}

fn copy_rules(to: &Path) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/head-ct");
    let own = to.join("head-ct");
    std::fs::create_dir_all(&own).unwrap();
    for entry in std::fs::read_dir(shipped).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, own.join(path.file_name().unwrap())).unwrap();
        }
    }
}

async fn service(text: &str, folder: &Path, clock: Arc<ManualClock>) -> Running {
    let mut config = Config::from_text(Path::new("story.toml"), folder, text, Vec::new()).unwrap();
    // Stories are of one model, unless they name others.
    config
        .inference
        .only
        .get_or_insert_with(|| vec!["ich".to_owned()]);
    let machine = Machine {
        clock,
        ids: machine::ids(),
        program: env!("CARGO_BIN_EXE_tocsin").into(),
    };
    open(config, machine).await.unwrap()
}

fn configuration(database: &str, neighbours: Neighbours, authority: &str) -> String {
    let Neighbours { ris, archive } = neighbours;
    format!(
        r#"
[site]
id = "main"
name = "General Hospital"
time_zone = "Europe/Berlin"
[database]
url = "{database}"
[storage]
url = "file://blobs"
min_free_mb = 64
[http]
listen = "127.0.0.1:0"
[dicom]
listen = "127.0.0.1:0"
accept = "loopback"
[[dicom.peers]]
ae_title = "{pacs}"
host = "127.0.0.1"
port = {archive}
role = "archive"
[hl7]
listen = "127.0.0.1:0"
accept = "loopback"
facility = "DEMO"
default_authority = "{authority}"
[ris]
enabled = true
host = "127.0.0.1"
port = {ris}
application = "DEMORIS"
facility = "DEMO"
[alerts]
from = "tocsin@hospital.example"
default_policy = "stroke"
capture_dir = "mail"
[[alerts.people]]
id = "team"
name = "Stroke team"
email = "team@hospital.example"
roles = ["stroke"]
[[alerts.people]]
id = "radiologist"
name = "Radiologist on call"
email = "radiologist@hospital.example"
roles = ["radiologist"]
[[alerts.people]]
id = "chief"
name = "Chief of service"
email = "chief@hospital.example"
roles = ["chief"]
[[alerts.policies]]
name = "stroke"
steps = [{{ to = ["stroke"], wait_minutes = 5 }}, {{ to = ["radiologist"], wait_minutes = 10 }}]
last_resort = "chief"
repeat_minutes = 15
"#,
        pacs = archive::AE_TITLE,
    )
}
