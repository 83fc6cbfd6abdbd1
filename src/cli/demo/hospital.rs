//! A synthetic hospital on this machine: the real service, and a RIS, a scanner, an archive and a mail server around it,
//! each behind a socket of its own on loopback. Everything lives in one folder; nothing outside this machine is reached.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tocsin_domain::clock::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::http::Client;
use super::visit::{AUTHORITY, Visit};
use super::{archive, mail, ris, scanner};
use crate::api::auth::{Role, secret};
use crate::app::{self, machine};
use crate::cli::{Failure, token};
use crate::config::Config;
use crate::deliver::dicom::DicomPeer;
use crate::deliver::mllp::MllpPeer;
use crate::inference::library::{self, LibraryError, Search};
use crate::storage::{Store, accounts};
use crate::{storage, telemetry};

pub const SITE: &str = "demo";
/// Settings of the environment that make sense here; addresses and people are the demonstration's own.
const ENVIRONMENT: [&str; 4] = [
    "ORT_DYLIB_PATH",
    "TOCSIN__INFERENCE__",
    "TOCSIN__LOG__",
    "TOCSIN__DATABASE__",
];

/// Who works here; everybody is made up.
const PEOPLE: [(&str, Role); 7] = [
    ("Dr Ito", Role::Radiologist),
    ("Dr Roy", Role::StrokeTeam),
    ("K. Lund", Role::Technologist),
    ("Dr Sand", Role::QaReviewer),
    ("Prof. Vale", Role::Governance),
    ("M. Okoye", Role::IntegrationEngineer),
    ("A. Berg", Role::Admin),
];

pub struct Hospital {
    pub running: app::Running,
    pub api: Client,
    pub heard: ris::Inbox,
    pub mailbox: mail::Mailbox,
    pub kept: archive::Shelf,
    scanner: DicomPeer,
    ris: MllpPeer,
    stop: CancellationToken,
    /// Removed with everything in it, unless the caller named a folder.
    _folder: Folder,
}

enum Folder {
    Named(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn of(named: Option<&Path>) -> Result<Self, Failure> {
        match named {
            None => Ok(Self::Temporary(
                tempfile::Builder::new().prefix("tocsin-demo-").tempdir()?,
            )),
            Some(path) => {
                std::fs::create_dir_all(path)?;
                Ok(Self::Named(std::path::absolute(path)?))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// The ports of the systems around the service.
struct Neighbours {
    ris: u16,
    archive: u16,
    mail: u16,
}

impl Hospital {
    /// Opens the hospital; its pages are served at `port`, 0 for a free one.
    /// `models` names those that run; without it all that are there.
    pub async fn open(port: u16, named: Option<&Path>, models: Option<&str>) -> Result<Self, Failure> {
        let folder = Folder::of(named)?;
        let loopback = || TcpListener::bind(("127.0.0.1", 0));
        let (ris_socket, archive_socket, mail_socket) =
            (loopback().await?, loopback().await?, loopback().await?);
        let neighbours = Neighbours {
            ris: ris_socket.local_addr()?.port(),
            archive: archive_socket.local_addr()?.port(),
            mail: mail_socket.local_addr()?.port(),
        };
        let mut config = config(folder.path(), port, &neighbours)?;
        config.inference.only = models.map(|name| vec![name.to_owned()]);
        telemetry::init(&config.log);
        ready(&config)?;
        let (heard, mailbox, kept) = <(ris::Inbox, mail::Mailbox, archive::Shelf)>::default();
        let stop = CancellationToken::new();
        tokio::spawn(ris::serve(ris_socket, heard.clone()));
        tokio::spawn(mail::serve(mail_socket, mailbox.clone()));
        archive::serve(
            archive_socket,
            &folder.path().join("archive"),
            kept.clone(),
            stop.clone(),
        )?;
        let running = app::start(config).await?;
        people(&running.store).await?;
        let token = token::create(&running.store, Role::Admin, "demonstration", SITE).await?;
        let addresses = running.addresses;
        Ok(Self {
            api: Client {
                address: addresses.http,
                token: Some(token),
            },
            heard,
            mailbox,
            kept,
            scanner: scanner_to(addresses.dicom),
            ris: MllpPeer::new("127.0.0.1", addresses.hl7.port()),
            running,
            stop,
            _folder: folder,
        })
    }

    pub fn now(&self) -> Timestamp {
        machine::clock().now()
    }

    /// Registers the patient and orders the scan; what was answered to the order.
    pub async fn order(&self, visit: &Visit) -> Result<String, Failure> {
        ris::send(&self.ris, &visit.registration(self.now())).await?;
        ris::send(&self.ris, &visit.order(self.now())).await
    }

    pub async fn send_images(&self, files: &[Vec<u8>]) -> Result<usize, Failure> {
        scanner::send(&self.scanner, files).await
    }

    /// The radiologist signs the report; what was answered.
    pub async fn report(&self, visit: &Visit, impression: &str) -> Result<String, Failure> {
        ris::send(&self.ris, &visit.report(impression, self.now())).await
    }

    pub async fn audit(&self) -> Result<storage::audit::Verdict, Failure> {
        Ok(storage::audit::verify(&self.running.store).await?)
    }

    pub async fn close(self) {
        self.running.stop().await;
        self.stop.cancel();
    }
}

fn scanner_to(address: SocketAddr) -> DicomPeer {
    DicomPeer {
        ae_title: "TOCSIN".to_owned(),
        host: address.ip().to_string(),
        port: address.port(),
        our_ae: scanner::AE_TITLE.to_owned(),
        tls: None,
    }
}

/// What the demonstration cannot do without, looked for before anything is started.
fn ready(config: &Config) -> Result<(), Failure> {
    let search = Search {
        configured: config.inference.library.clone(),
        environment: config.inference.environment_library.clone(),
        folders: config.inference.library_folders(),
    };
    match library::locate(&search) {
        Ok(_) => {}
        Err(error @ LibraryError::NotFound { .. }) => {
            return Err(Failure::because(format!(
                "the models need ONNX Runtime, which is not here. Fetch it with\n\n    scripts/fetch-onnxruntime\n\n\
                 and start the demonstration again ({error})"
            )));
        }
        Err(error) => return Err(error.into()),
    }
    match config.inference.models_folder() {
        Some(_) => Ok(()),
        None => Err(Failure::because(
            "there is no folder `models` beside the program or here; start the demonstration from the source folder",
        )),
    }
}

fn config(folder: &Path, port: u16, neighbours: &Neighbours) -> Result<Config, Failure> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| ENVIRONMENT.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    let text = text(port, neighbours);
    let mut config = Config::from_text(Path::new("demonstration.toml"), folder, &text, environment)?;
    config.demonstration = true;
    Ok(config)
}

/// A made-up person for each role that has pages. Nobody knows their passwords: the pages of a demonstration let whoever
/// looks take a role with one press.
async fn people(store: &Store) -> Result<(), Failure> {
    let known = accounts::accounts(store.read()).await?;
    let role_of = |name: &str| known.iter().find(|row| row.name == name);
    for (name, role) in PEOPLE.iter().filter(|(name, _)| role_of(name).is_none()) {
        let password = hex::encode(machine::fresh_key());
        let mut salt = [0; 16];
        salt.copy_from_slice(&machine::fresh_key()[..16]);
        let hash = secret::hash_password(&password, &salt)
            .map_err(|problem| Failure::because(problem.to_string()))?;
        store
            .write(move |tx| Box::pin(async move { accounts::create(tx, name, role.text(), hash).await }))
            .await?;
    }
    Ok(())
}

fn text(port: u16, neighbours: &Neighbours) -> String {
    let Neighbours { ris, archive, mail } = neighbours;
    format!(
        r#"
[site]
id = "{SITE}"
name = "Demonstration Hospital (synthetic)"
time_zone = "UTC"
[database]
url = "sqlite://tocsin.db"
[storage]
url = "file://blobs"
min_free_mb = 64
[http]
listen = "127.0.0.1:{port}"
[dicom]
listen = "127.0.0.1:0"
ae_title = "TOCSIN"
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
default_authority = "{AUTHORITY}"
[ris]
enabled = true
host = "127.0.0.1"
port = {ris}
application = "DEMORIS"
facility = "DEMO"
[alerts]
from = "tocsin@hospital.invalid"
default_policy = "stroke"
smtp = {{ host = "127.0.0.1", port = {mail}, tls = "none" }}
[[alerts.people]]
id = "stroke-team"
name = "Stroke team (synthetic)"
email = "stroke@hospital.invalid"
roles = ["stroke"]
[[alerts.people]]
id = "radiology"
name = "Radiologist on call (synthetic)"
email = "radiology@hospital.invalid"
roles = ["radiologist"]
[[alerts.people]]
id = "head"
name = "Chief of service (synthetic)"
email = "chief@hospital.invalid"
roles = ["chief"]
[[alerts.policies]]
name = "stroke"
steps = [{{ to = ["stroke"], wait_minutes = 2 }}, {{ to = ["radiologist"], wait_minutes = 3 }}]
last_resort = "chief"
repeat_minutes = 5
[auth]
second_factor = "optional"
[log]
level = "warn"
format = "text"
"#,
        pacs = archive::AE_TITLE,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hospital_is_configured_like_any_other_and_nothing_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let neighbours = Neighbours {
            ris: 2576,
            archive: 104,
            mail: 25,
        };
        let config = Config::from_text(
            Path::new("demonstration.toml"),
            folder.path(),
            &text(0, &neighbours),
            Vec::new(),
        )
        .unwrap();
        assert_eq!(config.warnings(), Vec::<String>::new());
        assert_eq!(config.ris.target(), Some(("127.0.0.1", 2576)));
        assert_eq!(
            config.alerts.policy(Some("stroke")).map(|p| p.steps.len()),
            Some(2)
        );
    }
}
