//! The site profiles that the configuration names, and those that come with the program, as their files stand now.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use serde_json::Value;
use tocsin_domain::clock::Timestamp;

use super::profile_samples;
use crate::api::site_profiles::{KnownProfile, Profiles, ReadView, SampleView};
use crate::config::{Config, shipped};
use crate::ingest::hl7::samples;
use crate::report::site_profile::SiteProfile;

/// Found once; read whenever somebody asks.
pub struct SiteProfiles {
    entries: Vec<Entry>,
    base: PathBuf,
    zone: Tz,
}

struct Entry {
    id: String,
    name: String,
    used_by: Vec<String>,
    /// The folder of its samples.
    samples: Option<PathBuf>,
    /// As it was when the service was started, where it is in use.
    in_force: Option<SiteProfile>,
}

impl SiteProfiles {
    pub fn of(config: &Config) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for (name, used_by) in used(config) {
            let in_force = profile_samples::parsed(&config.base, &name).ok();
            entries.push(entry(&entries, &config.base, &name, used_by, in_force));
        }
        // Shipped ones that nobody uses are there to be looked at, and to be copied.
        let files = sites().and_then(|folder| profile_samples::files(&folder, "toml").ok());
        for file in files.unwrap_or_default() {
            let stem = stem(&file);
            let name = match SiteProfile::shipped(&stem) {
                Some(_) => stem.clone(),
                None => file.to_string_lossy().into_owned(),
            };
            let known = |entry: &Entry| entry.samples.as_deref() == Some(&file.with_extension(""));
            if !entries.iter().any(known) {
                entries.push(entry(&entries, &config.base, &name, Vec::new(), None));
            }
        }
        Self {
            entries,
            base: config.base.clone(),
            zone: config.site.time_zone.0,
        }
    }

    fn known(&self, entry: &Entry) -> KnownProfile {
        let profile = profile_samples::parsed(&self.base, &entry.name);
        let samples = match (&profile, &entry.samples) {
            (Ok(profile), Some(folder)) => profile_samples::all(folder, &profile.read),
            (Ok(_), None) | (Err(_), _) => Ok(Vec::new()),
        };
        let changed = |before: &SiteProfile| profile.as_ref() != Ok(before);
        KnownProfile {
            id: entry.id.clone(),
            name: entry.name.clone(),
            used_by: entry.used_by.clone(),
            changed: entry.in_force.as_ref().is_some_and(changed),
            samples: samples.map(|all| all.into_iter().map(view).collect()),
            profile,
        }
    }
}

impl Profiles for SiteProfiles {
    fn all(&self) -> Vec<KnownProfile> {
        self.entries.iter().map(|entry| self.known(entry)).collect()
    }

    fn read(&self, id: &str, message: &[u8], at: Timestamp) -> Option<Result<Value, String>> {
        let entry = self.entries.iter().find(|entry| entry.id == id)?;
        let profile = profile_samples::parsed(&self.base, &entry.name);
        Some(profile.map(|profile| samples::read(message, &profile.read, self.zone, at)))
    }
}

/// Each profile of the configuration, and the systems that it is for.
fn used(config: &Config) -> BTreeMap<String, Vec<String>> {
    let mut used: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let hl7 = &config.hl7;
    used.entry(hl7.profile.clone()).or_default();
    for peer in &hl7.peers {
        let profile = peer.profile.as_ref().unwrap_or(&hl7.profile);
        used.entry(profile.clone()).or_default().push(peer.name.clone());
    }
    if config.ris.enabled {
        let systems = used.entry(config.ris.profile.clone()).or_default();
        systems.push(crate::pipeline::tell_ris::RIS.to_owned());
    }
    used
}

fn entry(
    others: &[Entry],
    base: &Path,
    name: &str,
    used_by: Vec<String>,
    in_force: Option<SiteProfile>,
) -> Entry {
    let file = match SiteProfile::shipped(name) {
        // `default` is another word for one of them.
        Some(text) => sites().and_then(|folder| {
            let called = SiteProfile::parse(text).ok()?.name;
            Some(folder.join(called).with_extension("toml"))
        }),
        None => Some(base.join(name)),
    };
    let stem = file.as_deref().map_or_else(|| name.to_owned(), stem);
    let taken = |id: &String| others.iter().any(|other| other.id == *id);
    let numbered = (2..).map(|number| format!("{stem}-{number}"));
    let free = std::iter::once(stem.clone())
        .chain(numbered)
        .find(|id| !taken(id));
    Entry {
        id: free.unwrap_or(stem),
        name: name.to_owned(),
        used_by,
        samples: file.map(|file| file.with_extension("")),
        in_force,
    }
}

fn sites() -> Option<PathBuf> {
    shipped::folder("integrations").map(|folder| folder.join("sites"))
}

/// The name of a file without its ending, of characters that stand in an address as they are.
fn stem(file: &Path) -> String {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "-._".contains(c) {
            c
        } else {
            '-'
        }
    };
    name.chars().map(safe).collect()
}

fn view(sample: profile_samples::Sample) -> SampleView {
    SampleView {
        name: sample.name,
        passed: sample.differences.is_empty(),
        differences: sample.differences,
        read: ReadView::of(sample.read),
    }
}
