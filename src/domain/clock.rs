//! Time as a parameter. Nothing below the application asks the machine what time it is.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};

/// An instant in UTC, kept to the microsecond, as both databases store it.
pub type Timestamp = DateTime<Utc>;

pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// Microseconds since 1970-01-01 UTC, the form in which instants are stored.
pub fn to_micros(at: Timestamp) -> i64 {
    at.timestamp_micros()
}

/// The stored form back; an instant outside chrono's range becomes the epoch, which no row of ours holds.
pub fn from_micros(micros: i64) -> Timestamp {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
}

/// Study Date and Time (PS3.5 6.2, DA and TM) on a wall clock; midnight without a time.
pub fn wall_clock<Z: TimeZone>(date: &str, time: Option<&str>, zone: &Z) -> Option<Timestamp> {
    let date = NaiveDate::parse_from_str(date.trim(), "%Y%m%d").ok()?;
    let digits: String = time
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let part = |from: usize| {
        digits
            .get(from..from + 2)
            .and_then(|two| two.parse().ok())
            .unwrap_or(0)
    };
    let time = NaiveTime::from_hms_opt(part(0), part(2), part(4).min(59))?;
    let local = zone
        .from_local_datetime(&NaiveDateTime::new(date, time))
        .earliest()?;
    Some(local.with_timezone(&Utc))
}

/// A clock that stands still until it is moved, for stories and simulations.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn at(start: Timestamp) -> Self {
        Self(AtomicI64::new(to_micros(start)))
    }

    pub fn advance(&self, by: TimeDelta) {
        self.0
            .fetch_add(by.num_microseconds().unwrap_or(0), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        from_micros(self.0.load(Ordering::SeqCst))
    }
}
