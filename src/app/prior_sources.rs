//! From `[priors]` to the archives that are asked for earlier studies.

use std::sync::Arc;

use tocsin_domain::priors::Bounds;

use super::error::AppError;
use super::settings;
use super::web_peers::web_peer;
use crate::config::Config;
use crate::config::priors::{PriorSource, Retrieve};
use crate::deliver::dicom::DicomPeer;
use crate::deliver::tls::Tls;
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
        intake: settings::intake(config, store, blobs, metrics),
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
        Retrieve::Dicomweb => {
            How::Web(web_peer(&source.web(), None).map_err(|problem| AppError::Priors {
                name: source.name.clone(),
                problem,
            })?)
        }
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
