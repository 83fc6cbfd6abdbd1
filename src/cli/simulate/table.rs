//! The outcome of a simulation as text for a terminal, and as CSV.

use std::fmt::Write;

use tocsin_domain::simulate::outcome::{Group, Verdict, Waits};
use tocsin_domain::simulate::scenario::Scenario;
use tocsin_domain::simulate::{SimulatedRow, Simulation};

use crate::cli::Failure;

const HEAD: [&str; 18] = [
    "group",
    "studies",
    "without_mean",
    "without_se",
    "without_median",
    "without_p95",
    "without_longest",
    "with_mean",
    "with_se",
    "with_median",
    "with_p95",
    "with_longest",
    "change",
    "change_se",
    "verdict",
    "theory_without",
    "theory_with",
    "with_beyond_cap",
];

pub fn text(scenario: &Scenario, simulation: &Simulation) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{}: {} studies, {:.1} an hour, readers busy {:.0} % of the time. Minutes of waiting:\n",
        scenario.name,
        scenario.patients,
        simulation.arrivals_per_hour,
        100.0 * simulation.utilisation
    );
    let _ = writeln!(
        out,
        "{:<28} {:>9} {:>10} {:>10} {:>16} {:>10} {:>10}  closed form without, with",
        " ", "studies", "without", "with", "change ± 95 %", "with p95", "longest"
    );
    for SimulatedRow { row, theory } in &simulation.rows {
        let theory = theory.map(|theory| format!("{:.2}, {:.2}", theory.without_models, theory.with_models));
        let _ = writeln!(
            out,
            "{:<28} {:>9} {:>10.2} {:>10.2} {:>9.2} ± {:<4.2} {:>10.2} {:>10.1}  {:<20} {}",
            name(&row.group),
            row.studies,
            row.without_models.mean,
            row.with_models.mean,
            row.change,
            2.0 * row.change_standard_error,
            row.with_models.p95,
            row.with_models.longest,
            theory.unwrap_or_default(),
            match row.verdict {
                Verdict::Gains => "gains",
                Verdict::Loses => "LOSES",
                Verdict::Unchanged => "",
            }
        );
    }
    out
}

pub fn csv(simulation: &Simulation) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEAD)?;
    for SimulatedRow { row, theory } in &simulation.rows {
        let mut cells = vec![name(&row.group), row.studies.to_string()];
        cells.extend(waits(&row.without_models).map(number));
        cells.extend(waits(&row.with_models).map(number));
        cells.extend([row.change, row.change_standard_error].map(number));
        cells.push(format!("{:?}", row.verdict).to_lowercase());
        let theory = theory.map(|theory| [theory.without_models, theory.with_models].map(number));
        cells.extend(theory.unwrap_or_default());
        cells.push(row.with_models.beyond_cap.map(number).unwrap_or_default());
        writer.write_record(cells)?;
    }
    writer
        .into_inner()
        .map_err(|_| Failure::because("the table could not be written"))
}

fn waits(waits: &Waits) -> [f64; 5] {
    [
        waits.mean,
        waits.standard_error,
        waits.median,
        waits.p95,
        waits.longest,
    ]
}

fn number(value: f64) -> String {
    format!("{value:.4}")
}

pub fn name(group: &Group) -> String {
    match group {
        Group::All => "all but interrupting".into(),
        Group::Diseased => "diseased".into(),
        Group::NonDiseased => "non-diseased".into(),
        Group::Flagged => "flagged (AI+)".into(),
        Group::NotFlagged => "not flagged (AI-)".into(),
        Group::Missed => "diseased, missed".into(),
        Group::OtherFinding => "other findings".into(),
        Group::Finding { stream, finding } => format!("{stream}: {finding}"),
        Group::Interrupting => "interrupting".into(),
    }
}
