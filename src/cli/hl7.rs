//! `tocsin hl7`: reads messages as a site's profile says, and tests profiles by the sample messages beside them. It sends
//! nothing and stores nothing; what it prints names the patients of the messages that it is given.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::{Args, Subcommand};

use super::Failure;
use crate::app::profile_samples::{self, Tested};
use crate::config::shipped;
use crate::ingest::hl7::samples;

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

/// Runs the command; `true` when all is well. What a person reads goes to `out`.
pub fn run(args: &Hl7Args, out: &mut dyn io::Write) -> Result<bool, Failure> {
    match &args.command {
        Hl7Command::Read { profile, zone, files } => {
            let profile = profile_samples::parsed(Path::new(""), profile).map_err(Failure::because)?;
            for file in files {
                let message = profile_samples::message(file).map_err(Failure::because)?;
                let read = samples::read(&message, &profile.read, *zone, DateTime::<Utc>::default());
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
            Ok(!reports.is_empty() && reports.iter().all(Tested::passed))
        }
    }
}

/// Tests each profile of these files and folders.
pub fn test(places: &[PathBuf]) -> Result<Vec<Tested>, Failure> {
    let mut profiles = Vec::new();
    for place in places {
        match place.is_dir() {
            true => profiles.extend(profile_samples::files(place, "toml").map_err(Failure::because)?),
            false => profiles.push(place.clone()),
        }
    }
    Ok(profiles
        .into_iter()
        .map(|profile| profile_samples::tested(&profile))
        .collect())
}

fn print(report: &Tested, out: &mut dyn io::Write) -> io::Result<()> {
    let name = report.profile.display();
    let read = match &report.result {
        Ok(read) => read,
        Err(problem) => return writeln!(out, "FAILED {name}: {problem}"),
    };
    for sample in read.iter().filter(|sample| !sample.differences.is_empty()) {
        writeln!(out, "FAILED {name}: {}", sample.name)?;
        for difference in &sample.differences {
            writeln!(out, "  {difference}")?;
        }
    }
    let good = read.iter().filter(|sample| sample.differences.is_empty()).count();
    writeln!(out, "{name}: {good} of {} samples as written", read.len())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report::site_profile::SiteProfile;

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
