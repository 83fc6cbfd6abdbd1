//! Reads what lies beside the configuration: keys, the RIS's message profile, and how the child process is started.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::AppError;
use super::machine;
use crate::config::Config;
use crate::config::secret::SecretKey;
use crate::config::tls::ClientCertificates;
use crate::deliver::mllp::MllpPeer;
use crate::deliver::tls::{Clients, Tls, TlsFiles};
use crate::inference::library::{self, Search};
use crate::inference::onnx;
use crate::inference::pool::PoolConfig;
use crate::pipeline::env::Ris;
use crate::report::hl7_context::Parties;
use crate::report::site_profile::SiteProfile;

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

/// A message profile, by the name of a shipped one or by its path.
pub fn profile(config: &Config, name: &str) -> Result<SiteProfile, AppError> {
    let wrong = |problem: String| AppError::Profile {
        name: name.to_owned(),
        problem,
    };
    let text = profile_text(&config.base, name).map_err(wrong)?;
    SiteProfile::parse(&text).map_err(|error| wrong(error.to_string()))
}

/// The text of a shipped profile, else of a file.
pub fn profile_text(base: &Path, name: &str) -> Result<String, String> {
    match SiteProfile::shipped(name) {
        Some(text) => Ok(text.to_owned()),
        None => std::fs::read_to_string(base.join(name))
            .map_err(|error| format!("neither a shipped profile nor a readable file: {error}")),
    }
}

/// Our certificate towards neighbours, if we have one.
pub fn tls(config: &Config) -> Result<Option<Tls>, AppError> {
    let Some(tls) = &config.tls else {
        return Ok(None);
    };
    let files = TlsFiles {
        certificate: tls.certificate_file.clone(),
        key: tls.key_file.clone(),
        authorities: tls.ca_file.clone(),
        clients: match tls.clients {
            ClientCertificates::Required => Clients::Certified,
            ClientCertificates::Optional => Clients::Anyone,
        },
    };
    Ok(Some(Tls::load(files)?))
}

/// The RIS that is told, if there is one.
pub fn ris(config: &Config, tls: Option<&Tls>) -> Result<Option<Ris>, AppError> {
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
        tls: tls.filter(|_| config.ris.tls).cloned(),
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
