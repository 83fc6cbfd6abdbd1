//! From the configuration to what each part reads of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use tocsin_domain::alert::{Person, Policy, PolicyStep};
use tocsin_domain::ids::SiteId;
use tocsin_domain::worklist::{Band, PriorityMap, WaitCaps};

use crate::config::rules::BandName;
use crate::config::value::Accept;
use crate::config::{Config, alerts, dicom, rules};
use crate::ingest::dicom as scp;
use crate::ingest::dicom::rows::SiteOf;
use crate::pipeline::env::Settings;

use super::machine;

/// What the jobs read.
pub fn pipeline(config: &Config, base_url: String, link_key: Vec<u8>) -> Settings {
    Settings {
        site_name: config.site.name.clone(),
        time_zone: config.site.time_zone.0,
        base_url,
        default_authority: config.hl7.default_authority.clone(),
        priorities: priorities(&config.rules),
        people: config.alerts.people.iter().map(person).collect(),
        policies: config
            .alerts
            .policies
            .iter()
            .map(|p| (p.name.clone(), policy(p)))
            .collect(),
        default_policy: config.alerts.default_policy.clone(),
        mail_from: config.alerts.from.as_str().to_owned(),
        mail_host: machine::host_name(),
        link_key,
        link_hours: i64::try_from(config.auth.link_hours.get()).unwrap_or(24),
    }
}

fn person(person: &alerts::Person) -> Person {
    Person {
        id: person.id.clone(),
        name: person.name.clone(),
        email: person.email.as_str().to_owned(),
        roles: person.roles.clone(),
    }
}

fn policy(policy: &alerts::Policy) -> Policy {
    let step = |s: &alerts::PolicyStep| PolicyStep {
        to: s.to.clone(),
        wait_minutes: s.wait_minutes.get(),
    };
    Policy {
        name: policy.name.clone(),
        steps: policy.steps.iter().map(step).collect(),
        last_resort: policy.last_resort.clone(),
        repeat_minutes: policy.repeat_minutes.get(),
    }
}

pub fn priorities(rules: &rules::Rules) -> PriorityMap {
    let map: BTreeMap<String, Band> = rules
        .priorities
        .iter()
        .map(|(word, band)| (word.to_ascii_uppercase(), band_of(*band)))
        .collect();
    PriorityMap(map)
}

fn band_of(name: BandName) -> Band {
    match name {
        BandName::Critical => Band::Critical,
        BandName::Urgent => Band::Urgent,
        BandName::Routine => Band::Routine,
    }
}

pub fn wait_caps(rules: &rules::Rules) -> WaitCaps {
    let minutes = |n: std::num::NonZeroU32| TimeDelta::minutes(i64::from(n.get()));
    WaitCaps {
        critical: minutes(rules.wait_caps_minutes.critical),
        urgent: minutes(rules.wait_caps_minutes.urgent),
        routine: minutes(rules.wait_caps_minutes.routine),
    }
}

/// What the DICOM listener reads.
pub fn scp(config: &Config) -> scp::ScpSettings {
    let dicom = &config.dicom;
    let accept = match dicom.accept {
        Accept::Loopback => scp::Accept::Loopback,
        Accept::Peers => scp::Accept::Peers(dicom.peers.iter().map(peer).collect()),
    };
    let mut settings = scp::ScpSettings::new(dicom.ae_title.as_str(), accept);
    settings.limits.associations = usize::try_from(dicom.max_associations.get()).unwrap_or(64);
    settings.limits.associations_per_peer =
        usize::try_from(dicom.max_associations_per_peer.get()).unwrap_or(20);
    settings.limits.pdu = dicom.read_timeout();
    settings.limits.artim = dicom.read_timeout();
    settings.limits.idle = dicom.idle_timeout();
    settings.limits.instance_bytes = dicom.max_instance_bytes();
    settings.limits.disk_reserve_bytes = config.storage.min_free_mb * 1024 * 1024;
    settings
}

fn peer(peer: &dicom::DicomPeer) -> scp::Peer {
    let host = match peer.host.parse() {
        Ok(address) => scp::PeerHost::Address(address),
        Err(_) => scp::PeerHost::Name(peer.host.clone()),
    };
    scp::Peer {
        ae_title: peer.ae_title.as_str().to_owned(),
        host,
    }
}

/// The site of a sender: the peer's own, else the default one.
pub fn site_of(config: &Config) -> SiteOf {
    let default = config.site.id.clone();
    let mapped: BTreeMap<String, SiteId> = config
        .dicom
        .peers
        .iter()
        .filter_map(|p| Some((p.ae_title.as_str().to_owned(), p.site.clone()?)))
        .collect();
    Arc::new(move |ae_title| mapped.get(ae_title).cloned().unwrap_or_else(|| default.clone()))
}
