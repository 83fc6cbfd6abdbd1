//! Reads what lies beside the configuration: keys, rule packs, model packages, the RIS's message profile. What is shipped
//! is activated on the first start; a file that was changed since is a draft, and stays one until somebody activates it.

use std::path::PathBuf;

use sha2::{Digest, Sha256};
use tocsin_domain::audit::Event;
use tocsin_domain::triage::{Pack, PackRef};

use super::error::AppError;
use super::machine;
use super::packs;
use crate::config::Config;
use crate::config::secret::SecretKey;
use crate::deliver::mllp::MllpPeer;
use crate::inference::library::{self, Search};
use crate::inference::onnx;
use crate::inference::package;
use crate::inference::pool::PoolConfig;
use crate::pipeline::env::Ris;
use crate::pipeline::models::ActiveModel;
use crate::report::hl7_context::Parties;
use crate::report::site_profile::SiteProfile;
use crate::storage::versions::{self, Kind};
use crate::storage::{Store, audit};

/// The keys of this installation, made on its first start.
pub struct Keys {
    pub audit: Vec<u8>,
    pub secret: Vec<u8>,
}

pub fn keys(config: &Config) -> Result<Keys, AppError> {
    let audit = SecretKey::load_or_create(config.auth.audit_key_file(), machine::fresh_key())?;
    let secret = SecretKey::load_or_create(config.auth.secret_file(), machine::fresh_key())?;
    Ok(Keys {
        audit: audit.bytes().to_vec(),
        secret: secret.bytes().to_vec(),
    })
}

/// A name of this installation that others may see, and that stays the same as long as its key does.
pub fn serial(secret: &[u8]) -> String {
    let hash = Sha256::digest([b"installation:", secret].concat());
    format!("TOCSIN-{}", hex::encode(&hash[..6]).to_uppercase())
}

/// Every rule pack that is in force. A pack that cannot be read costs itself and nothing else: images and orders are still
/// taken in, and studies keep the priority that a person gave them.
pub async fn packs(config: &Config, store: &Store) -> Result<Vec<Pack>, AppError> {
    let Some(folder) = config.rules.folder() else {
        return Ok(Vec::new());
    };
    let found = match packs::folders(&folder) {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(%error, "no rules can be read");
            return Ok(Vec::new());
        }
    };
    let mut packs = Vec::new();
    for folder in found {
        let pack = match packs::load(&folder) {
            Ok(Ok(pack)) => pack,
            Ok(Err(problems)) => {
                tracing::error!(folder = %folder.display(), %problems, "this rule pack is not used");
                continue;
            }
            Err(error) => {
                tracing::error!(folder = %folder.display(), %error, "this rule pack is not used");
                continue;
            }
        };
        let PackRef {
            name,
            version,
            sha256,
        } = &pack.reference;
        if in_force(store, Kind::Rules, name, version, sha256).await? {
            packs.push(pack);
        }
    }
    Ok(packs)
}

/// Every model package that is in force. A package that cannot be read costs itself and nothing else.
pub async fn models(config: &Config, store: &Store) -> Result<Vec<ActiveModel>, AppError> {
    let Some(folder) = config.inference.models_folder() else {
        return Ok(Vec::new());
    };
    let found = match package::discover(&folder) {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(%error, "no models can be read");
            return Ok(Vec::new());
        }
    };
    let mut models = Vec::new();
    for (folder, package) in found {
        let package = match package {
            Ok(package) => package,
            Err(error) => {
                tracing::error!(folder = %folder.display(), %error, "this model package is not used");
                continue;
            }
        };
        let identity = &package.manifest.identity;
        if !in_force(
            store,
            Kind::Model,
            &identity.name,
            &identity.version,
            &package.content_hash,
        )
        .await?
        {
            continue;
        }
        match ActiveModel::of(package) {
            Ok(model) => models.push(model),
            Err(problems) => {
                let problems = problems.iter().map(|p| p.full()).collect::<Vec<_>>().join("; ");
                tracing::error!(folder = %folder.display(), problems, "this model package is not used");
            }
        }
    }
    Ok(models)
}

/// Whether this content is the active version; the first one ever seen becomes it.
async fn in_force(
    store: &Store,
    kind: Kind,
    name: &str,
    version: &str,
    sha256: &str,
) -> Result<bool, AppError> {
    let known = versions::active(store.read(), kind, name).await?;
    if let Some(known) = known {
        let same = known.sha256 == sha256;
        if !same {
            tracing::warn!(
                kind = kind.text(),
                name,
                "the files differ from the active version: a draft, not in force"
            );
        }
        return Ok(same);
    }
    let (name, version, sha256) = (name.to_owned(), version.to_owned(), sha256.to_owned());
    store
        .write(move |tx| {
            Box::pin(async move {
                versions::activate(tx, kind, &name, &version, &sha256, "first start").await?;
                let detail =
                    serde_json::json!({ "version": version, "sha256": sha256, "because": "first start" });
                let event =
                    Event::by_system("version.activate", format!("{}:{name}", kind.text()), "", detail);
                audit::record(tx, event).await
            })
        })
        .await?;
    Ok(true)
}

/// A message profile, by the name of a shipped one or by its path.
pub fn profile(config: &Config, name: &str) -> Result<SiteProfile, AppError> {
    let wrong = |problem: String| AppError::Profile {
        name: name.to_owned(),
        problem,
    };
    let text = match SiteProfile::shipped(name) {
        Some(text) => text.to_owned(),
        None => std::fs::read_to_string(config.base.join(name))
            .map_err(|error| wrong(format!("neither a shipped profile nor a readable file: {error}")))?,
    };
    SiteProfile::parse(&text).map_err(|error| wrong(error.to_string()))
}

/// The RIS that is told, if there is one.
pub fn ris(config: &Config) -> Result<Option<Ris>, AppError> {
    let Some((host, port)) = config.ris.target() else {
        return Ok(None);
    };
    let profile = profile(config, &config.ris.profile)?.send;
    let parties = Parties {
        sending_application: config.hl7.application.clone(),
        sending_facility: config.hl7.facility.clone(),
        receiving_application: config.ris.application.clone(),
        receiving_facility: config.ris.facility.clone(),
        processing_id: "P".to_owned(),
    };
    let peer = MllpPeer {
        ack_timeout: config.ris.ack_timeout(),
        ..MllpPeer::new(host, port)
    };
    Ok(Some(Ris {
        peer,
        profile,
        parties,
    }))
}

/// How the child process is started; without a fit library no model runs, and the log says what is needed.
pub fn pool(config: &Config, program: PathBuf) -> PoolConfig {
    let search = Search {
        configured: config.inference.library.clone(),
        environment: config.inference.environment_library.clone(),
        folders: config.inference.library_folders(),
    };
    let library = match library::locate(&search) {
        Ok(library) => Ok(library.path),
        Err(error) => {
            tracing::error!(%error, "models cannot run");
            Err(error.to_string())
        }
    };
    PoolConfig {
        program,
        arguments: vec![super::WORKER_COMMAND.to_owned()],
        library,
        providers: config.inference.providers.iter().map(|p| provider(*p)).collect(),
        device_id: config.inference.device_id,
        memory_bytes: config.inference.memory_bytes(),
        deadline: config.inference.deadline(),
        environment: Vec::new(),
    }
}

fn provider(named: crate::config::inference::Provider) -> onnx::Provider {
    use crate::config::inference::Provider;
    match named {
        Provider::Cpu => onnx::Provider::Cpu,
        Provider::Cuda => onnx::Provider::Cuda,
        Provider::Tensorrt => onnx::Provider::Tensorrt,
    }
}
