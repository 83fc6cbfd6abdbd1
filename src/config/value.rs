//! Values with a form of their own. Each is checked as it is read, so that what the program holds is usable as it is;
//! a refusal says what is expected and does not repeat a value that may hold a secret.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// What is written as it is (RFC 3986 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where to listen: an IP address and a port; port 0 takes a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Listen(pub SocketAddr);

/// An application entity title: 1 to 16 characters of the default repertoire without backslash (PS3.5 6.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct AeTitle(String);

/// A time zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TimeZone(pub chrono_tz::Tz);

/// The address under which browsers and phones reach the service, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl(String);

/// An address of the site's viewer, with places for what names a study.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ViewerUrl(String);

/// An address pages are sent to or from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct EmailAddress(String);

/// Which database, and how to reach it. Its `Debug` hides a password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    /// The whole URL; it may hold a password.
    Postgres(String),
}

/// Where pixels and messages are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum BlobUrl {
    Folder(PathBuf),
}

/// Who may connect to a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accept {
    /// Anyone on this machine, whatever name they give.
    Loopback,
    /// Only those listed as peers.
    Peers,
}

/// What a value is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct Expected(pub String);

impl Expected {
    fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl TryFrom<String> for Listen {
    type Error = Expected;
    fn try_from(text: String) -> Result<Self, Expected> {
        text.parse()
            .map(Self)
            .map_err(|_| Expected::new("an IP address and a port, such as 127.0.0.1:8080"))
    }
}

impl TryFrom<String> for AeTitle {
    type Error = Expected;
    fn try_from(text: String) -> Result<Self, Expected> {
        let title = text.trim().to_owned();
        let allowed = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'\\';
        if title.is_empty() || title.len() > 16 || !title.bytes().all(allowed) {
            return Err(Expected::new(
                "an AE title: 1 to 16 ASCII characters without a backslash",
            ));
        }
        Ok(Self(title))
    }
}

impl AeTitle {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TimeZone {
    type Error = Expected;
    fn try_from(text: String) -> Result<Self, Expected> {
        text.parse().map(Self).map_err(|_| {
            let known = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
            let hint = super::nearest::nearest(&text, known)
                .map_or(String::new(), |name| format!("; did you mean {name}?"));
            Expected(format!(
                "a time zone of the IANA database, such as Europe/Berlin{hint}"
            ))
        })
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = Expected;
    fn try_from(text: String) -> Result<Self, Expected> {
        let trimmed = text.trim_end_matches('/');
        let host = trimmed
            .strip_prefix("https://")
            .or_else(|| trimmed.strip_prefix("http://"));
        let plain = |host: &str| {
            !host.is_empty()
                && host
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c))
        };
        if !host.is_some_and(plain) {
            return Err(Expected::new(
                "https:// (or http://), a host and perhaps a port, such as https://tocsin.example.org",
            ));
        }
        Ok(Self(trimmed.to_owned()))
    }
}

impl TryFrom<String> for ViewerUrl {
    type Error = Expected;
    fn try_from(text: String) -> Result<Self, Expected> {
        let web = text.starts_with("https://") || text.starts_with("http://");
        let named = Self::PLACES.iter().any(|place| text.contains(place));
        let filled = Self::PLACES
            .iter()
            .fold(text.clone(), |text, place| text.replace(place, ""));
        if !web || !named || filled.contains(['{', '}', '"', '<', '>', ' ']) {
            return Err(Expected::new(
                "https:// (or http://) with {study_uid} or {accession} in it, such as \
                 https://pacs.example.org/viewer?StudyInstanceUIDs={study_uid}",
            ));
        }
        Ok(Self(text))
    }
}

impl ViewerUrl {
    const PLACES: [&str; 2] = ["{study_uid}", "{accession}"];

    /// The address of one study; `None` when it needs an accession number and there is none.
    pub fn of(&self, study_uid: &str, accession: Option<&str>) -> Option<String> {
        if self.0.contains("{accession}") && accession.is_none() {
            return None;
        }
        let quote = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
        Some(
            self.0
                .replace("{study_uid}", &quote(study_uid))
                .replace("{accession}", &quote(accession.unwrap_or_default())),
        )
    }
}

impl PublicUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = Expected;
    fn try_from(text: String) -> Result<Self, Expected> {
        let whole = |part: &str| {
            !part.is_empty()
                && !part
                    .chars()
                    .any(|c| c.is_whitespace() || c.is_control() || "<>,;\"@".contains(c))
        };
        match text.split_once('@') {
            Some((user, host)) if whole(user) && whole(host) => Ok(Self(text)),
            Some(_) | None => Err(Expected::new(
                "one e-mail address, such as stroke@hospital.example",
            )),
        }
    }
}

impl EmailAddress {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DatabaseUrl {
    type Error = Expected;
    fn try_from(text: String) -> Result<Self, Expected> {
        if let Some(path) = text
            .strip_prefix("sqlite://")
            .filter(|path| !path.is_empty() && !path.contains(['?', ':']))
        {
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text));
        }
        Err(Expected::new(
            "sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE",
        ))
    }
}

impl DatabaseUrl {
    /// As a connection is opened with it. It may hold a password: hand it on, do not show it.
    pub fn expose(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) => url.clone(),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "Sqlite({})", path.display()),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

impl TryFrom<String> for BlobUrl {
    type Error = Expected;
    fn try_from(text: String) -> Result<Self, Expected> {
        match text.strip_prefix("file://").filter(|path| !path.is_empty()) {
            Some(path) => Ok(Self::Folder(PathBuf::from(path))),
            None => Err(Expected::new(
                "file://FOLDER (object stores are not supported by this version)",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: TryFrom<String, Error = Expected> + fmt::Debug>(good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(T::try_from((*text).to_owned()).is_ok(), "{text} is refused");
        }
        for text in bad {
            assert!(T::try_from((*text).to_owned()).is_err(), "{text} is accepted");
        }
    }

    #[test]
    fn the_address_of_a_viewer_names_the_study_and_nothing_of_it_escapes() {
        let url = |text: &str| ViewerUrl::try_from(text.to_owned());
        let viewer = url("https://pacs/v?uid={study_uid}&a={accession}").expect("an address");
        assert_eq!(
            viewer.of("1.2.3", Some("A&b=/ü")).as_deref(),
            Some("https://pacs/v?uid=1.2.3&a=A%26b%3D%2F%C3%BC")
        );
        assert_eq!(viewer.of("1.2.3", None), None);
        for wrong in [
            "javascript:{study_uid}",
            "https://pacs/v",
            "https://pacs/{patient}{study_uid}",
        ] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_value_is_accepted_in_its_form_only() {
        check::<Listen>(
            &["127.0.0.1:0", "[::1]:8080"],
            &["localhost:80", "8080", "127.0.0.1"],
        );
        check::<AeTitle>(
            &["TOCSIN", " CT 1 "],
            &["", "   ", "A\\B", "SEVENTEEN_LETTERS", "Ä"],
        );
        check::<TimeZone>(&["Europe/Berlin", "UTC"], &["Berlin", "+02:00"]);
        check::<PublicUrl>(
            &[
                "https://tocsin.example.org",
                "http://127.0.0.1:8080/",
                "https://[::1]:8443",
            ],
            &[
                "tocsin.example.org",
                "https://",
                "https://a/b",
                "https://user@host",
                "ftp://host",
            ],
        );
        check::<EmailAddress>(&["a@b"], &["a", "a@", "@b", "a@b@c", "a b@c", "a@b\r\nBcc: c@d"]);
        check::<DatabaseUrl>(
            &[
                "sqlite://data/t.db",
                "sqlite:///var/t.db",
                "postgres://u:p@h/d",
                "postgresql:///d?host=/run",
            ],
            &[
                "sqlite://",
                "sqlite::memory:",
                "sqlite://:memory:",
                "mysql://h/d",
                "data/t.db",
            ],
        );
        check::<BlobUrl>(
            &["file://data/blobs", "file:///var/blobs"],
            &["s3://bucket", "data/blobs", "file://"],
        );
    }

    #[test]
    fn a_database_password_is_not_shown() {
        let url = DatabaseUrl::try_from("postgres://u:hunter2@h/d".to_owned()).unwrap();
        assert_eq!(format!("{url:?}"), "Postgres(…)");
    }
}
