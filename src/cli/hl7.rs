//! `tocsin hl7`: reads messages as a site's profile says, and tests profiles by the sample messages beside them. It sends
//! nothing and stores nothing; what it prints names the patients of the messages that it is given.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::{Args, Subcommand};

use super::Failure;
use crate::app::load;
use crate::config::shipped;
use crate::ingest::hl7::samples;
use crate::report::read_profile::ReadProfile;
use crate::report::site_profile::SiteProfile;

/// Read HL7 messages as a site profile says, and test profiles
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tocsin hl7 read --profile site.toml order.hl7\n  tocsin hl7 test site.toml"
)]
pub struct Hl7Args {
    #[command(subcommand)]
    command: Hl7Command,
}

#[derive(Debug, Subcommand)]
enum Hl7Command {
    /// Print what is read of messages, as JSON.
    #[command(after_help = "Example: tocsin hl7 read --profile site.toml order.hl7")]
    Read {
        /// A shipped profile by its name, or a file.
        #[arg(long, default_value = "default")]
        profile: String,
        /// The zone of times without an offset.
        #[arg(long, default_value = "UTC")]
        zone: Tz,
        /// A message each.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Check profiles, and read the samples beside them: SITE.toml has SITE/*.hl7, each with what it must be read as in a
    /// .toml of its name.
    #[command(after_help = "Example: tocsin hl7 test site.toml")]
    Test {
        /// Profiles, or folders of them; the shipped ones when left out.
        profiles: Vec<PathBuf>,
    },
}

/// What the samples of one profile came to.
#[derive(Debug)]
pub struct ProfileReport {
    pub profile: PathBuf,
    /// By the name of the sample, what is not as expected.
    pub result: Result<Vec<(String, Vec<String>)>, String>,
}

impl ProfileReport {
    pub fn passed(&self) -> bool {
        let all_good =
            |read: &Vec<(String, Vec<String>)>| read.iter().all(|(_, differences)| differences.is_empty());
        self.result.as_ref().is_ok_and(all_good)
    }
}

/// Runs the command; `true` when all is well. What a person reads goes to `out`.
pub fn run(args: &Hl7Args, out: &mut dyn io::Write) -> Result<bool, Failure> {
    match &args.command {
        Hl7Command::Read { profile, zone, files } => {
            let profile = parsed(profile)?;
            for file in files {
                let read = samples::read(&message(file)?, &profile, *zone, DateTime::<Utc>::default());
                writeln!(out, "{}", serde_json::to_string_pretty(&read)?)?;
            }
            Ok(true)
        }
        Hl7Command::Test { profiles } => {
            let shipped = || shipped::folder("integrations").map(|folder| vec![folder.join("sites")]);
            let named = (!profiles.is_empty()).then(|| profiles.clone());
            let Some(places) = named.or_else(shipped) else {
                return Err(Failure::because(
                    "no profiles are shipped beside the program: name one",
                ));
            };
            let reports = test(&places)?;
            for report in &reports {
                print(report, out)?;
            }
            Ok(!reports.is_empty() && reports.iter().all(ProfileReport::passed))
        }
    }
}

fn parsed(name: &str) -> Result<ReadProfile, Failure> {
    let text = load::profile_text(Path::new(""), name)
        .map_err(|problem| Failure::because(format!("{name}: {problem}")))?;
    Ok(SiteProfile::parse(&text)?.read)
}

fn message(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| Failure::because(format!("{}: {error}", file.display())))
}

/// Tests each profile of these files and folders.
pub fn test(places: &[PathBuf]) -> Result<Vec<ProfileReport>, Failure> {
    let mut profiles = Vec::new();
    for place in places {
        match place.is_dir() {
            true => profiles.extend(files(place, "toml")?),
            false => profiles.push(place.clone()),
        }
    }
    Ok(profiles.into_iter().map(|profile| tested(&profile)).collect())
}

/// Reads the samples beside a profile.
pub fn tested(profile: &Path) -> ProfileReport {
    let result = parsed(&profile.to_string_lossy())
        .and_then(|read| {
            let folder = profile.with_extension("");
            let messages = if folder.is_dir() {
                files(&folder, "hl7")?
            } else {
                Vec::new()
            };
            messages.iter().map(|file| sample(file, &read)).collect()
        })
        .map_err(|failure| failure.to_string());
    ProfileReport {
        profile: profile.to_owned(),
        result,
    }
}

/// A sample, and what is not as its neighbour expects.
fn sample(file: &Path, profile: &ReadProfile) -> Result<(String, Vec<String>), Failure> {
    let beside = file.with_extension("toml");
    let expected = fs::read_to_string(&beside).map_err(|error| {
        Failure::because(format!(
            "{}: expected what the message is read as: {error}",
            beside.display()
        ))
    })?;
    let expected: serde_json::Value = toml::from_str(&expected)
        .map_err(|error| Failure::because(format!("{}: {}", beside.display(), error.message())))?;
    let found = samples::read(&message(file)?, profile, Tz::UTC, DateTime::<Utc>::default());
    let name = file
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok((name, samples::differences(&expected, &found)))
}

/// The files of a kind in a folder, by name.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).map_err(|error| Failure::because(format!("{}: {error}", folder.display())))?
    {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new(extension)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn print(report: &ProfileReport, out: &mut dyn io::Write) -> io::Result<()> {
    let name = report.profile.display();
    let read = match &report.result {
        Ok(read) => read,
        Err(problem) => return writeln!(out, "FAILED {name}: {problem}"),
    };
    for (sample, differences) in read.iter().filter(|(_, differences)| !differences.is_empty()) {
        writeln!(out, "FAILED {name}: {sample}")?;
        for difference in differences {
            writeln!(out, "  {difference}")?;
        }
    }
    let good = read
        .iter()
        .filter(|(_, differences)| differences.is_empty())
        .count();
    writeln!(out, "{name}: {good} of {} samples as written", read.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(profiles: Vec<PathBuf>) -> (bool, String) {
        let mut out = Vec::new();
        let args = Hl7Args {
            command: Hl7Command::Test { profiles },
        };
        let passed = run(&args, &mut out).unwrap();
        (passed, String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_shipped_profiles_read_their_samples_as_written() {
        let (passed, text) = said(vec![
            Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations/sites"),
        ]);
        assert!(passed, "{text}");
        assert!(!text.contains(" of 0 samples"), "{text}");
    }

    #[test]
    fn a_sample_that_is_read_otherwise_is_told_with_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("east.toml");
        fs::write(&profile, SiteProfile::shipped("default").unwrap()).unwrap();
        fs::create_dir(folder.path().join("east")).unwrap();
        let order =
            "MSH|^~\\&|RIS|E|T|E|20260101||OMG^O19|1|P|2.5.1\rPID|||7||Doe\rORC|NW|P1\rOBR||P1||CT1\r";
        fs::write(folder.path().join("east/new.hl7"), order).unwrap();
        let (passed, text) = said(vec![profile.clone()]);
        assert!(
            !passed && text.contains("new.toml: expected what the message is read as"),
            "{text}"
        );
        fs::write(
            folder.path().join("east/new.toml"),
            "[[data]]\npriority = \"S\"\n",
        )
        .unwrap();
        let (passed, text) = said(vec![profile]);
        assert!(
            !passed && text.contains("data.0.priority: expected \"S\", found null"),
            "{text}"
        );
    }
}
