//! Sessions that somebody signed out of, so that a copy of their cookie is worth nothing. Kept in memory, bounded, for as
//! long as such a cookie could still be valid.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tocsin_domain::clock::Timestamp;

/// Sessions that are remembered; beyond that, those that would have ended soonest are forgotten.
const SESSIONS: usize = 10_000;

/// By the token of their forms, with the moment from which their cookies are invalid anyway.
#[derive(Debug, Default)]
pub struct Ended {
    sessions: Mutex<BTreeMap<String, Timestamp>>,
}

impl Ended {
    pub fn end(&self, session: &str, until: Timestamp, now: Timestamp) {
        let Ok(mut sessions) = self.sessions.lock() else {
            return;
        };
        if sessions.len() >= SESSIONS {
            sessions.retain(|_, end| now < *end);
        }
        if sessions.len() >= SESSIONS
            && let Some(soonest) = sessions
                .iter()
                .min_by_key(|(_, end)| **end)
                .map(|(s, _)| s.clone())
        {
            sessions.remove(&soonest);
        }
        sessions.insert(session.to_owned(), until);
    }

    /// When it cannot be told, a session counts as ended.
    pub fn has(&self, session: &str) -> bool {
        self.sessions
            .lock()
            .map_or(true, |sessions| sessions.contains_key(session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_stays_bounded_and_the_newest_are_known() {
        let at = |second| Timestamp::from_timestamp(second, 0).expect("a time");
        let ended = Ended::default();
        for n in 0..10_050 {
            ended.end(&n.to_string(), at(n + 100_000), at(n));
        }
        assert!(ended.sessions.lock().expect("not poisoned").len() <= SESSIONS);
        assert!(ended.has("10049") && !ended.has("0"));
    }
}
