//! From the configuration to what FHIR says of this installation, and to whom subscriptions may have told: reads the credentials
//! and certificates that it names.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, Url, redirect};
use tocsin_domain::clock::Timestamp;

use super::error::AppError;
use super::{identity, settings};
use crate::config::Config;
use crate::config::fhir::Receiver;
use crate::config::fhircast::Publishes;
use crate::deliver::hook::HookPeer;
use crate::deliver::hub::HubPeer;
use crate::fhir::{self, Server};
use crate::pipeline::env::Hub;

pub fn server(config: &Config, http: SocketAddr, serial: String, now: Timestamp) -> Server {
    let person = |person: &crate::config::alerts::Person| (person.id.clone(), person.name.clone());
    let receiver = |receiver: &Receiver| fhir::Receiver {
        name: receiver.name.clone(),
        url: receiver.url.clone(),
    };
    Server {
        base: format!("{}/fhir", config.http.base_url(http)),
        site: config.site.id.clone(),
        site_name: config.site.name.clone(),
        serial,
        time_zone: config.site.time_zone.0,
        default_authority: config.hl7.default_authority.clone(),
        systems: config.fhir.systems.clone(),
        priorities: settings::priorities(&config.rules),
        caps: settings::wait_caps(&config.rules),
        people: config
            .alerts
            .people
            .iter()
            .map(person)
            .collect::<BTreeMap<_, _>>(),
        receivers: config.fhir.receivers.iter().map(receiver).collect(),
        started_at: now,
    }
}

/// How each receiver is called.
pub fn hooks(config: &Config) -> Result<Vec<HookPeer>, AppError> {
    let peer = |receiver: &Receiver| {
        let wrong = |problem: String| AppError::Receiver {
            name: receiver.name.clone(),
            problem,
        };
        let bearer = match &receiver.bearer_file {
            Some(path) => Some(
                identity::secret_text(path).map_err(|problem| wrong(format!("bearer_file: {problem}")))?,
            ),
            None => None,
        };
        Ok(HookPeer {
            name: receiver.name.clone(),
            client: client(receiver.ca_file.as_deref()).map_err(wrong)?,
            bearer,
            timeout: config.fhir.timeout(),
        })
    };
    config.fhir.receivers.iter().map(peer).collect()
}

/// The FHIRcast hub, if one is configured.
pub fn hub(config: &Config) -> Result<Option<Hub>, AppError> {
    let section = &config.fhircast;
    let Some(address) = &section.hub else {
        return Ok(None);
    };
    let wrong = |problem: String| AppError::Receiver {
        name: "fhircast".to_owned(),
        problem,
    };
    let bearer = section
        .bearer_file
        .as_deref()
        .map(identity::secret_text)
        .transpose();
    let peer = HubPeer {
        url: Url::parse(address).map_err(|error| wrong(format!("hub: {error}")))?,
        client: client(section.ca_file.as_deref()).map_err(wrong)?,
        bearer: bearer.map_err(|problem| wrong(format!("bearer_file: {problem}")))?,
        timeout: section.timeout(),
    };
    Ok(Some(Hub {
        peer,
        topics: section.topics.clone(),
        any: section.publishes == Publishes::Any,
        patience_minutes: section.patience_minutes.get(),
        look: Duration::from_secs(u64::from(section.look_seconds.get())),
    }))
}

/// A redirect could lead a patient's result anywhere.
fn client(ca_file: Option<&Path>) -> Result<Client, String> {
    let ca = |problem: String| format!("ca_file: expected certificates in PEM: {problem}");
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .pool_max_idle_per_host(1);
    if let Some(path) = ca_file {
        let pem = std::fs::read(path).map_err(|error| ca(error.to_string()))?;
        for certificate in Certificate::from_pem_bundle(&pem).map_err(|error| ca(error.to_string()))? {
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(|error| ca(error.to_string()))
}
