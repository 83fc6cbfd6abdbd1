//! Slows down guessing: after some failures within a minute an address waits. Memory is bounded; nothing is stored.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;

use chrono::TimeDelta;
use tocsin_domain::clock::Timestamp;

const WINDOW: TimeDelta = TimeDelta::seconds(60);
/// Addresses that are remembered; beyond that, those that failed longest ago are forgotten.
const ADDRESSES: usize = 10_000;

/// Failures by address within the last minute.
#[derive(Debug)]
pub struct Throttle {
    limit: u32,
    failures: Mutex<BTreeMap<IpAddr, Failures>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Throttle {
    pub fn new(limit: u32) -> Self {
        Self {
            limit,
            failures: Mutex::default(),
        }
    }

    /// How long this address has to wait before it may try again; `None` when it may now.
    pub fn wait(&self, address: IpAddr, now: Timestamp) -> Option<TimeDelta> {
        let failures = self.failures.lock().ok()?;
        let known = failures.get(&address)?;
        let until = known.last + WINDOW;
        (known.count >= self.limit && now < until).then(|| until - now)
    }

    pub fn failed(&self, address: IpAddr, now: Timestamp) {
        let Ok(mut failures) = self.failures.lock() else {
            return;
        };
        if failures.len() >= ADDRESSES {
            failures.retain(|_, known| now < known.last + WINDOW);
        }
        if failures.len() >= ADDRESSES
            && let Some(oldest) = failures
                .iter()
                .min_by_key(|(_, known)| known.last)
                .map(|(ip, _)| *ip)
        {
            failures.remove(&oldest);
        }
        let entry = failures
            .entry(address)
            .or_insert(Failures { count: 0, last: now });
        if now >= entry.last + WINDOW {
            entry.count = 0;
        }
        entry.count = entry.count.saturating_add(1);
        entry.last = now;
    }

    pub fn succeeded(&self, address: IpAddr) {
        if let Ok(mut failures) = self.failures.lock() {
            failures.remove(&address);
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
    fn after_the_limit_an_address_waits_and_others_do_not() {
        let throttle = Throttle::new(3);
        let (guesser, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for second in 0..3 {
            assert_eq!(throttle.wait(guesser, at(second)), None);
            throttle.failed(guesser, at(second));
        }
        assert_eq!(throttle.wait(guesser, at(10)), Some(TimeDelta::seconds(52)));
        assert_eq!(throttle.wait(other, at(10)), None);
        assert_eq!(throttle.wait(guesser, at(62)), None);
        throttle.failed(guesser, at(62));
        assert_eq!(throttle.wait(guesser, at(63)), None, "the count began anew");
    }

    #[test]
    fn memory_stays_bounded() {
        let throttle = Throttle::new(3);
        for n in 0..u32::try_from(ADDRESSES).expect("small") + 50 {
            throttle.failed(IpAddr::from(n.to_be_bytes()), at(1));
        }
        assert!(throttle.failures.lock().expect("not poisoned").len() <= ADDRESSES);
    }
}
