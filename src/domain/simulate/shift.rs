//! One arm of a simulation: readers take studies from the list, one event after another. A reading that is interrupted is taken up again
//! where it was left (preemptive-resume).

use std::collections::VecDeque;

use super::list::{List, Ordering};
use super::patient::{DAY, Patient};
use super::scenario::HOURS;

const HOUR: f64 = DAY / HOURS as f64;

/// Minutes that each study waited: from its arrival to the end of its reading, less the reading itself. Interruptions are waiting.
pub fn waits(patients: &[Patient], readers: &[u32], ordering: &Ordering) -> Vec<f32> {
    let mut shift = Shift::new(patients, readers, ordering);
    while let Some(event) = shift.next_event() {
        shift.meet(event);
    }
    shift.waits
}

struct Shift<'a> {
    patients: &'a [Patient],
    readers: &'a [u32],
    ordering: &'a Ordering,
    list: List,
    /// The class of each study as it stands now.
    classes: Vec<u8>,
    /// Minutes of reading that are left of each.
    left: Vec<f64>,
    read: Vec<Reading>,
    /// Whose models answer next; all take the same time.
    unanswered: VecDeque<u32>,
    arrived: usize,
    now: f64,
    waits: Vec<f32>,
}

#[derive(Clone, Copy)]
struct Reading {
    patient: u32,
    began: f64,
    ends: f64,
}

#[derive(Clone, Copy)]
enum Event {
    Ends(usize, f64),
    Answered(f64),
    Arrives(f64),
    /// Other readers begin.
    Hour(f64),
}

impl Event {
    fn at(self) -> f64 {
        match self {
            Self::Ends(_, at) | Self::Answered(at) | Self::Arrives(at) | Self::Hour(at) => at,
        }
    }
}

impl<'a> Shift<'a> {
    fn new(patients: &'a [Patient], readers: &'a [u32], ordering: &'a Ordering) -> Self {
        Self {
            list: List::new(ordering.classes()),
            classes: patients
                .iter()
                .map(|patient| ordering.on_arrival(patient.stream))
                .collect(),
            left: patients.iter().map(|patient| patient.reading).collect(),
            read: Vec::new(),
            unanswered: VecDeque::new(),
            arrived: 0,
            now: 0.0,
            waits: vec![0.0; patients.len()],
            patients,
            readers,
            ordering,
        }
    }

    /// The earliest; of one moment, a reading ends before another begins.
    fn next_event(&self) -> Option<Event> {
        let ends = self
            .read
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.ends.total_cmp(&b.1.ends));
        let ends = ends.map(|(at, reading)| Event::Ends(at, reading.ends));
        let answer = |patient: &u32| self.patients[*patient as usize].arrival + self.ordering.model_minutes;
        let answered = self
            .unanswered
            .front()
            .map(|patient| Event::Answered(answer(patient)));
        let arrives = self
            .patients
            .get(self.arrived)
            .map(|patient| Event::Arrives(patient.arrival));
        let changes = self.readers.len() > 1 && !self.list.is_empty();
        let hour = changes.then(|| Event::Hour(((self.now / HOUR).floor() + 1.0) * HOUR));
        let all = [ends, answered, arrives, hour];
        all.into_iter().flatten().min_by(|a, b| a.at().total_cmp(&b.at()))
    }

    fn meet(&mut self, event: Event) {
        self.now = event.at();
        match event {
            Event::Ends(at, _) => {
                let done = self.read.swap_remove(at).patient as usize;
                let patient = &self.patients[done];
                self.waits[done] = (self.now - patient.arrival - patient.reading).max(0.0) as f32;
                self.fill();
            }
            Event::Arrives(_) => {
                let patient = self.arrived as u32;
                self.arrived += 1;
                if self.ordering.model_minutes > 0.0 {
                    self.unanswered.push_back(patient);
                } else {
                    self.classes[patient as usize] =
                        self.ordering.once_read(&self.patients[patient as usize]);
                }
                self.come(patient);
            }
            Event::Answered(_) => {
                if let Some(patient) = self.unanswered.pop_front() {
                    self.answered(patient);
                }
            }
            Event::Hour(_) => self.fill(),
        }
    }

    /// A study is read at once, or in place of another, or waits.
    fn come(&mut self, patient: u32) {
        let class = self.classes[patient as usize];
        if self.read.len() < self.on_duty() {
            return self.begin(patient);
        }
        // Of those read, the one that would be read last.
        let classes = &self.classes;
        let last = self
            .read
            .iter()
            .enumerate()
            .max_by_key(|(_, reading)| (classes[reading.patient as usize], reading.patient));
        let gives_way =
            last.filter(|(_, reading)| self.ordering.interrupts(class, classes[reading.patient as usize]));
        match gives_way.map(|(at, _)| at) {
            Some(at) => {
                let interrupted = self.read.swap_remove(at);
                let other = interrupted.patient as usize;
                self.left[other] -= self.now - interrupted.began;
                self.list.put(self.classes[other], interrupted.patient);
                self.begin(patient);
            }
            None => self.list.put(class, patient),
        }
    }

    /// The models of a study have answered: where it still waits, it moves.
    fn answered(&mut self, patient: u32) {
        let at = patient as usize;
        let (before, after) = (self.classes[at], self.ordering.once_read(&self.patients[at]));
        if before == after {
            return;
        }
        self.classes[at] = after;
        if self.list.take_out(before, patient) {
            self.come(patient);
        }
    }

    fn fill(&mut self) {
        while self.read.len() < self.on_duty() {
            let (now, patients) = (self.now, self.patients);
            let cap = self.ordering.wait_cap;
            let overdue =
                |patient: u32| cap.is_some_and(|cap| now - patients[patient as usize].arrival >= cap);
            let Some((class, patient)) = self.list.next(overdue) else {
                return;
            };
            self.classes[patient as usize] = class;
            self.begin(patient);
        }
    }

    fn begin(&mut self, patient: u32) {
        self.read.push(Reading {
            patient,
            began: self.now,
            ends: self.now + self.left[patient as usize],
        });
    }

    fn on_duty(&self) -> usize {
        let hour = ((self.now % DAY) / HOUR) as usize;
        let readers = self.readers.get(hour).or(self.readers.first());
        readers.copied().unwrap_or(0) as usize
    }
}
