//! From `[modality_worklist]` to the worklists that are asked for orders. Nobody is asked yet.

use std::sync::Arc;

use crate::config::Config;
use crate::config::modality_worklist::WorklistSource;
use crate::deliver::dicom::DicomPeer;
use crate::deliver::tls::Tls;
use crate::retrieve::Limits;
use crate::retrieve::worklist::{Steps, Worklist};

pub fn worklists(config: &Config, tls: Option<&Tls>) -> Arc<Vec<Worklist>> {
    let sources = &config.modality_worklist.sources;
    Arc::new(
        sources
            .iter()
            .map(|source| worklist(config, source, tls))
            .collect(),
    )
}

fn worklist(config: &Config, source: &WorklistSource, tls: Option<&Tls>) -> Worklist {
    let section = &config.modality_worklist;
    Worklist {
        name: source.name.clone(),
        site: source.site.clone().unwrap_or_else(|| config.site.id.clone()),
        peer: DicomPeer {
            ae_title: source.ae_title.as_str().to_owned(),
            host: source.host.clone(),
            port: source.port,
            our_ae: config.dicom.ae_title.as_str().to_owned(),
            tls: tls.filter(|_| source.tls).cloned(),
        },
        wanted: Steps {
            station_ae: source.station_ae.as_ref().map(|title| title.as_str().to_owned()),
            modality: source.modality.clone(),
            days_before: section.days_before,
            days_after: section.days_after,
        },
        every: section.every(),
        limits: Limits {
            answers: usize::try_from(section.answers.get()).unwrap_or(usize::MAX),
            timeout: section.timeout(),
        },
    }
}
