//! From the configuration to what each part reads of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tocsin_domain::alert::{Person, Policy, PolicyStep};
use tocsin_domain::assessment::Judged;
use tocsin_domain::code::Code;
use tocsin_domain::finding::DisplayPolicy;
use tocsin_domain::ids::SiteId;
use tocsin_domain::leaving::{SendPolicy, Sends};
use tocsin_domain::vendor::product::{Mode, Product};
use tocsin_domain::worklist::{Band, PriorityMap, WaitCaps};

use crate::api;
use crate::api::auth::session::{Lifetime, Transport};
use crate::api::cds::CdsSettings;
use crate::config::auth::SecondFactor;
use crate::config::hl7::AnswersTo;
use crate::config::results::{self, Agreement, Results};
use crate::config::rules::BandName;
use crate::config::value::Accept;
use crate::config::vendors::{VendorDisplay, VendorMode};
use crate::config::{Config, alerts, dicom, hl7, rules, vendors};
use crate::deliver::dicom::DicomPeer;
use crate::deliver::mllp::MllpPeer;
use crate::deliver::tls::Tls;
use crate::ingest::dicom as scp;
use crate::ingest::dicom::intake::Intake;
use crate::ingest::dicom::rows::{Echoes, Rows, SiteOf};
use crate::ingest::hl7::settings as mllp;
use crate::ingest::hl7::vendor_results::AiSender;
use crate::pipeline::env::{AnswerRoute, Archive, Ris, Settings};
use crate::storage::Store;
use crate::storage::blobs::BlobStore;
use crate::telemetry::Metrics;

use super::error::AppError;
use super::{load, machine};

/// What the jobs read.
pub fn pipeline(
    config: &Config,
    base_url: String,
    link_key: Vec<u8>,
    serial: String,
    ris: Option<Ris>,
    archives: Vec<Archive>,
    tls: Option<&Tls>,
) -> Settings {
    Settings {
        site_name: config.site.name.clone(),
        time_zone: config.site.time_zone.0,
        base_url,
        step_patience: TimeDelta::seconds(i64::from(config.dicom.step_patience_seconds)),
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
        ris_enabled: ris.is_some(),
        hook_failures: i64::from(config.fhir.failures.get()),
        ris,
        answers: answers(config, tls),
        archives,
        sends: sends(&config.results),
        vendors: config.vendors.iter().map(product).collect(),
        site_id: config.site.id.to_string(),
        installation_serial: serial,
        link_hours: i64::try_from(config.auth.link_hours.get()).unwrap_or(24),
    }
}

fn sends(wanted: &Results) -> SendPolicy {
    let of = |send: results::Send| match send {
        results::Send::AtOnce => Sends::AtOnce,
        results::Send::Held => Sends::Held,
    };
    let findings = wanted.findings.iter();
    SendPolicy {
        every: of(wanted.send),
        findings: findings
            .map(|(finding, send)| (finding.clone(), of(*send)))
            .collect(),
    }
}

fn product(vendor: &vendors::Vendor) -> Product {
    let code = |code: &vendors::VendorCode| Code {
        system: code.system.clone().into(),
        code: code.code.clone().into(),
        display: "".into(),
    };
    Product {
        name: vendor.name.clone(),
        reads_as: vendor.reads_as.clone().unwrap_or_else(|| vendor.name.clone()),
        manufacturer: vendor.manufacturer.clone(),
        algorithms: vendor.algorithms.clone(),
        report_from: vendor
            .reports_from
            .iter()
            .map(|ae| ae.as_str().to_owned())
            .collect(),
        reads_reports: vendor.reports,
        messages_from: vendor
            .messages_from
            .as_ref()
            .map(|from| (from.application.clone(), from.facility.clone())),
        mode: match vendor.mode {
            VendorMode::Active => Mode::Active,
            VendorMode::Shadow => Mode::Shadow,
        },
        display: match vendor.display {
            VendorDisplay::NotifyOnly => DisplayPolicy::NotifyOnly,
            VendorDisplay::PreviewPlain => DisplayPolicy::PreviewPlain,
            VendorDisplay::PreviewWithMarks => DisplayPolicy::PreviewWithMarks,
        },
        threshold: vendor.threshold,
        calibrated: vendor.calibrated,
        names_only_what_it_found: vendor.names_only_what_it_found,
        codes: vendor.codes.iter().map(|one| (code(one), one.means)).collect(),
    }
}

/// A product that is called as a model of ours would speak in its name.
pub fn distinct_names(config: &Config, models: &[&str]) -> Result<(), AppError> {
    let taken = config
        .vendors
        .iter()
        .find(|vendor| models.contains(&vendor.name.as_str()));
    match taken {
        Some(vendor) => Err(AppError::Vendor {
            name: vendor.name.clone(),
            problem: "a model in force has this name; expected another, and reads_as for its rules"
                .to_owned(),
        }),
        None => Ok(()),
    }
}

/// Whose ORU^R01 are results of products.
fn ai_senders(config: &Config) -> Vec<AiSender> {
    let senders = config
        .vendors
        .iter()
        .filter_map(|vendor| vendor.messages_from.as_ref());
    let sender = |from: &vendors::MessagesFrom| AiSender {
        application: from.application.clone(),
        facility: from.facility.clone(),
    };
    senders.map(sender).collect()
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

/// What keeps images, whichever way they come: sent to the listener, or fetched from an archive.
pub fn image_rows(config: &Config, store: &Store, metrics: &Metrics) -> Rows {
    Rows {
        store: store.clone(),
        site_of: site_of(config),
        default_authority: config.hl7.default_authority.clone(),
        received: metrics.instances_received.clone(),
        echoes: Echoes::default(),
    }
}

/// What the DICOM listener serves besides taking images in.
pub fn served(config: &Config, store: &Store, tls: Option<&Tls>) -> scp::Served {
    scp::Served {
        store: store.clone(),
        site_of: site_of(config),
        default_authority: config.hl7.default_authority.clone(),
        destinations: config
            .dicom
            .peers
            .iter()
            .filter_map(|peer| called(config, peer, tls))
            .collect(),
    }
}

/// How a peer is called; `None` of one that has no port.
pub fn called(config: &Config, peer: &dicom::DicomPeer, tls: Option<&Tls>) -> Option<DicomPeer> {
    Some(DicomPeer {
        ae_title: peer.ae_title.as_str().to_owned(),
        host: peer.host.clone(),
        port: peer.port.filter(|port| *port != 0)?,
        our_ae: config.dicom.ae_title.as_str().to_owned(),
        tls: tls.filter(|_| peer.tls).cloned(),
    })
}

/// What takes images in that did not come to the listener.
pub fn intake(config: &Config, store: &Store, blobs: &BlobStore, metrics: &Metrics) -> Intake {
    Intake {
        rows: image_rows(config, store, metrics),
        blobs: blobs.clone(),
        limits: scp::ScpSettings::from_config(&config.dicom, &config.storage).limits,
    }
}

/// The site of a sender: the peer's own, else the default one.
fn site_of(config: &Config) -> SiteOf {
    let default = config.site.id.clone();
    let mapped: BTreeMap<String, SiteId> = config
        .dicom
        .peers
        .iter()
        .filter_map(|p| Some((p.ae_title.as_str().to_owned(), p.site.clone()?)))
        .collect();
    Arc::new(move |ae_title| mapped.get(ae_title).cloned().unwrap_or_else(|| default.clone()))
}

/// Where the senders of messages take the answers that come later.
fn answers(config: &Config, tls: Option<&Tls>) -> BTreeMap<String, AnswerRoute> {
    let route = |peer: &hl7::Hl7Peer| {
        let answers = peer.application_answers.as_ref()?;
        let route = match answers.to {
            AnswersTo::SameConnection => AnswerRoute::SameConnection,
            AnswersTo::Listener => AnswerRoute::To(MllpPeer {
                ack_timeout: Duration::from_secs(answers.ack_timeout_seconds.get()),
                tls: tls.filter(|_| answers.tls).cloned(),
                ..MllpPeer::new(answers.host.as_deref()?, answers.port?)
            }),
        };
        Some((peer.name.clone(), route))
    };
    config.hl7.peers.iter().filter_map(route).collect()
}

fn later_answers(peer: &hl7::Hl7Peer) -> Option<mllp::LaterAnswers> {
    let answers = peer.application_answers.as_ref()?;
    Some(mllp::LaterAnswers {
        peer: peer.name.clone(),
        way: match answers.to {
            AnswersTo::Listener => mllp::AnswerWay::OwnConnection,
            AnswersTo::SameConnection => mllp::AnswerWay::SameConnection,
        },
    })
}

/// What the MLLP listener reads.
pub fn mllp(config: &Config) -> Result<mllp::MllpSettings, AppError> {
    let hl7 = &config.hl7;
    let own = reading(config, None, &hl7.profile)?;
    let mut peers = Vec::with_capacity(hl7.peers.len());
    for peer in &hl7.peers {
        let profile = peer.profile.as_deref().unwrap_or(&hl7.profile);
        peers.push(mllp::Peer {
            name: peer.name.clone(),
            host: match peer.host.parse() {
                Ok(address) => mllp::PeerHost::Address(address),
                Err(_) => mllp::PeerHost::Name(peer.host.clone()),
            },
            application: peer.application.clone(),
            facility: peer.facility.clone(),
            reading: mllp::SiteReading {
                answers: later_answers(peer),
                ..reading(config, peer.site.as_ref(), profile)?
            },
        });
    }
    let limits = mllp::MllpLimits {
        message_bytes: hl7.max_message_bytes(),
        connections: usize::try_from(hl7.max_connections.get()).unwrap_or(64),
        idle: hl7.idle_timeout(),
        ..mllp::MllpLimits::default()
    };
    Ok(mllp::MllpSettings {
        application: hl7.application.clone(),
        facility: hl7.facility.clone(),
        accept: match hl7.accept {
            Accept::Loopback => mllp::Accept::Loopback(peers),
            Accept::Peers => mllp::Accept::Peers(peers),
        },
        reading: own,
        processing_ids: hl7.processing_ids.clone(),
        ai_senders: ai_senders(config),
        when_paused: match hl7.when_paused {
            hl7::WhenPaused::Close => mllp::WhenPaused::Close,
            hl7::WhenPaused::Reject => mllp::WhenPaused::Reject,
        },
        limits,
    })
}

fn reading(config: &Config, site: Option<&SiteId>, profile: &str) -> Result<mllp::SiteReading, AppError> {
    let site = site.unwrap_or(&config.site.id);
    let other = config.site.others.iter().find(|other| other.id == *site);
    let zone = other.map_or(config.site.time_zone.0, |other| other.time_zone.0);
    Ok(mllp::SiteReading {
        site: site.clone(),
        zone,
        profile: Arc::new(load::profile(config, profile)?.read),
        answers: None,
    })
}

/// Without the keys of EHRs, which are in files.
fn cds(config: &Config) -> CdsSettings {
    let hooks = &config.cds_hooks;
    CdsSettings {
        origins: hooks.origins.clone(),
        ehrs: Vec::new(),
        systems: hooks
            .patient_systems
            .iter()
            .map(|known| (known.system.clone(), known.authority.clone()))
            .collect(),
        recent: TimeDelta::hours(i64::from(hooks.recent_hours.get())),
    }
}

/// A year; more is never.
const MINUTES: i64 = 365 * 24 * 60;

/// What the API and the pages read.
pub fn api(config: &Config) -> api::Settings {
    let seconds = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let minutes = |n: u64| TimeDelta::minutes(i64::try_from(n).unwrap_or(MINUTES).min(MINUTES));
    api::Settings {
        site: config.site.id.clone(),
        site_name: config.site.name.clone(),
        time_zone: config.site.time_zone.0,
        caps: wait_caps(&config.rules),
        public_origin: config.http.public_url.as_ref().map(|url| url.as_str().to_owned()),
        transport: if config.http.secure_cookies() {
            Transport::Https
        } else {
            Transport::Http
        },
        session: Lifetime {
            idle: seconds(config.auth.session_idle_minutes.get() * 60),
            whole: seconds(config.auth.session_hours.get() * 3600),
        },
        trusted_proxies: config.http.trusted_proxies.clone(),
        attempts_per_minute: config.auth.attempts_per_minute.get(),
        factor_required: match config.auth.second_factor {
            SecondFactor::Required => true,
            SecondFactor::Optional => false,
        },
        idle_lock: minutes(config.auth.idle_lock_minutes.get()),
        wall_never_locks: config.auth.wall_never_locks,
        fresh: minutes(config.auth.fresh_minutes.get()),
        people: config
            .alerts
            .people
            .iter()
            .map(|p| (p.id.clone(), p.name.clone()))
            .collect(),
        receives: (
            config.dicom.ae_title.as_str().to_owned(),
            config.dicom.listen.0.port(),
        ),
        blob_folder: config.storage.folder().to_owned(),
        min_free_bytes: config.storage.min_free_mb * 1024 * 1024,
        limits: api::Limits {
            body_bytes: config.http.body_limit(),
            request: config.http.request_timeout(),
            workers: usize::try_from(config.http.workers.get()).unwrap_or(2),
        },
        default_authority: config.hl7.default_authority.clone(),
        loaded: Default::default(),
        models: Default::default(),
        agreement: match config.results.agreement {
            Agreement::Stated => Judged::Confirmed,
            Agreement::Verifies => Judged::Verified,
        },
        cds: cds(config),
        viewer: config.site.viewer_url.clone(),
        demonstration: config.demonstration,
    }
}
