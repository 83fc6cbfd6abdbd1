//! From the configuration to the systems that the engineer of the interfaces sees, and how each is tried.

use std::sync::Arc;

use async_trait::async_trait;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::ids::MessageId;

use super::Addresses;
use crate::api::connections::{ConnectionKind, Neighbour, Neighbours};
use crate::config::Config;
use crate::deliver::chain;
use crate::deliver::dicom::{self, DicomPeer};
use crate::deliver::hook::HookPeer;
use crate::deliver::hub::HubPeer;
use crate::deliver::mllp::{self, AckOutcome, MllpPeer};
use crate::deliver::tls::Tls;
use crate::deliver::web::{self, WebPeer};
use crate::pipeline::env::{Env, Way};
use crate::pipeline::tell_ris::RIS;
use crate::pipeline::tell_sessions::HUB;
use crate::report::hl7_context::Envelope;
use crate::report::nmd;
use crate::retrieve::How;
use crate::storage::messages;

/// Those of the configuration.
pub struct Configured {
    all: Vec<Neighbour>,
    /// How those that we call are called, by id.
    called: Vec<(String, Called)>,
    tls: Option<Tls>,
    /// What writes messages to the RIS.
    env: Arc<Env>,
}

enum Called {
    Hook(HookPeer, String),
    Hub(HubPeer),
    Dicom(DicomPeer),
    Mllp(MllpPeer),
    Web(WebPeer),
}

impl Configured {
    pub fn of(config: &Config, env: &Arc<Env>, tls: Option<&Tls>, addresses: Addresses) -> Self {
        let mut found = Self {
            all: Vec::new(),
            called: Vec::new(),
            tls: tls.cloned(),
            env: env.clone(),
        };
        found.listeners(config, addresses);
        found.senders(config);
        if let Some(ris) = &env.settings.ris {
            let (peer, profile) = (ris.peer.clone(), Some(config.ris.profile.clone()));
            found.calls(ConnectionKind::Hl7Out, RIS, profile, Called::Mllp(peer));
        }
        for archive in &env.settings.archives {
            let called = match &archive.way {
                Way::Dicom(peer) => Called::Dicom(peer.clone()),
                Way::Web(peer) => Called::Web(peer.clone()),
            };
            found.calls(ConnectionKind::DicomOut, &archive.name, None, called);
        }
        for source in env.priors.iter().flat_map(|priors| &priors.sources) {
            let called = match &source.how {
                How::Get(peer) | How::Move(peer) => Called::Dicom(peer.clone()),
                How::Web(peer) => Called::Web(peer.clone()),
            };
            found.calls(ConnectionKind::PriorSource, &source.name, None, called);
        }
        for worklist in env.worklists.iter() {
            let peer = Called::Dicom(worklist.peer.clone());
            found.calls(ConnectionKind::WorklistSource, &worklist.name, None, peer);
        }
        for (peer, receiver) in env.hooks.iter().zip(&env.fhir.receivers) {
            let called = Called::Hook(peer.clone(), receiver.url.clone());
            found.calls(ConnectionKind::Subscriber, &receiver.name, None, called);
        }
        if let Some(hub) = &env.hub {
            let called = Called::Hub(hub.peer.clone());
            found.calls(ConnectionKind::FhircastHub, HUB, None, called);
        }
        found
    }

    fn listeners(&mut self, config: &Config, addresses: Addresses) {
        self.add(Neighbour {
            address: addresses.hl7.to_string(),
            ..Neighbour::new(ConnectionKind::Hl7Listener, &config.hl7.application)
        });
        self.add(Neighbour {
            address: addresses.dicom.to_string(),
            ..Neighbour::new(ConnectionKind::DicomListener, config.dicom.ae_title.as_str())
        });
    }

    /// Gives it an id.
    fn add(&mut self, one: Neighbour) -> String {
        let id = self.all.len().to_string();
        self.all.push(Neighbour {
            id: id.clone(),
            ..one
        });
        id
    }

    fn senders(&mut self, config: &Config) {
        for peer in &config.hl7.peers {
            self.add(Neighbour {
                address: peer.host.clone(),
                profile: Some(peer.profile.clone().unwrap_or_else(|| config.hl7.profile.clone())),
                sender: [peer.application.clone(), peer.facility.clone()],
                ..Neighbour::new(ConnectionKind::Hl7In, &peer.name)
            });
        }
        for peer in config.dicom.peers.iter().filter(|peer| peer.may_call()) {
            self.add(Neighbour {
                address: peer.host.clone(),
                ..Neighbour::new(ConnectionKind::DicomIn, peer.ae_title.as_str())
            });
        }
    }

    fn calls(&mut self, kind: ConnectionKind, name: &str, profile: Option<String>, called: Called) {
        let (address, tls) = match &called {
            Called::Dicom(peer) => (format!("{}:{}", peer.host, peer.port), peer.tls.is_some()),
            Called::Mllp(peer) => (format!("{}:{}", peer.host, peer.port), peer.tls.is_some()),
            Called::Web(peer) => (peer.base.clone(), peer.base.starts_with("https:")),
            Called::Hub(peer) => (peer.url.to_string(), peer.url.scheme() == "https"),
            Called::Hook(_, url) => (url.clone(), url.starts_with("https:")),
        };
        let id = self.add(Neighbour {
            address,
            tls,
            profile,
            may_be_checked: true,
            ..Neighbour::new(kind, name)
        });
        self.called.push((id, called));
    }
}

#[async_trait]
impl Neighbours for Configured {
    fn all(&self) -> &[Neighbour] {
        &self.all
    }

    fn certificate_ends(&self) -> Option<Timestamp> {
        self.tls.as_ref()?.ends()
    }

    async fn check(&self, id: &str) -> Option<Result<String, String>> {
        let (_, called) = self.called.iter().find(|(known, _)| known == id)?;
        Some(match called {
            Called::Dicom(peer) => match dicom::echo(peer).await {
                Ok(()) => Ok(format!("{} has answered the C-ECHO", peer.ae_title)),
                Err(error) => Err(chain(&error)),
            },
            // Without a message: what it says to one is known from those that are sent.
            Called::Mllp(peer) => match mllp::reach(peer).await {
                Ok(()) => Ok(format!("{}:{} takes connections", peer.host, peer.port)),
                Err(error) => Err(chain(&error)),
            },
            Called::Hook(peer, url) => match peer.reach(url).await {
                Ok(status) => Ok(format!(
                    "{url} answers, with status {status} to a HEAD that asks for nothing"
                )),
                Err(error) => Err(chain(&error)),
            },
            Called::Hub(peer) => match peer.configuration().await {
                Ok(_) => Ok(format!("{} says what it supports", peer.url)),
                Err(error) => Err(chain(&error)),
            },
            Called::Web(peer) => match web::reachable(peer).await {
                Ok(()) => Ok(format!("{} has answered a search", peer.base)),
                Err(error) => Err(chain(&error)),
            },
        })
    }

    async fn test(&self, id: &str) -> Option<Result<String, String>> {
        let (_, called) = self.called.iter().find(|(known, _)| known == id)?;
        let (Called::Mllp(peer), Some(ris)) = (called, &self.env.settings.ris) else {
            return None;
        };
        let control_id = messages::control_id(MessageId(self.env.store.ids().uuid()));
        let message = nmd::status(&Envelope {
            profile: &ris.profile,
            parties: &ris.parties,
            control_id: &control_id,
            at: self.env.store.now(),
            zone: self.env.settings.time_zone,
        });
        let (verdict, code, text) = match mllp::send(peer, &message.bytes, &control_id).await {
            Ok(AckOutcome::Accepted { code, text, .. }) => ("takes it", code, text),
            // It has read the message and does not know its type: the conversation works.
            Ok(AckOutcome::Refused { code, text, .. }) => ("reads it and does not want it", code, text),
            Err(error) => return Some(Err(chain(&error))),
        };
        let words = format!("NMD^N02 {control_id}: {RIS} {verdict}, {} {text}", code.text());
        Some(Ok(words.trim_end().to_owned()))
    }
}
