//! Sessions of browsers: a signed cookie that names an account or a token and ends by itself. Rights are looked up afresh
//! with every request, so that a disabled account or a revoked token ends its sessions at once.

use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tocsin_domain::clock::Timestamp;

const SESSION: &str = "tocsin_session";
/// Browsers accept this name only with `Secure`, without `Domain` and for the whole site.
const SECURE_SESSION: &str = "__Host-tocsin_session";
const JOURNEY: &str = "tocsin_journey";
const SECURE_JOURNEY: &str = "__Host-tocsin_journey";

/// What a cookie says once its seal is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub subject: Subject,
    /// Tells sessions of one subject apart.
    pub nonce: String,
    /// Seconds since 1970.
    pub began_at: i64,
    pub seen_at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Account(String),
    Token(String),
}

impl Subject {
    /// As rows of sessions and audit entries name it.
    pub fn text(&self) -> String {
        match self {
            Self::Account(id) => format!("account:{id}"),
            Self::Token(id) => format!("token:{id}"),
        }
    }
}

/// How long a session lasts, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    pub idle: i64,
    pub whole: i64,
}

/// A session is renewed when it was last renewed this long ago, in seconds: not with every image of a page.
const RENEW_AFTER: i64 = 60;

impl Session {
    pub fn begin(subject: Subject, nonce: String, now: Timestamp) -> Self {
        Self {
            subject,
            nonce,
            began_at: now.timestamp(),
            seen_at: now.timestamp(),
        }
    }

    /// The cookie's value: fields in hexadecimal or digits, then the seal.
    pub fn write(&self, key: &[u8]) -> String {
        let body = self.body();
        let seal = hex::encode(mac(key, b"session v1:", &body).finalize().into_bytes());
        format!("{body}.{seal}")
    }

    /// `None` for whatever we did not write, or what has ended.
    pub fn read(key: &[u8], cookie: &str, now: Timestamp, lifetime: Lifetime) -> Option<Self> {
        let (body, seal) = cookie.rsplit_once('.')?;
        mac(key, b"session v1:", body)
            .verify_slice(&hex::decode(seal).ok()?)
            .ok()?;
        let session = Self::parse(body)?;
        let now = now.timestamp();
        let alive = now < session.seen_at + lifetime.idle && now < session.began_at + lifetime.whole;
        alive.then_some(session)
    }

    pub fn is_stale(&self, now: Timestamp) -> bool {
        now.timestamp() >= self.seen_at + RENEW_AFTER
    }

    pub fn renewed(self, now: Timestamp) -> Self {
        Self {
            seen_at: now.timestamp(),
            ..self
        }
    }

    /// What forms of this session carry; another session's is refused.
    pub fn csrf(&self, key: &[u8]) -> String {
        let about = format!("{}.{}", self.nonce, self.began_at);
        hex::encode(mac(key, b"form v1:", &about).finalize().into_bytes())
    }

    fn body(&self) -> String {
        let (kind, id) = match &self.subject {
            Subject::Account(id) => ('a', id),
            Subject::Token(id) => ('t', id),
        };
        format!(
            "{kind}.{}.{}.{}.{}",
            hex::encode(id),
            hex::encode(&self.nonce),
            self.began_at,
            self.seen_at
        )
    }

    fn parse(body: &str) -> Option<Self> {
        let text = |hexed: &str| String::from_utf8(hex::decode(hexed).ok()?).ok();
        let mut parts = body.split('.');
        let (kind, id) = (parts.next()?, text(parts.next()?)?);
        let subject = match kind {
            "a" => Subject::Account(id),
            "t" => Subject::Token(id),
            _ => return None,
        };
        Some(Self {
            subject,
            nonce: text(parts.next()?)?,
            began_at: parts.next()?.parse().ok()?,
            seen_at: parts.next()?.parse().ok()?,
        })
    }
}

/// Compares without telling by its duration where the difference is.
pub fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |d, (x, y)| d | (x ^ y)) == 0
}

/// A seal of ours; each purpose has its own, so that none stands for another.
pub fn mac(key: &[u8], purpose: &[u8], body: &str) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(purpose);
    mac.update(body.as_bytes());
    mac
}

/// Where cookies travel: with `Secure` and a guarded name when people reach us by https.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Https,
    Http,
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Self::Https => SECURE_SESSION,
            Self::Http => SESSION,
        }
    }

    /// `Set-Cookie` for a session.
    pub fn set_cookie(self, value: &str, lifetime: Lifetime) -> String {
        let (name, age, secure) = (self.name(), lifetime.idle, self.secure());
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}")
    }

    /// `Set-Cookie` that ends a session.
    pub fn clear_cookie(self) -> String {
        self.set_cookie("", Lifetime { idle: 0, whole: 0 })
    }

    /// The session's value in a `Cookie` header.
    pub fn find(self, header: &str) -> Option<&str> {
        value_of(header, self.name())
    }

    /// `Set-Cookie` for the way to the identity provider. Its answer comes from another site, so that `Strict` would hold the
    /// cookie back.
    pub fn set_journey(self, value: &str, lasts: TimeDelta) -> String {
        let (name, age, secure) = (self.journey(), lasts.num_seconds(), self.secure());
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}")
    }

    /// The value of that cookie in a `Cookie` header.
    pub fn find_journey(self, header: &str) -> Option<&str> {
        value_of(header, self.journey())
    }

    fn journey(self) -> &'static str {
        match self {
            Self::Https => SECURE_JOURNEY,
            Self::Http => JOURNEY,
        }
    }

    fn secure(self) -> &'static str {
        match self {
            Self::Https => "; Secure",
            Self::Http => "",
        }
    }
}

fn value_of<'h>(header: &'h str, wanted: &str) -> Option<&'h str> {
    header
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Lifetime = Lifetime {
        idle: 1_800,
        whole: 43_200,
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).expect("a time")
    }

    fn session() -> Session {
        Session::begin(Subject::Account("mia".into()), "n1".into(), at(1_000))
    }

    #[test]
    fn a_session_ends_when_idle_and_when_old() {
        let cookie = session().write(b"key");
        let read = |cookie: &str, second| Session::read(b"key", cookie, at(second), LIFETIME);
        assert_eq!(read(&cookie, 2_799), Some(session()));
        assert_eq!(read(&cookie, 2_800), None);
        let renewed = session().renewed(at(44_199)).write(b"key");
        assert!(read(&renewed, 44_199).is_some());
        assert_eq!(read(&renewed, 44_200), None);
    }

    #[test]
    fn a_changed_cookie_is_no_session() {
        let cookie = session().write(b"key");
        assert_eq!(Session::read(b"other", &cookie, at(1_001), LIFETIME), None);
        for place in 0..cookie.len() {
            let mut bytes = cookie.clone().into_bytes();
            bytes[place] = if bytes[place] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert_eq!(
                Session::read(b"key", &changed, at(1_001), LIFETIME),
                None,
                "{place}"
            );
        }
    }

    #[test]
    fn a_form_token_belongs_to_one_session() {
        let other = Session::begin(Subject::Account("mia".into()), "n2".into(), at(1_000));
        assert_ne!(session().csrf(b"key"), other.csrf(b"key"));
        assert_eq!(session().csrf(b"key"), session().renewed(at(2_000)).csrf(b"key"));
    }

    #[test]
    fn cookies_are_closed_to_scripts_and_to_other_sites() {
        let cookie = Transport::Https.set_cookie("v", LIFETIME);
        for part in ["__Host-", "HttpOnly", "SameSite=Strict", "Secure", "Path=/"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(!Transport::Http.set_cookie("v", LIFETIME).contains("Secure"));
        let header = "a=b; __Host-tocsin_session=v.1; c=d";
        assert_eq!(Transport::Https.find(header), Some("v.1"));
        assert_eq!(Transport::Http.find(header), None);
    }
}
