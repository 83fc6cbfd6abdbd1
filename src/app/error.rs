//! Why the service could not start, with the place to look at.

use std::net::SocketAddr;

use crate::config::secret::SecretError;
use crate::deliver::tls::TlsError;
use crate::notify::{MailerError, TemplateFault};
use crate::storage::StoreError;
use crate::storage::blobs::BlobError;
use crate::ui::templates::TemplateError;

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("a key file cannot be used")]
    Secret(#[from] SecretError),
    #[error("the database cannot be opened: {0}")]
    Store(#[from] StoreError),
    #[error("the folder for images cannot be used")]
    Blobs(#[from] BlobError),
    #[error("{what} cannot listen on {address}")]
    Listen {
        what: &'static str,
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("pages cannot be sent")]
    Mailer(#[from] MailerError),
    #[error("a page template is faulty: {0}")]
    Template(#[from] TemplateFault),
    #[error(transparent)]
    Pages(#[from] TemplateError),
    #[error("site profile {name}: {problem}")]
    Profile { name: String, problem: String },
    #[error("no connection under TLS can be made")]
    Tls(#[from] TlsError),
    #[error("people cannot sign in with the identity provider: {problem}")]
    Identity { problem: String },
    #[error("EHRs cannot ask for advice: {problem}")]
    Ehrs { problem: String },
    #[error("{name} of [[vendors]] cannot be used: {problem}")]
    Vendor { name: String, problem: String },
    #[error("earlier studies cannot be asked for in {name}: {problem}")]
    Priors { name: String, problem: String },
    #[error("nobody can be told through {name}: {problem}")]
    Receiver { name: String, problem: String },
    #[error("results cannot be sent to {name}: {problem}")]
    Archive { name: String, problem: String },
    #[error("{what}")]
    Files { what: String, source: std::io::Error },
    #[error("the pages cannot be served: {0}")]
    Http(String),
}
