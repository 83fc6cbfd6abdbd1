//! From `[priors]` to the archives that are asked for earlier studies: reads the credentials and certificates that it names.

use std::path::Path;
use std::sync::Arc;

use reqwest::{Certificate, Client, redirect};
use tocsin_domain::priors::Bounds;

use super::error::AppError;
use super::{identity, settings};
use crate::config::Config;
use crate::config::priors::{PriorSource, Retrieve};
use crate::deliver::dicom::DicomPeer;
use crate::deliver::tls::Tls;
use crate::ingest::dicom::ScpSettings;
use crate::ingest::dicom::intake::Intake;
use crate::retrieve::web::{Credentials, WebPeer};
use crate::retrieve::{How, Limits, Priors, Source};
use crate::storage::Store;
use crate::storage::blobs::BlobStore;
use crate::telemetry::Metrics;

/// Where earlier studies are asked for; `None` where no archive is named. Nobody is asked yet.
pub fn priors(
    config: &Config,
    store: &Store,
    blobs: &BlobStore,
    metrics: &Metrics,
    tls: Option<&Tls>,
) -> Result<Option<Arc<Priors>>, AppError> {
    let section = &config.priors;
    if section.sources.is_empty() {
        return Ok(None);
    }
    let sources = section
        .sources
        .iter()
        .map(|source| self::source(config, source, tls));
    let size = |n: std::num::NonZeroU32| usize::try_from(n.get()).unwrap_or(usize::MAX);
    Ok(Some(Arc::new(Priors {
        sources: sources.collect::<Result<_, _>>()?,
        bounds: Bounds {
            studies: size(section.studies),
            years: i32::try_from(section.years.get()).unwrap_or(i32::MAX),
            instances: section.instances.get(),
        },
        intake: Intake {
            rows: settings::image_rows(config, store, metrics),
            blobs: blobs.clone(),
            limits: ScpSettings::from_config(&config.dicom, &config.storage).limits,
        },
    })))
}

fn source(config: &Config, source: &PriorSource, tls: Option<&Tls>) -> Result<Source, AppError> {
    let limits = Limits {
        answers: usize::try_from(config.priors.answers.get()).unwrap_or(usize::MAX),
        timeout: config.priors.timeout(),
    };
    let how = match source.retrieve {
        Retrieve::CGet => How::Get(peer(config, source, tls)),
        Retrieve::CMove => How::Move(peer(config, source, tls)),
        Retrieve::Dicomweb => How::Web(web(source)?),
    };
    Ok(Source {
        name: source.name.clone(),
        site: source.site.clone(),
        how,
        limits,
        announced_as: source
            .ae_title
            .as_ref()
            .filter(|_| source.fetch_announced)
            .map(|title| title.as_str().to_owned()),
    })
}

/// The configuration was checked: what is missing here cannot be.
fn peer(config: &Config, source: &PriorSource, tls: Option<&Tls>) -> DicomPeer {
    let title = source.ae_title.as_ref().map(|title| title.as_str().to_owned());
    DicomPeer {
        ae_title: title.unwrap_or_default(),
        host: source.host.clone().unwrap_or_default(),
        port: source.port.unwrap_or_default(),
        our_ae: config.dicom.ae_title.as_str().to_owned(),
        tls: tls.filter(|_| source.tls).cloned(),
    }
}

fn web(source: &PriorSource) -> Result<WebPeer, AppError> {
    let wrong = |problem: String| AppError::Priors {
        name: source.name.clone(),
        problem,
    };
    let secret = |key: &str, path: &Path| {
        identity::secret_text(path).map_err(|problem| wrong(format!("{key}: {problem}")))
    };
    let credentials = match (&source.bearer_file, &source.user, &source.password_file) {
        (Some(path), _, _) => Some(Credentials::Bearer(secret("bearer_file", path)?)),
        (None, Some(user), Some(path)) => Some(Credentials::Basic {
            user: user.clone(),
            password: secret("password_file", path)?,
        }),
        (None, _, _) => None,
    };
    let ca = |problem: String| wrong(format!("ca_file: expected certificates in PEM: {problem}"));
    // The whole question has its limit elsewhere; a redirect could lead the credentials anywhere.
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .pool_max_idle_per_host(1);
    if let Some(path) = &source.ca_file {
        let pem = std::fs::read(path).map_err(|error| ca(error.to_string()))?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| ca(error.to_string()))?;
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    Ok(WebPeer {
        base: source
            .url
            .as_deref()
            .unwrap_or_default()
            .trim_end_matches('/')
            .to_owned(),
        credentials,
        client: builder.build().map_err(|error| ca(error.to_string()))?,
    })
}
