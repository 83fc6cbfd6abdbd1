//! Which changes have been told, where numbers may become visible out of their order: pure. A number that never appears was
//! given to a transaction that was undone; it is waited for only so long.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use tocsin_domain::clock::Timestamp;

/// A transaction that takes longer than this before it shows is not waited for.
pub const PATIENCE: TimeDelta = TimeDelta::seconds(10);

/// A reader of a sequence with gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// Everything up to here has been told, or will never come.
    settled: i64,
    /// Told already, above `settled`, and when each was first seen.
    told: BTreeMap<i64, Timestamp>,
}

impl Follower {
    /// Begins behind `latest`; what is older is known to whoever asks afterwards.
    pub fn after(latest: i64) -> Self {
        Self {
            settled: latest,
            told: BTreeMap::new(),
        }
    }

    /// Where to read from next.
    pub fn from(&self) -> i64 {
        self.settled
    }

    /// Of the numbers that were read, those that have not been told yet.
    pub fn news(&mut self, read: &[i64], now: Timestamp) -> Vec<i64> {
        let mut news = Vec::new();
        for seq in read.iter().filter(|seq| **seq > self.settled) {
            if !self.told.contains_key(seq) {
                self.told.insert(*seq, now);
                news.push(*seq);
            }
        }
        self.settle(now);
        news
    }

    fn settle(&mut self, now: Timestamp) {
        while let Some((&seq, &seen)) = self.told.first_key_value() {
            if seq > self.settled + 1 && now < seen + PATIENCE {
                return;
            }
            self.settled = seq;
            self.told.remove(&seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).expect("a time")
    }

    #[test]
    fn each_number_is_told_once_and_a_late_one_is_not_missed() {
        let mut follower = Follower::after(10);
        assert_eq!(follower.news(&[11, 13], at(0)), [11, 13]);
        assert_eq!(follower.from(), 11);
        assert_eq!(follower.news(&[12, 13], at(1)), [12]);
        assert_eq!(follower.from(), 13);
        assert_eq!(follower.news(&[13], at(2)), Vec::<i64>::new());
    }

    #[test]
    fn a_gap_is_waited_for_no_longer_than_patience() {
        let mut follower = Follower::after(0);
        follower.news(&[2, 3], at(0));
        assert_eq!(follower.from(), 0);
        assert_eq!(follower.news(&[2, 3], at(9)), Vec::<i64>::new());
        assert_eq!(follower.from(), 0);
        follower.news(&[2, 3], at(10));
        assert_eq!(follower.from(), 3);
        assert_eq!(follower.news(&[1, 2, 3], at(11)), Vec::<i64>::new(), "given up");
    }
}
