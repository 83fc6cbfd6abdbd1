//! Waits in closed form, where there is one: Poisson arrivals, a constant number of readers, no cap, and models that answer at once. All in
//! minutes.
//!
//! One reader: Pollaczek and Khinchine, Cobham 1954 (who is read is not interrupted) and the preemptive-resume queue (Kleinrock,
//! Queueing Systems II, 3.6). Several readers: equal exponential reading times, by Erlang's C.

use super::list::{INTERRUPTING, Ordering};
use super::outcome::Group;
use super::reading_time::Spread;
use super::scenario::{Interruption, Scenario, Stream};

/// Mean wait of a group in both arms.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    pub group: Group,
    pub without_models: f64,
    pub with_models: f64,
}

/// What theory says of each group; `None` where there is no closed form.
pub fn expected(scenario: &Scenario) -> Option<Vec<Expected>> {
    let even = scenario.is_even() && scenario.wait_cap_minutes.is_none() && scenario.model_minutes == 0.0;
    if !even {
        return None;
    }
    let without = Arm::of(scenario, &Ordering::without_models(scenario))?;
    let with = Arm::of(scenario, &Ordering::with_models(scenario))?;
    let expected = without
        .groups
        .iter()
        .zip(&with.groups)
        .filter(|((_, part), _)| part.share > 0.0);
    let expected = expected.map(|((group, without), (_, with))| Expected {
        group: group.clone(),
        without_models: without.mean(),
        with_models: with.mean(),
    });
    Some(expected.collect())
}

/// Studies that are alike to the queue: of one class and one reading time.
struct Part {
    class: usize,
    /// Arrivals a minute.
    rate: f64,
    mean: f64,
    second_moment: f64,
    /// Whom it counts for.
    groups: Vec<Group>,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    share: f64,
    wait: f64,
}

impl Sum {
    fn mean(self) -> f64 {
        self.wait / self.share
    }
}

struct Arm {
    groups: Vec<(Group, Sum)>,
}

impl Arm {
    fn of(scenario: &Scenario, ordering: &Ordering) -> Option<Self> {
        let parts = parts(scenario, ordering);
        let readers = *scenario.readers.first()?;
        let waits = match readers {
            1 => one_reader(&parts, ordering.classes(), scenario.interruption),
            _ => several_readers(scenario, &parts, ordering.classes(), f64::from(readers))?,
        };
        let mut groups: Vec<(Group, Sum)> = Vec::new();
        for part in &parts {
            for group in &part.groups {
                let at = groups
                    .iter()
                    .position(|(known, _)| known == group)
                    .unwrap_or_else(|| {
                        groups.push((group.clone(), Sum::default()));
                        groups.len() - 1
                    });
                let sum = &mut groups[at].1;
                sum.share += part.rate;
                // An interruption lasts longer the longer the reading that can be interrupted.
                sum.wait += part.rate * (waits[part.class].queue + waits[part.class].per_minute * part.mean);
            }
        }
        groups.sort_by(|a, b| a.0.cmp(&b.0));
        Some(Self { groups })
    }
}

/// Each combination of what a study shows and what flags it.
fn parts(scenario: &Scenario, ordering: &Ordering) -> Vec<Part> {
    let mut parts = Vec::new();
    for (at, stream) in scenario.streams.iter().enumerate() {
        for (finding, share) in stream.cases() {
            for (flagged, chance) in flags(stream, finding) {
                let reading = stream.reading_of(finding);
                let patient = super::patient::Patient {
                    arrival: 0.0,
                    reading: 0.0,
                    stream: u8::try_from(at).unwrap_or(u8::MAX),
                    finding: finding.and_then(|at| u8::try_from(at).ok()),
                    flagged,
                };
                parts.push(Part {
                    class: usize::from(ordering.once_read(&patient)),
                    rate: scenario.rate() * stream.share * share * chance,
                    mean: reading.minutes,
                    second_moment: reading.second_moment(),
                    groups: super::outcome::groups_of(scenario, &patient),
                });
            }
        }
    }
    parts
}

/// The most urgent rank that flags a study, with its probability; models err independently.
fn flags(stream: &Stream, finding: Option<usize>) -> Vec<(Option<u8>, f64)> {
    let mut models: Vec<(u8, f64)> = stream
        .models
        .iter()
        .map(|model| (model.rank, stream.flags(model, finding)))
        .collect();
    models.sort_by_key(|model| model.0);
    let mut unflagged = 1.0;
    let mut flags = Vec::new();
    for (rank, chance) in models {
        flags.push((Some(rank), unflagged * chance));
        unflagged *= 1.0 - chance;
    }
    flags.push((None, unflagged));
    flags
}

/// The wait of a class: what stands before it, and what interrupts each minute of its reading.
#[derive(Clone, Copy)]
struct ClassWait {
    queue: f64,
    per_minute: f64,
}

/// Classes above which nothing interrupts are one queue whose reading is not interrupted among themselves.
fn one_reader(parts: &[Part], classes: usize, interruption: Interruption) -> Vec<ClassWait> {
    let rho = |class: usize| -> f64 { of_class(parts, class).map(|part| part.rate * part.mean).sum() };
    let residual = |class: usize| -> f64 {
        of_class(parts, class)
            .map(|part| part.rate * part.second_moment / 2.0)
            .sum()
    };
    let mut before = 0.0;
    let mut waits = Vec::with_capacity(classes);
    for class in 0..classes {
        // Whose readings are not interrupted by this class, and so stand in its way.
        let met = match interruption {
            Interruption::Nobody => classes,
            Interruption::InterruptingOnly if class == usize::from(INTERRUPTING) => 1,
            Interruption::InterruptingOnly => classes,
            Interruption::MoreUrgent => class + 1,
        };
        let interrupting = match interruption {
            Interruption::Nobody => 0.0,
            Interruption::InterruptingOnly if class == usize::from(INTERRUPTING) => 0.0,
            Interruption::InterruptingOnly => rho(usize::from(INTERRUPTING)),
            Interruption::MoreUrgent => before,
        };
        let work: f64 = (0..met).map(residual).sum();
        let with = before + rho(class);
        waits.push(ClassWait {
            queue: work / ((1.0 - before) * (1.0 - with)),
            per_minute: 1.0 / (1.0 - interrupting) - 1.0,
        });
        before = with;
    }
    waits
}

fn of_class(parts: &[Part], class: usize) -> impl Iterator<Item = &Part> {
    parts.iter().filter(move |part| part.class == class)
}

/// `None` where the readings are not all exponential of one mean: theory then has approximations only.
fn several_readers(
    scenario: &Scenario,
    parts: &[Part],
    classes: usize,
    readers: f64,
) -> Option<Vec<ClassWait>> {
    let mean = parts.first()?.mean;
    let equal = parts.iter().all(|part| part.rate == 0.0 || part.mean == mean);
    let exponential = scenario.streams.iter().all(|stream| {
        stream
            .cases()
            .all(|(finding, _)| stream.reading_of(finding).spread == Spread::Exponential)
    });
    let interrupts = scenario.streams.iter().any(Stream::interrupts);
    let interruption = match scenario.interruption {
        Interruption::InterruptingOnly if !interrupts => Interruption::Nobody,
        other => other,
    };
    if !equal || !exponential || interruption == Interruption::InterruptingOnly {
        return None;
    }
    let rate = |class: usize| -> f64 { of_class(parts, class).map(|part| part.rate).sum() };
    let (mut before, mut queued_before) = (0.0, 0.0);
    let all: f64 = (0..classes).map(rate).sum();
    let mut waits = Vec::with_capacity(classes);
    for class in 0..classes {
        let with = before + rate(class);
        let queue = match interruption {
            // The most urgent classes together are a queue of their own.
            Interruption::MoreUrgent => {
                let queued = with * erlang_c(readers, with * mean) * mean / (readers - with * mean);
                let own = (queued - queued_before) / rate(class);
                queued_before = queued;
                own
            }
            Interruption::Nobody | Interruption::InterruptingOnly => {
                let free = |rate: f64| 1.0 - rate * mean / readers;
                erlang_c(readers, all * mean) * mean / readers / (free(before) * free(with))
            }
        };
        waits.push(ClassWait {
            queue,
            per_minute: 0.0,
        });
        before = with;
    }
    Some(waits)
}

/// The probability that all of so many readers are busy (Erlang's C), by the recursion of his B.
fn erlang_c(readers: f64, offered: f64) -> f64 {
    let mut blocked = 1.0;
    let mut number = 1.0;
    while number <= readers {
        blocked = offered * blocked / (number + offered * blocked);
        number += 1.0;
    }
    blocked / (1.0 - offered / readers * (1.0 - blocked))
}
