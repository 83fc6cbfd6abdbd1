//! What triage by models changes for whom: the same studies read without models and with them, by discrete events, and in closed form
//! where there is one. Nothing here knows the time of day it is or draws from anything but the seed of the scenario.
//!
//! The questions and the reference figures are those of the FDA's QuCAD and multi-QuCAD (Thompson et al.). Where readings differ in
//! length, their theory takes ρ/(1 − ρ) times the mean reading for the wait without models; Pollaczek and Khinchine's formula, used here,
//! is the exact one, and what simulations of both come to.

mod list;
pub mod outcome;
pub mod patient;
pub mod reading_time;
pub mod scenario;
mod shift;
pub mod theory;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use list::Ordering;
use outcome::Row;
use scenario::{Scenario, Unsound};

/// What a simulation came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Simulation {
    pub utilisation: f64,
    pub arrivals_per_hour: f64,
    pub rows: Vec<SimulatedRow>,
}

/// A group's row, with what theory says of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SimulatedRow {
    #[serde(flatten)]
    pub row: Row,
    /// Mean waits in closed form, minutes; `None` where there is no such form.
    pub theory: Option<Theory>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Theory {
    pub without_models: f64,
    pub with_models: f64,
}

/// Simulates a department. One scenario gives the same figures each time.
pub fn simulate(scenario: &Scenario) -> Result<Simulation, Unsound> {
    scenario.check()?;
    let patients = patient::all(scenario);
    let arm = |ordering: Ordering| shift::waits(&patients, &scenario.readers, &ordering);
    let without = arm(Ordering::without_models(scenario));
    let with = arm(Ordering::with_models(scenario));
    let expected = theory::expected(scenario).unwrap_or_default();
    let rows = outcome::rows(scenario, &patients, &without, &with)
        .into_iter()
        .map(|row| {
            let theory = expected.iter().find(|expected| expected.group == row.group);
            SimulatedRow {
                theory: theory.map(|expected| Theory {
                    without_models: expected.without_models,
                    with_models: expected.with_models,
                }),
                row,
            }
        });
    Ok(Simulation {
        utilisation: scenario.utilisation(),
        arrivals_per_hour: scenario.rate() * 60.0,
        rows: rows.collect(),
    })
}
