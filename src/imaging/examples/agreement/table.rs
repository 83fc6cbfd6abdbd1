//! Pairs of true and measured values, and what they say together: median, limits of agreement (Bland and Altman: mean ± 1.96
//! standard deviations of the differences), largest difference, share within the bound.

use std::collections::BTreeMap;
use std::fmt;

/// How far a value may be off.
#[derive(Clone, Copy, PartialEq)]
pub enum Bound {
    /// In the value's own unit.
    Within(f64),
    /// Percent of the true value.
    Percent(f64),
}

/// Differences from the truth, how far they may go, and the seeds of which nothing was determined.
type Errors = (Vec<f64>, Option<Bound>, Vec<u64>);

#[derive(Default)]
pub struct Table {
    numbers: BTreeMap<&'static str, Errors>,
    words: BTreeMap<&'static str, (usize, usize, Vec<String>)>,
}

impl Table {
    /// A number, or that it was not determined.
    pub fn number(&mut self, name: &'static str, bound: Bound, seed: u64, truth: f64, measured: Option<f64>) {
        let entry = self.numbers.entry(name).or_default();
        entry.1 = Some(bound);
        match (measured, bound) {
            (Some(value), Bound::Within(_)) => entry.0.push(value - truth),
            // Of nothing there is no percentage: nothing is right, anything is not.
            (Some(value), Bound::Percent(_)) if value == truth => entry.0.push(0.0),
            (Some(value), Bound::Percent(_)) => entry.0.push(100.0 * (value - truth) / truth),
            (None, _) => entry.2.push(seed),
        }
        if let (Some(value), true) = (measured, entry.0.last().is_some_and(|off| !bound.holds(*off))) {
            eprintln!("{name}: seed {seed}: {value:.2}, true {truth:.2}");
        }
    }

    /// A word, right or wrong.
    pub fn word(&mut self, name: &'static str, seed: u64, truth: &str, measured: &str) {
        let entry = self.words.entry(name).or_default();
        entry.1 += 1;
        if truth == measured {
            entry.0 += 1;
        } else {
            entry.2.push(format!("{seed}: {measured}, true {truth}"));
        }
    }
}

impl Bound {
    fn holds(self, off: f64) -> bool {
        match self {
            Self::Within(most) | Self::Percent(most) => off.abs() <= most,
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.numbers.is_empty() {
            writeln!(
                f,
                "| Figure | n | not determined | median | limits of agreement | largest | bound | within |"
            )?;
            writeln!(f, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
        }
        for (name, (offs, bound, missing)) in &self.numbers {
            let Some(bound) = bound else { continue };
            let (unit, most) = match bound {
                Bound::Within(most) => ("", most),
                Bound::Percent(most) => (" %", most),
            };
            let [low, high] = limits(offs);
            let largest = offs
                .iter()
                .copied()
                .fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
            let within = offs.iter().filter(|off| bound.holds(**off)).count();
            writeln!(
                f,
                "| {name} | {} | {} | {:.2}{unit} | {low:.2} to {high:.2}{unit} | {largest:.2}{unit} | ±{most}{unit} | {within} |",
                offs.len(),
                missing.len(),
                median(offs),
            )?;
        }
        for (name, (right, all, wrong)) in &self.words {
            writeln!(f, "\n{name}: {right} of {all} right. {}", wrong.join("; "))?;
        }
        Ok(())
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn limits(values: &[f64]) -> [f64; 2] {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    [mean - 1.96 * spread, mean + 1.96 * spread]
}
