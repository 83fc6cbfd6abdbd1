//! Collects what is wrong with values that are fine one by one. It changes nothing.

use std::path::Path;

use super::error::Problem;
use super::place::Places;
use super::value::{Accept, Listen};

#[derive(Debug)]
pub(super) struct Problems<'a> {
    places: &'a Places,
    pub(super) found: Vec<Problem>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(places: &'a Places) -> Self {
        Self {
            places,
            found: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, key: &str, message: &str) {
        self.found.push(Problem {
            key: key.to_owned(),
            place: self.places.of(key),
            message: message.to_owned(),
        });
    }

    pub(super) fn not_empty(&mut self, key: &str, text: &str) {
        if text.trim().is_empty() {
            self.add(key, "expected a text that is not empty");
        }
    }

    /// A folder that is named must be there; one that is not named is found or made by others.
    pub(super) fn folder(&mut self, key: &str, path: Option<&Path>) {
        if path.is_some_and(|path| !path.is_dir()) {
            self.add(key, "expected a folder that exists");
        }
    }

    /// Each listener needs a port of its own; port 0 is whatever is free.
    pub(super) fn distinct(&mut self, listeners: &[Option<(&str, Listen)>]) {
        for (at, (key, listen)) in listeners.iter().flatten().enumerate() {
            let same = |other: &&(&str, Listen)| listen.0.port() != 0 && other.1.0 == listen.0;
            if let Some((first, _)) = listeners.iter().flatten().take(at).find(same) {
                self.add(
                    key,
                    &format!("expected a port of its own; {first} has it already"),
                );
            }
        }
    }

    /// `accept = "loopback"` trusts whoever connects, so it may not listen to the network.
    pub(super) fn loopback_only(&mut self, key: &str, accept: Accept, listen: Option<Listen>) {
        let outside = listen.is_some_and(|listen| !listen.0.ip().is_loopback());
        if accept == Accept::Loopback && outside {
            self.add(
                key,
                "expected an address on loopback (127.0.0.1), because accept is \"loopback\"",
            );
        }
    }
}
