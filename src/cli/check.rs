//! `tocsin check`: reads the configuration and everything it names, and says what is wrong, where, and what is expected.
//! It changes nothing and starts nothing; a SQLite database is not opened, because opening makes it.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::TimeDelta;
use clap::Args;

use tocsin_domain::triage::{Pack, run_cases};

use super::{ConfigFile, Failure, block_on};
use crate::app::{ehrs, identity, load, machine, packs, profile_samples};
use crate::config::Config;
use crate::config::value::DatabaseUrl;
use crate::inference::library::{self, Search};
use crate::inference::package::{self, Package, PackageError};
use crate::report::narrative::NarrativeTemplates;
use crate::report::site_profile::SiteProfile;
use crate::storage::connect;
use crate::ui::templates::Registry;

/// Check the configuration and everything it names
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tocsin check --config tocsin.toml")]
pub struct Check {
    #[command(flatten)]
    file: ConfigFile,
}

/// What was looked at, and how it is.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Good(String),
    /// Allowed, and probably not meant.
    Doubtful(String),
    Bad(String),
}

impl Check {
    pub fn run(self) -> Result<(), Failure> {
        let config = self.file.load()?;
        let mut findings = vec![Finding::Good(format!(
            "configuration {}",
            self.file.config.display()
        ))];
        findings.extend(config.warnings().into_iter().map(Finding::Doubtful));
        findings.push(storage(&config));
        findings.push(database(&config));
        findings.push(runtime(&config));
        findings.extend(models(&config));
        findings.extend(rules(&config));
        findings.extend(templates(&config));
        findings.extend(identity(&config));
        findings.extend(ehrs(&config));
        findings.extend(tls(&config));
        findings.extend(profiles(&config));
        report(&findings)
    }
}

fn report(findings: &[Finding]) -> Result<(), Failure> {
    for finding in findings {
        match finding {
            Finding::Good(text) => println!("ok       {text}"),
            Finding::Doubtful(text) => println!("warning  {text}"),
            Finding::Bad(text) => println!("wrong    {text}"),
        }
    }
    match findings
        .iter()
        .filter(|finding| matches!(finding, Finding::Bad(_)))
        .count()
    {
        0 => Ok(()),
        1 => Err(Failure::because("one thing is wrong")),
        wrong => Err(Failure::because(format!("{wrong} things are wrong"))),
    }
}

fn storage(config: &Config) -> Finding {
    let folder = config.storage.folder();
    match nearest_folder(folder) {
        Some(there) if rustix::fs::access(there, rustix::fs::Access::WRITE_OK).is_ok() => {
            Finding::Good(format!("storage.url: {}", folder.display()))
        }
        Some(there) => Finding::Bad(format!(
            "storage.url: {} cannot be written to by this user",
            there.display()
        )),
        None => Finding::Bad(format!(
            "storage.url: {} is below something that is no folder",
            folder.display()
        )),
    }
}

/// The folder itself, or the nearest one above it in which it would be made.
fn nearest_folder(folder: &Path) -> Option<&Path> {
    folder
        .ancestors()
        .find(|path| path.exists())
        .filter(|path| path.is_dir())
}

fn database(config: &Config) -> Finding {
    match &config.database.url {
        DatabaseUrl::Sqlite(path) => match path.parent().and_then(nearest_folder) {
            Some(_) => Finding::Good(format!("database.url: SQLite, {}", path.display())),
            None => Finding::Bad(format!("database.url: {} cannot be made there", path.display())),
        },
        DatabaseUrl::Postgres(url) => {
            let opened = block_on(async { Ok(connect::open(url).await?) });
            match opened {
                Ok(_) => Finding::Good(
                    "database.url: PostgreSQL answers, and is set up to keep what it commits".to_owned(),
                ),
                Err(failure) => Finding::Bad(format!("database.url: {failure}")),
            }
        }
    }
}

fn runtime(config: &Config) -> Finding {
    let search = Search {
        configured: config.inference.library.clone(),
        environment: config.inference.environment_library.clone(),
        folders: config.inference.library_folders(),
    };
    match library::locate(&search) {
        Ok(found) => Finding::Good(format!(
            "ONNX Runtime {} in {}",
            found.version,
            found.path.display()
        )),
        Err(error) => Finding::Bad(Failure::from(error).to_string()),
    }
}

/// From when before its end on a certificate is worth a warning.
const RENEW: TimeDelta = TimeDelta::days(30);

fn tls(config: &Config) -> Option<Finding> {
    let ends = match load::tls(config) {
        Ok(tls) => tls?.ends(),
        Err(error) => return Some(Finding::Bad(format!("tls: {}", Failure::from(error)))),
    };
    let Some(ends) = ends else {
        return Some(Finding::Doubtful(
            "tls: our certificate does not say until when it holds".to_owned(),
        ));
    };
    let text = format!(
        "tls: our certificate holds until {}",
        ends.format("%Y-%m-%d %H:%M UTC")
    );
    let left = ends - machine::clock().now();
    Some(match left {
        left if left < TimeDelta::zero() => Finding::Bad(text),
        left if left < RENEW => Finding::Doubtful(text),
        _ => Finding::Good(text),
    })
}

/// How the messages of neighbours are read and written; the site's own profiles with the samples beside them.
fn profiles(config: &Config) -> Vec<Finding> {
    let hl7 = &config.hl7;
    let peers = hl7.peers.iter().filter_map(|peer| peer.profile.as_deref());
    let ris = config.ris.enabled.then_some(config.ris.profile.as_str());
    let named: BTreeSet<&str> = peers.chain(ris).chain([hl7.profile.as_str()]).collect();
    named.into_iter().map(|name| profile(config, name)).collect()
}

fn profile(config: &Config, name: &str) -> Finding {
    let file = config.base.join(name);
    let tested = match SiteProfile::shipped(name) {
        Some(_) => return Finding::Good(format!("site profile {name}, shipped")),
        None => profile_samples::tested(&file),
    };
    match &tested.result {
        Err(problem) => Finding::Bad(format!("site profile {name}: {problem}")),
        Ok(samples) if samples.is_empty() => Finding::Doubtful(format!(
            "site profile {name}: no sample messages in {}",
            file.with_extension("").display()
        )),
        Ok(samples) if tested.passed() => Finding::Good(format!(
            "site profile {name}: {} samples as written",
            samples.len()
        )),
        Ok(_) => Finding::Bad(format!(
            "site profile {name}: samples are read otherwise than written; `tocsin hl7 test {}` says where",
            file.display()
        )),
    }
}

/// Every package: its manifest, and its network's hash and inside. Golden cases are for `models verify`, which runs them.
fn models(config: &Config) -> Vec<Finding> {
    let Some(folder) = config.inference.models_folder() else {
        return vec![Finding::Doubtful(
            "no folder of models: no study will be analysed".to_owned(),
        )];
    };
    match package::discover(&folder) {
        Ok(found) if found.is_empty() => {
            vec![Finding::Doubtful(format!(
                "{} holds no model: no study will be analysed",
                folder.display()
            ))]
        }
        Ok(found) => {
            let missing = missing(config, &found);
            let wanted = found.into_iter().filter(|(_, package)| wanted(config, package));
            wanted
                .map(|(path, package)| model(&path, package))
                .chain(missing)
                .collect()
        }
        Err(error) => vec![Finding::Bad(Failure::from(error).to_string())],
    }
}

/// A package that cannot be read is told of, whatever its name may be.
fn wanted(config: &Config, package: &Result<Package, PackageError>) -> bool {
    package.as_ref().map_or(true, |package| {
        config.inference.uses(&package.manifest.identity.name)
    })
}

/// Models that the configuration asks for by a name that none has.
fn missing(config: &Config, found: &[package::Found]) -> Vec<Finding> {
    let there: Vec<&str> = found
        .iter()
        .filter_map(|(_, package)| package.as_ref().ok())
        .map(|package| package.manifest.identity.name.as_str())
        .collect();
    let asked = config.inference.only.iter().flatten();
    asked
        .filter(|name| !there.contains(&name.as_str()))
        .map(|name| {
            Finding::Bad(format!(
                "inference.only: no sound model is called {name}; there are {}",
                there.join(", ")
            ))
        })
        .collect()
}

fn model(path: &Path, package: Result<Package, PackageError>) -> Finding {
    match package.and_then(|package| package.network().map(|_| package)) {
        Ok(package) => {
            let identity = &package.manifest.identity;
            Finding::Good(format!(
                "model {} {} in {}",
                identity.name,
                identity.version,
                path.display()
            ))
        }
        Err(error) => Finding::Bad(format!("model in {}: {}", path.display(), Failure::from(error))),
    }
}

/// Every pack: its rules against the facts, its cases, and what its rules name of the configuration.
fn rules(config: &Config) -> Vec<Finding> {
    let Some(folder) = config.rules.folder() else {
        return vec![Finding::Doubtful(
            "no folder of rules: every study keeps the priority of its order".to_owned(),
        )];
    };
    let folders = match packs::folders(&folder) {
        Ok(folders) => folders,
        Err(error) => return vec![Finding::Bad(format!("rules.dir: {}", Failure::from(error)))],
    };
    let mut findings = Vec::new();
    for folder in folders {
        match packs::load(&folder) {
            Ok(Ok(pack)) => findings.extend(pack_in(config, &pack)),
            Ok(Err(problems)) => {
                findings.extend(problems.0.iter().map(|p| Finding::Bad(format!("rules {p}"))))
            }
            Err(error) => findings.push(Finding::Bad(format!("rules.dir: {}", Failure::from(error)))),
        }
    }
    findings
}

fn pack_in(config: &Config, pack: &Pack) -> Vec<Finding> {
    let name = &pack.reference.name;
    let failed = run_cases(pack).iter().filter(|case| !case.passed()).count();
    let mut findings = vec![match failed {
        0 => Finding::Good(format!(
            "rules {name} {}, {} rules",
            pack.reference.version,
            pack.rules.len()
        )),
        _ => Finding::Bad(format!(
            "rules {name}: {failed} cases do not come out as written; `tocsin rules test` shows them"
        )),
    }];
    let receivers: Vec<&str> = config
        .dicom
        .receivers()
        .map(|peer| peer.ae_title.as_str())
        .collect();
    let lost = pack
        .routes()
        .into_iter()
        .filter(|route| !receivers.contains(route));
    findings.extend(lost.map(|route| {
        Finding::Bad(format!(
            "rules {name}: route {route}: expected the AE title of one of dicom.peers with the role archive or destination"
        ))
    }));
    let unknown = pack
        .policies()
        .into_iter()
        .filter(|policy| config.alerts.policy(Some(policy)).is_none());
    findings.extend(unknown.map(|policy| {
        Finding::Doubtful(format!(
            "rules {name}: there is no policy {policy} among alerts.policies; the default policy is used"
        ))
    }));
    findings
}

fn templates(config: &Config) -> Vec<Finding> {
    let written = packs::mail_templates(config).map(|_| ()).map_err(Failure::from);
    let shown = Registry::open(config.site.templates.as_deref(), &config.site.language)
        .map(|_| ())
        .map_err(Failure::from);
    let drafts = NarrativeTemplates::new(config.site.templates.as_deref()).check();
    let mut findings: Vec<Finding> = drafts
        .iter()
        .map(|fault| Finding::Bad(format!("templates: {fault}")))
        .collect();
    findings.push(match written.and(shown) {
        Ok(()) if drafts.is_empty() => {
            Finding::Good("the templates of pages, mails and drafts can be filled in".to_owned())
        }
        Ok(()) => Finding::Good("the templates of pages and mails can be filled in".to_owned()),
        Err(fault) => Finding::Bad(format!("templates: {fault}")),
    });
    findings
}

/// The keys of EHRs are read; nobody is asked.
fn ehrs(config: &Config) -> Option<Finding> {
    match ehrs::of(config) {
        Ok(known) if known.is_empty() => None,
        Ok(known) => Some(Finding::Good(format!(
            "cds_hooks.ehrs: {} EHR(s) may ask for advice",
            known.len()
        ))),
        Err(fault) => Some(Finding::Bad(fault.to_string())),
    }
}

/// What is said of the provider is read; whether it answers is not asked.
fn identity(config: &Config) -> Option<Finding> {
    match identity::provider(config) {
        Ok(provider) => provider.map(|known| {
            Finding::Good(format!(
                "auth.oidc: people may sign in with {}",
                known.settings.issuer
            ))
        }),
        Err(fault) => Some(Finding::Bad(fault.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_looked_for_where_it_would_be_made() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(nearest_folder(&folder.path().join("a/b")), Some(folder.path()));
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(nearest_folder(&file.join("a")), None);
    }

    #[test]
    fn only_what_is_wrong_makes_the_command_fail() {
        let (good, doubtful) = (Finding::Good("a".into()), Finding::Doubtful("b".into()));
        assert!(report(&[good, doubtful]).is_ok());
        let wrong = report(&[Finding::Bad("c".into())]).unwrap_err();
        assert_eq!(wrong.to_string(), "one thing is wrong");
    }
}
