//! The studies of a simulated department, one after another as they arrive, with what they show and what models flag.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::Exp1;

use super::scenario::{HOURS, Scenario, Stream};

pub const DAY: f64 = 24.0 * 60.0;
const HOUR: f64 = DAY / HOURS as f64;

/// One study. Both arms of a comparison read the same ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patient {
    /// Minutes since the beginning, which is a midnight.
    pub arrival: f64,
    /// Minutes.
    pub reading: f64,
    pub stream: u8,
    pub finding: Option<u8>,
    /// The most urgent rank of the models that flag it.
    pub flagged: Option<u8>,
}

/// Studies of a sound scenario, in the order of their arrival: a Poisson process whose rate follows the hours.
pub fn all(scenario: &Scenario) -> Vec<Patient> {
    let mut dice = ChaCha8Rng::seed_from_u64(scenario.seed);
    let rates = Rates::of(scenario);
    let mut now = 0.0;
    let patients = (0..scenario.patients).map(|_| {
        now = rates.next(now, &mut dice);
        one(scenario, now, &mut dice)
    });
    patients.collect()
}

fn one(scenario: &Scenario, arrival: f64, dice: &mut impl Rng) -> Patient {
    let shares = scenario.streams.iter().map(|stream| stream.share);
    let at = drawn(shares, dice.random());
    let stream = &scenario.streams[at];
    let cases: Vec<_> = stream.cases().collect();
    let finding = cases[drawn(cases.iter().map(|case| case.1), dice.random())].0;
    Patient {
        arrival,
        reading: stream.reading_of(finding).draw(dice),
        stream: small(at),
        finding: finding.map(small),
        flagged: flagged(stream, finding, dice),
    }
}

fn flagged(stream: &Stream, finding: Option<usize>, dice: &mut impl Rng) -> Option<u8> {
    let flagging = stream
        .models
        .iter()
        .filter(|model| dice.random::<f64>() < stream.flags(model, finding));
    flagging.map(|model| model.rank).min()
}

/// Which part a number between 0 and 1 falls on; the last one takes what rounding leaves over.
fn drawn(shares: impl Iterator<Item = f64>, mut number: f64) -> usize {
    let mut last = 0;
    for (at, share) in shares.enumerate() {
        last = at;
        if number < share {
            break;
        }
        number -= share;
    }
    last
}

/// A scenario has 32 streams and findings at most.
fn small(at: usize) -> u8 {
    u8::try_from(at).unwrap_or(u8::MAX)
}

/// Arrivals a minute in each hour.
struct Rates {
    hours: Vec<f64>,
    highest: f64,
}

impl Rates {
    fn of(scenario: &Scenario) -> Self {
        let rate = scenario.rate();
        let weights = &scenario.arrivals_by_hour;
        let all: f64 = weights.iter().sum();
        let hours: Vec<f64> = match all > 0.0 {
            true => weights
                .iter()
                .map(|weight| rate * weight * HOURS as f64 / all)
                .collect(),
            false => vec![rate],
        };
        let highest = hours.iter().copied().fold(0.0, f64::max);
        Self { hours, highest }
    }

    /// The next arrival, by thinning of a process of the highest rate (Lewis and Shedler 1979).
    fn next(&self, mut now: f64, dice: &mut impl Rng) -> f64 {
        loop {
            let unit: f64 = dice.sample(Exp1);
            now += unit / self.highest;
            let hour = ((now % DAY) / HOUR) as usize;
            let rate = self.hours.get(hour).copied().unwrap_or(self.highest);
            if self.hours.len() == 1 || dice.random::<f64>() * self.highest < rate {
                return now;
            }
        }
    }
}
