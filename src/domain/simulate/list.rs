//! The reading list of one arm: where each study stands on it. Classes are numbers; a lower one is read first, and within a class who
//! came first.

use std::collections::VecDeque;

use super::patient::Patient;
use super::scenario::{Interruption, Order, Scenario};

/// Class of those that interrupt.
pub const INTERRUPTING: u8 = 0;

/// By which rule an arm orders its list.
#[derive(Clone, Debug)]
pub struct Ordering {
    order: Order,
    /// Ranks that models give; classes 1 to this are theirs.
    ranks: u8,
    urgencies: Vec<u8>,
    interruption: Interruption,
    pub wait_cap: Option<f64>,
    /// Minutes until the models of a study have answered.
    pub model_minutes: f64,
}

impl Ordering {
    /// As it is without models.
    pub fn without_models(scenario: &Scenario) -> Self {
        Self {
            order: Order::AsArrived,
            ranks: 0,
            urgencies: scenario.streams.iter().map(|stream| stream.urgency).collect(),
            interruption: scenario.interruption,
            wait_cap: scenario.wait_cap_minutes,
            model_minutes: 0.0,
        }
    }

    pub fn with_models(scenario: &Scenario) -> Self {
        let models = scenario.streams.iter().flat_map(|stream| &stream.models);
        Self {
            order: scenario.order,
            ranks: match scenario.order {
                Order::AsArrived => 0,
                Order::FlaggedFirst => 1,
                Order::ByRank => models.map(|model| model.rank).max().unwrap_or(1),
            },
            model_minutes: scenario.model_minutes,
            ..Self::without_models(scenario)
        }
    }

    pub fn classes(&self) -> usize {
        let least = self.urgencies.iter().copied().max().unwrap_or(1);
        usize::from(self.ranks) + usize::from(least) + 1
    }

    /// Before its models have answered.
    pub fn on_arrival(&self, stream: u8) -> u8 {
        match self.urgencies[usize::from(stream)] {
            INTERRUPTING => INTERRUPTING,
            urgency => self.ranks + urgency,
        }
    }

    /// Once they have.
    pub fn once_read(&self, patient: &Patient) -> u8 {
        let unmoved = self.on_arrival(patient.stream);
        match (patient.flagged, self.order) {
            _ if unmoved == INTERRUPTING => INTERRUPTING,
            (None, _) | (_, Order::AsArrived) => unmoved,
            (Some(_), Order::FlaggedFirst) => 1,
            (Some(rank), Order::ByRank) => rank,
        }
    }

    /// Whether a study of one class interrupts the reading of another.
    pub fn interrupts(&self, arriving: u8, read: u8) -> bool {
        match self.interruption {
            Interruption::Nobody => false,
            Interruption::InterruptingOnly => arriving == INTERRUPTING && read != INTERRUPTING,
            Interruption::MoreUrgent => arriving < read,
        }
    }
}

/// Studies that wait, by class and number.
pub struct List {
    classes: Vec<VecDeque<u32>>,
}

impl List {
    pub fn new(classes: usize) -> Self {
        Self {
            classes: vec![VecDeque::new(); classes],
        }
    }

    /// Puts a study where its number says; those that arrive go to the end, and who was interrupted to the front.
    pub fn put(&mut self, class: u8, patient: u32) {
        let queue = &mut self.classes[usize::from(class)];
        match queue.back() {
            Some(last) if *last > patient => {
                let at = queue.partition_point(|other| *other < patient);
                queue.insert(at, patient);
            }
            _ => queue.push_back(patient),
        }
    }

    /// Whether it waited there.
    pub fn take_out(&mut self, class: u8, patient: u32) -> bool {
        let queue = &mut self.classes[usize::from(class)];
        match queue.binary_search(&patient) {
            Ok(at) => queue.remove(at).is_some(),
            Err(_) => false,
        }
    }

    /// Who is read next, with the class that it is read as: interrupting cases, then the longest of those that have waited
    /// beyond the cap, then by class.
    pub fn next(&mut self, overdue: impl Fn(u32) -> bool) -> Option<(u8, u32)> {
        if let Some(patient) = self.classes[usize::from(INTERRUPTING)].pop_front() {
            return Some((INTERRUPTING, patient));
        }
        let heads = self
            .classes
            .iter()
            .enumerate()
            .filter_map(|(class, queue)| Some((*queue.front()?, class)));
        let longest = heads.filter(|(patient, _)| overdue(*patient)).min();
        let first = self.classes.iter().position(|queue| !queue.is_empty())?;
        let class = longest.map_or(first, |(_, class)| class);
        let patient = self.classes[class].pop_front()?;
        let read_as = if longest.is_some() { 1 } else { class };
        Some((u8::try_from(read_as).unwrap_or(u8::MAX), patient))
    }

    pub fn is_empty(&self) -> bool {
        self.classes.iter().all(VecDeque::is_empty)
    }
}
