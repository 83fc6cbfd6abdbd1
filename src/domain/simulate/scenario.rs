//! What is simulated: the streams of a reading list, who reads it, what models flag, and by which rule the list is ordered. Times are
//! minutes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reading_time::ReadingTime;

/// Patients at most; each takes about 50 bytes.
pub const MOST_PATIENTS: u32 = 20_000_000;
/// Streams, and findings and models of a stream, at most.
const MOST_PARTS: usize = 32;
/// Readers at most.
const MOST_READERS: u32 = 500;
pub const HOURS: usize = 24;

/// A department to be simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub name: String,
    pub load: Load,
    /// How the arrivals are spread over the day: 24 weights, from midnight on. Without them they are even.
    #[serde(default)]
    pub arrivals_by_hour: Vec<f64>,
    /// One number, or 24: who reads in each hour from midnight on. A reading that was begun is ended by whoever began it.
    pub readers: Vec<u32>,
    pub streams: Vec<Stream>,
    #[serde(default)]
    pub order: Order,
    #[serde(default)]
    pub interruption: Interruption,
    /// Whoever has waited so long is read next, before everything but interrupting cases.
    #[serde(default)]
    pub wait_cap_minutes: Option<f64>,
    /// From the arrival of a study to the answer of its models.
    #[serde(default)]
    pub model_minutes: f64,
    pub patients: u32,
    #[serde(default)]
    pub seed: u64,
}

/// How much there is to read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Load {
    /// The share of the readers' time that is needed for reading, above 0 and below 1.
    Utilisation(f64),
    /// Studies an hour, averaged over the day.
    ArrivalsPerHour(f64),
}

/// Studies of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    pub name: String,
    /// Of all arrivals; those of all streams sum to 1.
    pub share: f64,
    /// Where nothing else is said: 0 interrupts a reading and is read at once, 1 goes before 2, and so on.
    #[serde(default = "ordinary")]
    pub urgency: u8,
    pub reading: ReadingTime,
    #[serde(default)]
    pub findings: Vec<Finding>,
    #[serde(default)]
    pub models: Vec<Model>,
}

fn ordinary() -> u8 {
    1
}

/// What some studies of a stream show. A study shows one of them at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub name: String,
    /// Of the stream's studies.
    pub prevalence: f64,
    /// Where it differs from the stream's.
    #[serde(default)]
    pub reading: Option<ReadingTime>,
}

/// A model that reads every study of its stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The finding that it looks for.
    pub finding: String,
    pub sensitivity: f64,
    /// 1 − specificity; studies with other findings are flagged as often as those with none.
    pub false_positive_fraction: f64,
    /// 1 is the most urgent; of the same rank are read in the order of arrival.
    #[serde(default = "ordinary")]
    pub rank: u8,
}

/// By which rule flagged studies are moved up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// All that is flagged goes before all that is not.
    #[default]
    FlaggedFirst,
    /// The same, and among the flagged by the rank of the model.
    ByRank,
    /// Flags move nothing: what models change by being there is nothing.
    AsArrived,
}

/// Whose arrival interrupts a reading, which is taken up again afterwards where it was left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interruption {
    /// Studies of urgency 0 alone.
    #[default]
    InterruptingOnly,
    /// Whatever is more urgent, as the FDA's QuCAD assumes.
    MoreUrgent,
    Nobody,
}

/// Why a scenario cannot be simulated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unsound {
    #[error("{place}: {found} is not {expected}")]
    Value {
        place: String,
        found: f64,
        expected: &'static str,
    },
    #[error("{place}: {found} are given, {expected} are expected")]
    Count {
        place: String,
        found: usize,
        expected: &'static str,
    },
    #[error("streams.{stream}.models: {finding} is none of the stream's findings")]
    UnknownFinding { stream: String, finding: String },
    #[error(
        "the queue is unstable: reading takes {utilisation:.2} of the readers' time, less than 1 is expected; give more readers, fewer studies \
         or shorter readings"
    )]
    Unstable { utilisation: f64 },
}

impl Scenario {
    /// Whether it can be simulated, and the first thing that forbids it.
    pub fn check(&self) -> Result<(), Unsound> {
        count("streams", self.streams.len(), 1..=MOST_PARTS, "1 to 32")?;
        let hourly = [0, HOURS].contains(&self.arrivals_by_hour.len());
        if !hourly {
            return Err(counted(
                "arrivals_by_hour",
                self.arrivals_by_hour.len(),
                "none or 24",
            ));
        }
        for weight in &self.arrivals_by_hour {
            value(
                "arrivals_by_hour",
                *weight,
                *weight >= 0.0,
                "a weight of 0 or more",
            )?;
        }
        if ![1, HOURS].contains(&self.readers.len()) {
            return Err(counted("readers", self.readers.len(), "1 or 24"));
        }
        let readers = self.readers.iter().copied().max().unwrap_or(0);
        value(
            "readers",
            readers.into(),
            (1..=MOST_READERS).contains(&readers),
            "1 to 500 at the busiest hour",
        )?;
        for stream in &self.streams {
            stream.check()?;
        }
        let share: f64 = self.streams.iter().map(|stream| stream.share).sum();
        value(
            "the shares of all streams",
            share,
            (share - 1.0).abs() < 1e-6,
            "1 together",
        )?;
        let cap = self.wait_cap_minutes.unwrap_or(1.0);
        value("wait_cap_minutes", cap, cap > 0.0, "above 0")?;
        value(
            "model_minutes",
            self.model_minutes,
            self.model_minutes >= 0.0,
            "0 or more",
        )?;
        let patients = self.patients;
        value(
            "patients",
            patients.into(),
            (1_000..=MOST_PATIENTS).contains(&patients),
            "1,000 to 20,000,000",
        )?;
        let utilisation = self.utilisation();
        match utilisation > 0.0 && utilisation < 1.0 {
            true => Ok(()),
            false => Err(Unsound::Unstable { utilisation }),
        }
    }

    /// Mean of a reading over all studies, minutes.
    pub fn mean_reading(&self) -> f64 {
        self.streams
            .iter()
            .map(|stream| stream.share * stream.mean_reading())
            .sum()
    }

    /// Readers, averaged over the day.
    pub fn mean_readers(&self) -> f64 {
        let all: f64 = self.readers.iter().map(|readers| f64::from(*readers)).sum();
        all / self.readers.len() as f64
    }

    /// Arrivals a minute, averaged over the day.
    pub fn rate(&self) -> f64 {
        match self.load {
            Load::Utilisation(share) => share * self.mean_readers() / self.mean_reading(),
            Load::ArrivalsPerHour(rate) => rate / 60.0,
        }
    }

    /// The share of the readers' time that reading takes.
    pub fn utilisation(&self) -> f64 {
        self.rate() * self.mean_reading() / self.mean_readers()
    }

    /// Whether nothing depends on the hour, so that closed forms may apply.
    pub fn is_even(&self) -> bool {
        let even_arrivals = self.arrivals_by_hour.windows(2).all(|pair| pair[0] == pair[1]);
        even_arrivals && self.readers.windows(2).all(|pair| pair[0] == pair[1])
    }
}

impl Stream {
    fn check(&self) -> Result<(), Unsound> {
        let place = |field: &str| format!("streams.{}.{field}", self.name);
        fraction(&place("share"), self.share)?;
        count(
            &place("findings"),
            self.findings.len(),
            0..=MOST_PARTS,
            "32 at most",
        )?;
        count(&place("models"), self.models.len(), 0..=MOST_PARTS, "32 at most")?;
        self.reading.check(&place("reading"))?;
        for finding in &self.findings {
            fraction(&place(&finding.name), finding.prevalence)?;
            if let Some(reading) = &finding.reading {
                reading.check(&place(&finding.name))?;
            }
        }
        let prevalence: f64 = self.findings.iter().map(|finding| finding.prevalence).sum();
        fraction(&place("findings"), prevalence)?;
        for model in &self.models {
            fraction(&place("sensitivity"), model.sensitivity)?;
            fraction(&place("false_positive_fraction"), model.false_positive_fraction)?;
            value(&place("rank"), model.rank.into(), model.rank >= 1, "1 or more")?;
            if !self.findings.iter().any(|finding| finding.name == model.finding) {
                return Err(Unsound::UnknownFinding {
                    stream: self.name.clone(),
                    finding: model.finding.clone(),
                });
            }
        }
        Ok(())
    }

    pub fn interrupts(&self) -> bool {
        self.urgency == 0
    }

    /// How long the studies with this finding take, or those with none.
    pub fn reading_of(&self, finding: Option<usize>) -> &ReadingTime {
        let own = finding.and_then(|at| self.findings[at].reading.as_ref());
        own.unwrap_or(&self.reading)
    }

    fn mean_reading(&self) -> f64 {
        self.cases()
            .map(|(finding, share)| share * self.reading_of(finding).minutes)
            .sum()
    }

    /// Each finding of the stream, and none, with its share of the stream's studies.
    pub fn cases(&self) -> impl Iterator<Item = (Option<usize>, f64)> {
        let found: f64 = self.findings.iter().map(|finding| finding.prevalence).sum();
        let each = self
            .findings
            .iter()
            .enumerate()
            .map(|(at, finding)| (Some(at), finding.prevalence));
        each.chain([(None, (1.0 - found).max(0.0))])
    }

    /// Whether a model looks for this finding.
    pub fn is_looked_for(&self, finding: usize) -> bool {
        self.models
            .iter()
            .any(|model| model.finding == self.findings[finding].name)
    }

    /// With which probability a model flags a study with this finding, or with none.
    pub fn flags(&self, model: &Model, finding: Option<usize>) -> f64 {
        match finding.map(|at| &self.findings[at].name) {
            Some(name) if *name == model.finding => model.sensitivity,
            Some(_) | None => model.false_positive_fraction,
        }
    }
}

fn value(place: &str, found: f64, sound: bool, expected: &'static str) -> Result<(), Unsound> {
    match sound && found.is_finite() {
        true => Ok(()),
        false => Err(Unsound::Value {
            place: place.to_owned(),
            found,
            expected,
        }),
    }
}

fn fraction(place: &str, found: f64) -> Result<(), Unsound> {
    value(place, found, (0.0..=1.0).contains(&found), "between 0 and 1")
}

pub(super) fn positive(place: &str, found: f64) -> Result<(), Unsound> {
    value(place, found, found > 0.0, "above 0")
}

fn count(
    place: &str,
    found: usize,
    sound: std::ops::RangeInclusive<usize>,
    expected: &'static str,
) -> Result<(), Unsound> {
    match sound.contains(&found) {
        true => Ok(()),
        false => Err(counted(place, found, expected)),
    }
}

fn counted(place: &str, found: usize, expected: &'static str) -> Unsound {
    Unsound::Count {
        place: place.to_owned(),
        found,
        expected,
    }
}
