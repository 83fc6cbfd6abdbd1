//! `tocsin simulate`: what models would change for whom in a department that a file describes. It reads no configuration and no
//! database.

mod drawing;
mod table;

use std::fs;
use std::path::PathBuf;

use clap::Args;
use tocsin_domain::simulate::scenario::Scenario;
use tocsin_domain::simulate::simulate;

use super::Failure;

/// Largest file that is read; a scenario has a few kilobytes.
const MOST_BYTES: u64 = 1024 * 1024;

/// Simulate a department's reading list without models and with them
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tocsin simulate docs/simulation/qucad.toml --csv waits.csv --plot waits.svg"
)]
pub struct Simulate {
    /// The department, as TOML
    scenario: PathBuf,
    /// Studies to simulate, in place of those of the file
    #[arg(long)]
    patients: Option<u32>,
    /// Seed, in place of that of the file
    #[arg(long)]
    seed: Option<u64>,
    /// Write the table as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write everything as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the mean waits as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

impl Simulate {
    pub fn run(self) -> Result<(), Failure> {
        let scenario = self.scenario()?;
        let named = |error| Failure::because(format!("{}: {error}", self.scenario.display()));
        let simulation = simulate(&scenario).map_err(named)?;
        print!("{}", table::text(&scenario, &simulation));
        if let Some(path) = &self.csv {
            fs::write(path, table::csv(&simulation)?)?;
        }
        if let Some(path) = &self.json {
            let json = serde_json::json!({ "scenario": scenario, "simulation": simulation });
            fs::write(path, serde_json::to_vec_pretty(&json)?)?;
        }
        if let Some(path) = &self.plot {
            fs::write(path, drawing::svg(&scenario, &simulation))?;
        }
        Ok(())
    }

    fn scenario(&self) -> Result<Scenario, Failure> {
        let place = self.scenario.display();
        let unreadable = |error| Failure::because(format!("{place}: {error}"));
        if fs::metadata(&self.scenario).map_err(unreadable)?.len() > MOST_BYTES {
            return Err(Failure::because(format!(
                "{place}: larger than {MOST_BYTES} bytes"
            )));
        }
        let text = fs::read_to_string(&self.scenario).map_err(unreadable)?;
        let mut scenario: Scenario =
            toml::from_str(&text).map_err(|error| Failure::because(format!("{place}: {error}")))?;
        scenario.patients = self.patients.unwrap_or(scenario.patients);
        scenario.seed = self.seed.unwrap_or(scenario.seed);
        Ok(scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: PathBuf) -> Simulate {
        Simulate {
            scenario: path,
            patients: Some(2_000),
            seed: None,
            csv: None,
            json: None,
            plot: None,
        }
    }

    #[test]
    fn the_departments_that_the_guide_names_can_be_simulated() {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/simulation"));
        let mut simulated = 0;
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let scenario = of(path.clone()).scenario().expect("a scenario");
                let simulation =
                    simulate(&scenario).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                assert!(
                    table::text(&scenario, &simulation).contains("diseased"),
                    "{}",
                    path.display()
                );
                assert!(drawing::svg(&scenario, &simulation).ends_with("</svg>\n"));
                let rows = table::csv(&simulation).expect("a table");
                assert_eq!(
                    rows.iter().filter(|byte| **byte == b'\n').count(),
                    simulation.rows.len() + 1
                );
                simulated += 1;
            }
        }
        assert!(simulated >= 3, "{simulated}");
    }

    #[test]
    fn a_file_that_is_no_scenario_is_named_with_the_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ward.toml");
        fs::write(&path, "name = \"Ward\"\nreaders = \"two\"\n").expect("written");
        let failure = of(path.clone()).run().expect_err("refused").to_string();
        assert!(failure.starts_with(&path.display().to_string()), "{failure}");
        assert!(
            failure.contains("line 2") && failure.contains("readers"),
            "{failure}"
        );
    }
}
