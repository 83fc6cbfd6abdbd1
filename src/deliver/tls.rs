//! TLS towards neighbours, for DICOM (PS3.15 B.9, the BCP 195 profile) and HL7 (IHE ATNA): versions 1.2 and 1.3, each side
//! with a certificate that the other can check. What the files hold is read again when they change, so that a certificate
//! is renewed without a restart.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use tracing::warn;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::channel::Channel;
use crate::config::secret;

/// For the handshake as a whole.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Where our certificate lies, and those of whom we believe. All are PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Ours, and those between it and its authority.
    pub certificate: PathBuf,
    /// For its owner alone.
    pub key: PathBuf,
    /// Who signs the certificates of our neighbours.
    pub authorities: PathBuf,
    /// Whether who calls us has to show a certificate of theirs.
    pub clients: Clients,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// Mutual authentication, as IHE ATNA wants it.
    Certified,
    /// The list of peers decides alone.
    Anyone,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path} cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path}: expected {expected} in PEM")]
    Pem { path: PathBuf, expected: &'static str },
    #[error("{path} can be read by others; expected mode 0600")]
    Exposed { path: PathBuf },
    #[error("the certificate and its key cannot be used")]
    Unusable(#[source] rustls::Error),
    #[error("the authorities cannot be used")]
    Authorities(#[source] rustls::server::VerifierBuilderError),
}

/// Both ends of it. Cheap to clone.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    files: TlsFiles,
    loaded: Mutex<Loaded>,
}

#[derive(Clone)]
struct Loaded {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    stamp: Stamp,
}

/// When the files were last written.
type Stamp = [Option<SystemTime>; 3];

impl Tls {
    /// # Errors
    /// A file that is missing, holds something else, or that others can read; a key of another certificate.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let loaded = Mutex::new(Loaded::read(&files)?);
        Ok(Self(Arc::new(Inner { files, loaded })))
    }

    /// When our certificate ends.
    pub fn ends(&self) -> Option<DateTime<Utc>> {
        let certificate = certificates(&self.0.files.certificate).ok()?;
        let read = Certificate::from_der(certificate.first()?).ok()?;
        let ends = read.tbs_certificate.validity.not_after.to_unix_duration();
        DateTime::from_timestamp(i64::try_from(ends.as_secs()).ok()?, 0)
    }

    /// The handshake with who has called.
    pub async fn accept(&self, socket: TcpStream) -> io::Result<Channel> {
        let acceptor = self.fresh().acceptor;
        let stream = within(acceptor.accept(socket)).await?;
        Ok(Channel::Secure(Box::new(TlsStream::Server(stream))))
    }

    /// The handshake with whom we have called; its certificate must name `host`.
    pub async fn connect(&self, socket: TcpStream, host: &str) -> io::Result<Channel> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidInput, "no name that a certificate can have")
        })?;
        let connector = self.fresh().connector;
        let stream = within(connector.connect(name, socket)).await?;
        Ok(Channel::Secure(Box::new(TlsStream::Client(stream))))
    }

    /// What the files hold now; what they held before, while they hold nothing of use.
    fn fresh(&self) -> Loaded {
        let Inner { files, loaded } = &*self.0;
        let mut loaded = loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(files);
        if loaded.stamp != now {
            match Loaded::read(files) {
                Ok(fresh) => *loaded = fresh,
                Err(error) => {
                    warn!(%error, "TLS: the changed files are not used");
                    loaded.stamp = now;
                }
            }
        }
        loaded.clone()
    }
}

async fn within<T>(handshake: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(HANDSHAKE, handshake).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "no TLS handshake in time",
        )),
    }
}

impl Loaded {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        // Before they are read: what is written meanwhile is read the next time.
        let stamp = stamp(files);
        let roots = Arc::new(roots(&files.authorities)?);
        let chain = certificates(&files.certificate)?;
        let key = key(&files.key)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
        let verifier = match files.clients {
            Clients::Certified => verifier,
            Clients::Anyone => verifier.allow_unauthenticated(),
        };
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?
            .with_client_cert_verifier(verifier.build().map_err(TlsError::Authorities)?)
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(TlsError::Unusable)?;
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(TlsError::Unusable)?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(server)),
            connector: TlsConnector::from(Arc::new(client)),
            stamp,
        })
    }
}

fn stamp(files: &TlsFiles) -> Stamp {
    let written = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).ok();
    [
        written(&files.certificate),
        written(&files.key),
        written(&files.authorities),
    ]
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) | Err(_) => Err(TlsError::Pem {
            path: path.to_owned(),
            expected: "certificates",
        }),
    }
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(path)? {
        roots.add(authority).map_err(TlsError::Unusable)?;
    }
    Ok(roots)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let read = read(path)?;
    if fs::metadata(path).is_ok_and(|about| secret::exposed(&about)) {
        return Err(TlsError::Exposed {
            path: path.to_owned(),
        });
    }
    PrivateKeyDer::from_pem_slice(&read).map_err(|_| TlsError::Pem {
        path: path.to_owned(),
        expected: "a private key",
    })
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.0.files).finish()
    }
}

/// One is the other, or read from the same files.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.0.files == other.0.files
    }
}

impl Eq for Tls {}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn files(folder: &Path) -> TlsFiles {
        TlsFiles {
            certificate: folder.join("tocsin.pem"),
            key: folder.join("tocsin.key"),
            authorities: folder.join("ca.pem"),
            clients: Clients::Certified,
        }
    }

    #[test]
    fn what_is_wrong_with_the_files_is_said_by_file() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let says = || Tls::load(files.clone()).unwrap_err().to_string();
        assert!(says().ends_with("ca.pem cannot be read"), "{}", says());
        fs::write(&files.authorities, "-----BEGIN NOTHING-----\n").unwrap();
        assert!(
            says().ends_with("ca.pem: expected certificates in PEM"),
            "{}",
            says()
        );
        fs::write(&files.key, "x").unwrap();
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o644)).unwrap();
        let exposed = key(&files.key).unwrap_err().to_string();
        assert!(
            exposed.ends_with("tocsin.key can be read by others; expected mode 0600"),
            "{exposed}"
        );
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).unwrap();
        let none = key(&files.key).unwrap_err().to_string();
        assert!(
            none.ends_with("tocsin.key: expected a private key in PEM"),
            "{none}"
        );
    }
}
