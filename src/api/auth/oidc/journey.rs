//! The way to the provider and back. What must be remembered meanwhile travels in a sealed cookie that lives for minutes;
//! state, nonce and the PKCE verifier are derived from it with our key, so that the cookie alone makes none of them.

use chrono::TimeDelta;
use hmac::Mac;
use tocsin_domain::clock::Timestamp;

use crate::api::auth::back::Back;
use crate::api::auth::session::{mac, same};

/// Long enough to type a password and a code there.
pub const LASTS: TimeDelta = TimeDelta::minutes(10);

/// One way, from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    /// Random, in hexadecimal.
    seed: String,
    /// Seconds since 1970.
    began_at: i64,
    pub purpose: Purpose,
    pub back: Back,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    SignIn,
    /// Whoever has this session proves again who they are. Browsers hold its own cookie back on the way from another site.
    Prove {
        session: String,
    },
}

impl Journey {
    pub fn begin(random: [u8; 32], purpose: Purpose, back: Back, now: Timestamp) -> Self {
        Self {
            seed: hex::encode(random),
            began_at: now.timestamp(),
            purpose,
            back,
        }
    }

    /// The cookie's value: fields in hexadecimal or digits, then the seal.
    pub fn write(&self, key: &[u8]) -> String {
        let session = match &self.purpose {
            Purpose::SignIn => "",
            Purpose::Prove { session } => session,
        };
        let body = format!(
            "{}.{}.{}.{}",
            self.seed,
            self.began_at,
            hex::encode(session),
            hex::encode(self.back.path())
        );
        let seal = derived(key, b"journey v1:", &body);
        format!("{body}.{seal}")
    }

    /// `None` for whatever we did not write, or what took too long.
    pub fn read(key: &[u8], cookie: &str, now: Timestamp) -> Option<Self> {
        let (body, seal) = cookie.rsplit_once('.')?;
        if !same(seal, &derived(key, b"journey v1:", body)) {
            return None;
        }
        let text = |hexed: &str| String::from_utf8(hex::decode(hexed).ok()?).ok();
        let mut parts = body.split('.');
        let (seed, began_at) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?);
        let session = text(parts.next()?)?;
        let journey = Self {
            seed,
            began_at,
            purpose: match session.is_empty() {
                true => Purpose::SignIn,
                false => Purpose::Prove { session },
            },
            back: Back::to(&text(parts.next()?)?),
        };
        (now.timestamp() < began_at + LASTS.num_seconds()).then_some(journey)
    }

    /// Comes back with the code, and tells that it belongs to this way.
    pub fn state(&self, key: &[u8]) -> String {
        derived(key, b"journey state v1:", &self.seed)
    }

    /// Comes back in the ID token.
    pub fn nonce(&self, key: &[u8]) -> String {
        derived(key, b"journey nonce v1:", &self.seed)
    }

    /// Of PKCE: whoever intercepts the code cannot use it without.
    pub fn verifier(&self, key: &[u8]) -> String {
        derived(key, b"journey verifier v1:", &self.seed)
    }

    /// Under which a session remembers which way opened it.
    pub fn mark(&self, key: &[u8]) -> String {
        derived(key, b"journey mark v1:", &self.seed)
    }

    pub fn began_at(&self) -> i64 {
        self.began_at
    }
}

fn derived(key: &[u8], purpose: &[u8], body: &str) -> String {
    hex::encode(mac(key, purpose, body).finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).expect("a time")
    }

    fn journey() -> Journey {
        let purpose = Purpose::Prove {
            session: "abcd".into(),
        };
        Journey::begin([7; 32], purpose, Back::to("/tokens"), at(1_000))
    }

    #[test]
    fn a_journey_is_read_back_until_it_has_taken_too_long() {
        let cookie = journey().write(b"key");
        assert_eq!(Journey::read(b"key", &cookie, at(1_599)), Some(journey()));
        assert_eq!(Journey::read(b"key", &cookie, at(1_600)), None);
        assert_eq!(Journey::read(b"other", &cookie, at(1_001)), None);
        let changed = cookie.replacen('7', "8", 1);
        assert_eq!(Journey::read(b"key", &changed, at(1_001)), None);
    }

    #[test]
    fn what_is_derived_differs_and_is_not_in_the_cookie() {
        let (journey, cookie) = (journey(), journey().write(b"key"));
        let all = [
            journey.state(b"key"),
            journey.nonce(b"key"),
            journey.verifier(b"key"),
            journey.mark(b"key"),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!cookie.contains(one.as_str()));
            assert!(all[at + 1..].iter().all(|other| other != one));
        }
        assert!((43..=128).contains(&all[2].len()), "as RFC 7636 wants it");
    }
}
