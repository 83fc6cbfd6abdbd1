//! Reads each section of the merged layers into its struct, and turns what serde says of a mistake into a key, a place and
//! an expectation. It repeats no value of a key that may hold a secret.

use std::path::Path;

use figment::error::Kind;
use figment::{Figment, Provider};
use serde::de::DeserializeOwned;

use super::Config;
use super::error::Problem;
use super::nearest::nearest;
use super::place::Places;

const SECTIONS: [&str; 22] = [
    "site",
    "database",
    "storage",
    "http",
    "dicom",
    "hl7",
    "inference",
    "rules",
    "alerts",
    "ris",
    "archive",
    "priors",
    "modality_worklist",
    "cds_hooks",
    "fhir",
    "fhircast",
    "results",
    "retention",
    "auth",
    "vendors",
    "tls",
    "log",
];

pub(super) struct Reader<'a> {
    pub(super) layers: &'a Figment,
    pub(super) places: &'a Places,
    pub(super) problems: Vec<Problem>,
}

impl Reader<'_> {
    /// Sections that do not exist.
    pub(super) fn sections(&mut self) {
        let all = self.layers.data().unwrap_or_default();
        for name in all.values().flat_map(|section| section.keys()) {
            if !SECTIONS.contains(&name.as_str()) {
                self.unknown(name, name, &SECTIONS);
            }
        }
    }

    pub(super) fn config(&mut self, base: &Path) -> Option<Config> {
        // Every section is read before any is missed, so that all problems are known.
        let (site, database, storage) = (
            self.section("site"),
            self.section("database"),
            self.section("storage"),
        );
        let (http, dicom, hl7) = (self.section("http"), self.section("dicom"), self.section("hl7"));
        let (inference, rules, alerts) = (
            self.section("inference"),
            self.section("rules"),
            self.section("alerts"),
        );
        let (ris, archive, retention) = (
            self.section("ris"),
            self.section("archive"),
            self.section("retention"),
        );
        let (auth, log) = (self.section("auth"), self.section("log"));
        let results = self.section("results");
        let (priors, fhir) = (self.section("priors"), self.section("fhir"));
        let (cds_hooks, vendors) = (self.section("cds_hooks"), self.section("vendors"));
        let (modality_worklist, fhircast) = (self.section("modality_worklist"), self.section("fhircast"));
        // All but this one have defaults.
        let tls = match self.layers.find_value("tls") {
            Ok(_) => Some(self.section("tls")),
            Err(_) => None,
        };
        Some(Config {
            base: base.to_owned(),
            site: site?,
            database: database?,
            storage: storage?,
            http: http?,
            dicom: dicom?,
            hl7: hl7?,
            inference: inference?,
            rules: rules?,
            alerts: alerts?,
            ris: ris?,
            archive: archive?,
            priors: priors?,
            modality_worklist: modality_worklist?,
            cds_hooks: cds_hooks?,
            fhir: fhir?,
            fhircast: fhircast?,
            results: results?,
            retention: retention?,
            auth: auth?,
            vendors: vendors?,
            tls: match tls {
                Some(tls) => Some(tls?),
                None => None,
            },
            log: log?,
            demonstration: false,
        })
    }

    fn section<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let error = match self.layers.find_value(name) {
            Ok(value) => match value.deserialize::<T>() {
                Ok(section) => return Some(section),
                Err(error) => error,
            },
            Err(error) => error,
        };
        for error in error {
            let mut path = vec![name.to_owned()];
            path.extend(error.path.iter().cloned());
            self.explain(&path.join("."), &error.kind);
        }
        None
    }

    fn explain(&mut self, key: &str, kind: &Kind) {
        match kind {
            Kind::UnknownField(field, known) => {
                let parent = key.strip_suffix(&format!(".{field}")).unwrap_or(key);
                self.unknown(&format!("{parent}.{field}"), field, known);
            }
            Kind::MissingField(field) => {
                let key = format!("{key}.{field}");
                let message = format!("missing; expected {}", expectation(&key));
                self.add(&key, message);
            }
            Kind::UnknownVariant(word, known) => {
                let hint = nearest(word, known.iter().copied())
                    .map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
                self.add(
                    key,
                    format!("found \"{word}\", expected one of {}{hint}", known.join(", ")),
                );
            }
            Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
                let found = if may_be_secret(key) {
                    "another kind of value".to_owned()
                } else {
                    actual
                        .to_string()
                        .replace("unsigned int", "number")
                        .replace("signed int", "number")
                };
                self.add(key, format!("found {found}, expected {}", plain(expected)));
            }
            Kind::Message(text) => self.add(key, text.clone()),
            Kind::InvalidLength(..)
            | Kind::DuplicateField(_)
            | Kind::ISizeOutOfRange(_)
            | Kind::USizeOutOfRange(_)
            | Kind::Unsupported(_)
            | Kind::UnsupportedKey(..) => self.add(key, kind.to_string()),
        }
    }

    fn unknown(&mut self, key: &str, word: &str, known: &[&str]) {
        let hint = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("expected one of {}", known.join(", ")),
        };
        self.add(key, format!("there is no such key; {hint}"));
    }

    fn add(&mut self, key: &str, message: String) {
        self.problems.push(Problem {
            key: key.to_owned(),
            place: self.places.of(key),
            message,
        });
    }
}

fn may_be_secret(key: &str) -> bool {
    ["url", "password", "password_file", "user"]
        .iter()
        .any(|name| key.ends_with(name))
}

/// Names of Rust types in the words of a person who writes TOML.
fn plain(expected: &str) -> &str {
    match expected {
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, not negative",
        "i32" | "i64" => "a whole number",
        "a nonzero u32" | "a nonzero u64" | "a nonzero usize" => "a whole number above 0",
        "a string" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list in [ ]",
        other => other,
    }
}

/// What belongs in a key that is missing.
fn expectation(key: &str) -> &'static str {
    match key {
        "site.name" => "the name of the hospital",
        "site.time_zone" => "a time zone of the IANA database, such as Europe/Berlin",
        "database.url" => "sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE",
        "storage.url" => "file://FOLDER",
        _ if key.ends_with(".ae_title") => "an AE title of 1 to 16 characters",
        _ if key.ends_with(".host") => "a host name or an address",
        _ if key.ends_with(".port") => "a port from 1 to 65535",
        _ if key.ends_with(".email") => "an e-mail address",
        _ => "a value",
    }
}
