//! From `[[dicom.peers]]` to the archives and destinations that objects are handed to, and how.

use super::error::AppError;
use super::settings;
use super::web_peers::web_peer;
use crate::config::Config;
use crate::config::archive::{ArchiveObject, RejectObjects};
use crate::config::dicom::{self, PeerRole};
use crate::deliver::tls::Tls;
use crate::pipeline::env::{Archive, Gets, Rejects, Way};

/// # Errors
/// Credentials or certificates of a DICOMweb server that cannot be read.
pub fn archives(config: &Config, tls: Option<&Tls>) -> Result<Vec<Archive>, AppError> {
    let receivers = config.dicom.receivers();
    receivers.map(|peer| archive(config, peer, tls)).collect()
}

fn archive(config: &Config, peer: &dicom::DicomPeer, tls: Option<&Tls>) -> Result<Archive, AppError> {
    let name = peer.ae_title.as_str().to_owned();
    let way = match peer.url {
        Some(_) => {
            let called = web_peer(&peer.web(), Some(config.archive.timeout()));
            Way::Web(called.map_err(|problem| AppError::Archive {
                name: name.clone(),
                problem,
            })?)
        }
        None => {
            let called = settings::called(config, peer, tls).ok_or_else(|| AppError::Archive {
                name: name.clone(),
                problem: "it has no port".to_owned(),
            })?;
            Way::Dicom(called)
        }
    };
    let send = peer.send.as_ref().unwrap_or(&config.archive.send);
    Ok(Archive {
        name,
        way,
        gets: match peer.role {
            PeerRole::Destination => Gets::WhatRulesRoute,
            PeerRole::Archive | PeerRole::Sender => Gets::Everything,
        },
        structured_report: send.contains(&ArchiveObject::Sr),
        key_image: send.contains(&ArchiveObject::KeyImage),
        segmentation: send.contains(&ArchiveObject::Seg),
        commitment: peer.commitment,
        rejects: match peer.reject.unwrap_or(config.archive.reject) {
            RejectObjects::Never => Rejects::Never,
            RejectObjects::Withdrawn => Rejects::Withdrawn,
            RejectObjects::Replaced => Rejects::Replaced,
        },
    })
}
