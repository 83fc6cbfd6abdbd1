//! `tocsin rules`: tests rule packs as data, and writes the JSON Schemas of their files. It changes no active version.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tocsin_domain::triage::{CaseOutcome, Problems, cases, run_cases, schema_files};

use crate::app::packs::{self, PackError};
use crate::config::shipped;

/// Test rule packs, list the facts they can read, write the schemas of their files
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tocsin rules test rules")]
pub struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// Check rule packs and run the cases beside them.
    #[command(after_help = "Example: tocsin rules test rules")]
    Test {
        /// A pack, or a folder of packs; the shipped packs when left out.
        dir: Option<PathBuf>,
    },
    /// Write the JSON Schemas of facts, rules, packs, cases and verdicts, and of the API's answers.
    #[command(after_help = "Example: tocsin rules schemas docs/schemas")]
    Schemas {
        /// The folder to write to.
        dir: PathBuf,
    },
    /// List every fact that a rule can read.
    #[command(after_help = "Example: tocsin rules facts --model ich")]
    Facts {
        /// Key of a model, as a pack names it under `ai`.
        #[arg(long, default_value = "MODEL")]
        model: String,
    },
}

/// Why a command about rules could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("no rules: none are shipped beside the program, name a folder")]
    NothingShipped,
    #[error(transparent)]
    Packs(#[from] PackError),
    #[error("{path} cannot be written")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// What a test of one pack found.
#[derive(Debug)]
pub struct PackReport {
    pub folder: PathBuf,
    pub result: Result<Tested, Problems>,
}

#[derive(Debug)]
pub struct Tested {
    pub name: String,
    pub version: String,
    pub sha256: String,
    pub rules: usize,
    pub outcomes: Vec<CaseOutcome>,
    /// Rules that no case fires.
    pub uncovered: Vec<String>,
}

impl PackReport {
    pub fn passed(&self) -> bool {
        self.result
            .as_ref()
            .is_ok_and(|t| t.uncovered.is_empty() && t.outcomes.iter().all(CaseOutcome::passed))
    }
}

/// Runs the command; `true` when all is well. What a person reads goes to `out`.
pub fn run(args: &RulesArgs, out: &mut dyn io::Write) -> Result<bool, RulesError> {
    let written = |source| RulesError::Write {
        path: PathBuf::from("standard output"),
        source,
    };
    match &args.command {
        RulesCommand::Test { dir } => {
            let folder = dir
                .clone()
                .or_else(|| shipped::folder("rules"))
                .ok_or(RulesError::NothingShipped)?;
            let reports = test(&folder)?;
            for report in &reports {
                print(report, out).map_err(written)?;
            }
            Ok(reports.iter().all(PackReport::passed))
        }
        RulesCommand::Schemas { dir } => {
            let answers = crate::api::schema_files::schema_files();
            for (name, schema) in schema_files::schema_files().into_iter().chain(answers) {
                let path = dir.join(name);
                fs::write(&path, schema_files::text(&schema))
                    .map_err(|source| RulesError::Write { path, source })?;
            }
            Ok(true)
        }
        RulesCommand::Facts { model } => {
            let scope = tocsin_domain::triage::Scope::of_rules(&[model.clone()].into());
            for name in scope.names() {
                writeln!(out, "{name}").map_err(written)?;
            }
            Ok(true)
        }
    }
}

/// Checks and tests the pack in `folder`, or each pack in a folder below it.
pub fn test(folder: &Path) -> Result<Vec<PackReport>, RulesError> {
    let mut reports = Vec::new();
    for folder in packs::folders(folder)? {
        let result = packs::load(&folder)?.map(|pack| Tested {
            name: pack.reference.name.clone(),
            version: pack.reference.version.clone(),
            sha256: pack.reference.sha256.clone(),
            rules: pack.rules.len(),
            outcomes: run_cases(&pack),
            uncovered: cases::uncovered(&pack).into_iter().map(str::to_owned).collect(),
        });
        reports.push(PackReport { folder, result });
    }
    Ok(reports)
}

fn print(report: &PackReport, out: &mut dyn io::Write) -> io::Result<()> {
    let tested = match &report.result {
        Ok(tested) => tested,
        Err(problems) => {
            writeln!(out, "{}: {} problems", report.folder.display(), problems.0.len())?;
            return writeln!(out, "{problems}");
        }
    };
    let failed: Vec<&CaseOutcome> = tested.outcomes.iter().filter(|o| !o.passed()).collect();
    for outcome in &failed {
        writeln!(out, "FAILED {}/{}: {}", tested.name, outcome.file, outcome.case)?;
        for difference in &outcome.differences {
            writeln!(out, "  {difference}")?;
        }
    }
    for rule in &tested.uncovered {
        writeln!(out, "FAILED {}: no case fires rule {rule}", tested.name)?;
    }
    let passed = tested.outcomes.len() - failed.len();
    let Tested {
        name,
        version,
        sha256,
        rules,
        outcomes,
        ..
    } = tested;
    let short = sha256.get(..12).unwrap_or(sha256);
    writeln!(
        out,
        "{name} {version} ({short}): {rules} rules, {passed} of {} cases as written",
        outcomes.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped_rules() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")
    }

    fn said(dir: PathBuf) -> (bool, String) {
        let mut out = Vec::new();
        let args = RulesArgs {
            command: RulesCommand::Test { dir: Some(dir) },
        };
        let passed = run(&args, &mut out).unwrap();
        (passed, String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_shipped_packs_pass() {
        let (passed, text) = said(shipped_rules());
        assert!(passed, "{text}");
        assert!(
            text.contains("head-ct") && text.contains("cases as written"),
            "{text}"
        );
    }

    #[test]
    fn a_pack_that_names_an_unknown_fact_fails_and_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("site");
        fs::create_dir(&pack).unwrap();
        fs::write(
            pack.join("pack.yaml"),
            "name: site\ntitle: S\nversion: '1'\nfacts: 1\nai: {ich: x}\n",
        )
        .unwrap();
        let rule = "id: a\ntitle: A\nversion: 1\nwhen: ai.ich.volum > 3.0\nreason: r\nthen: {score: 1}\n";
        fs::write(pack.join("a.yaml"), rule).unwrap();
        let (passed, text) = said(folder.path().to_owned());
        assert!(!passed);
        assert!(
            text.contains("site/a.yaml, rule a, when: line 1, column 8"),
            "{text}"
        );
        assert!(text.contains("did you mean `volume_ml`?"), "{text}");
    }

    #[test]
    fn a_rule_without_a_case_fails() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("pack.yaml"),
            "name: x\ntitle: S\nversion: '1'\nfacts: 1\n",
        )
        .unwrap();
        let pack = folder.path().join("x");
        fs::create_dir(&pack).unwrap();
        fs::rename(folder.path().join("pack.yaml"), pack.join("pack.yaml")).unwrap();
        fs::write(
            pack.join("a.yaml"),
            "id: a\ntitle: A\nversion: 1\nwhen: 'true'\nreason: r\nthen: {score: 1}\n",
        )
        .unwrap();
        let (passed, text) = said(pack);
        assert!(!passed && text.contains("no case fires rule a"), "{text}");
    }

    #[test]
    fn a_folder_without_a_pack_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            test(folder.path()),
            Err(RulesError::Packs(PackError::None(_)))
        ));
    }
}
