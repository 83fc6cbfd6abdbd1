//! Site profiles and the sample messages beside them, from their files: `SITE.toml` has `SITE/*.hl7`, each with what it must be
//! read as in a `.toml` of its name. Every error says which file.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::load;
use crate::deliver::chain;
use crate::ingest::hl7::samples;
use crate::report::read_profile::ReadProfile;
use crate::report::site_profile::SiteProfile;

/// Samples of one profile that are read at most.
const MOST: usize = 500;
/// The largest file of a profile or a sample.
const MAX_BYTES: u64 = 1024 * 1024;

/// A sample, what was read of it, and what is not as its neighbour expects.
#[derive(Debug)]
pub struct Sample {
    pub name: String,
    pub read: Value,
    pub differences: Vec<String>,
}

/// What the samples of one profile came to.
#[derive(Debug)]
pub struct Tested {
    pub profile: PathBuf,
    pub result: Result<Vec<Sample>, String>,
}

impl Tested {
    pub fn passed(&self) -> bool {
        let all_good = |read: &Vec<Sample>| read.iter().all(|sample| sample.differences.is_empty());
        self.result.as_ref().is_ok_and(all_good)
    }
}

/// A profile, by the name of a shipped one or by its file.
pub fn parsed(base: &Path, name: &str) -> Result<SiteProfile, String> {
    let text = load::profile_text(base, name).map_err(|problem| format!("{name}: {problem}"))?;
    SiteProfile::parse(&text).map_err(|error| chain(&error))
}

/// Reads the samples beside a profile's file.
pub fn tested(profile: &Path) -> Tested {
    let read = parsed(Path::new(""), &profile.to_string_lossy())
        .and_then(|known| all(&profile.with_extension(""), &known.read));
    Tested {
        profile: profile.to_owned(),
        result: read,
    }
}

/// The samples of a folder; none where there is no such folder.
pub fn all(folder: &Path, profile: &ReadProfile) -> Result<Vec<Sample>, String> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let messages = files(folder, "hl7")?;
    messages
        .iter()
        .take(MOST)
        .map(|file| sample(file, profile))
        .collect()
}

fn sample(file: &Path, profile: &ReadProfile) -> Result<Sample, String> {
    let beside = file.with_extension("toml");
    let expected = fs::read_to_string(&beside).map_err(|error| {
        format!(
            "{}: expected what the message is read as: {error}",
            beside.display()
        )
    })?;
    let expected: Value =
        toml::from_str(&expected).map_err(|error| format!("{}: {}", beside.display(), error.message()))?;
    let read = samples::read(&message(file)?, profile, Tz::UTC, DateTime::<Utc>::default());
    let name = file.file_stem().unwrap_or_default();
    Ok(Sample {
        name: name.to_string_lossy().into_owned(),
        differences: samples::differences(&expected, &read),
        read,
    })
}

/// The bytes of a message in a file.
pub fn message(file: &Path) -> Result<Vec<u8>, String> {
    let wrong = |problem: String| format!("{}: {problem}", file.display());
    let length = fs::metadata(file)
        .map_err(|error| wrong(error.to_string()))?
        .len();
    if length > MAX_BYTES {
        return Err(wrong(format!(
            "expected {MAX_BYTES} bytes at most, found {length}"
        )));
    }
    fs::read(file).map_err(|error| wrong(error.to_string()))
}

/// The files of a kind in a folder, by name.
pub fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.extension() == Some(OsStr::new(extension)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
