//! How a query's key meets a value (PS3.4 C.2.2.2): nothing asked, one value, wildcards, a list, a range of dates or times.
//! Values of both sides are texts without padding.

use crate::wildcard::like;

/// How values of an attribute are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Compared without regard to case, as names are typed by people.
    Name,
    /// Never by wildcards; a list of them means any of them.
    Uid,
    /// `YYYYMMDD`.
    Date,
    /// `HHMMSS` and a fraction; missing digits at the end are any.
    Time,
    /// Digits, compared as numbers.
    Number,
}

/// What a query asks of an attribute.
#[derive(Clone, PartialEq, Eq)]
pub enum Key {
    /// Any value, or none: the attribute is to be returned only.
    Universal,
    OneOf(Kind, Vec<String>),
    /// With `*` and `?`.
    Wild(Kind, String),
    /// From the first to the last, both included; an open end is empty.
    Range(Kind, String, String),
}

impl Key {
    pub fn read(kind: Kind, value: &str) -> Self {
        let value = value.trim();
        if value.is_empty() {
            return Self::Universal;
        }
        match kind {
            Kind::Uid | Kind::Number => Self::OneOf(kind, value.split('\\').map(plain).collect()),
            Kind::Date | Kind::Time => match value.split_once('-') {
                Some((from, to)) if from.trim().is_empty() && to.trim().is_empty() => Self::Universal,
                Some((from, to)) => Self::Range(kind, moment(from), moment(to)),
                None => Self::OneOf(kind, vec![moment(value)]),
            },
            Kind::Text | Kind::Name if value.chars().all(|c| c == '*') => Self::Universal,
            Kind::Text | Kind::Name if value.contains(['*', '?']) => Self::Wild(kind, folded(kind, value)),
            Kind::Text | Kind::Name => Self::OneOf(
                kind,
                value.split('\\').map(|one| folded(kind, one.trim())).collect(),
            ),
        }
    }

    /// Whether one of these values is what is asked for; of none, only nothing is.
    pub fn matches<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> bool {
        match self {
            Self::Universal => true,
            Self::OneOf(kind, wanted) => values
                .into_iter()
                .any(|value| wanted.iter().any(|wanted| same(*kind, wanted, value))),
            Self::Wild(kind, pattern) => values
                .into_iter()
                .any(|value| like(pattern, &folded(*kind, value))),
            Self::Range(kind, from, to) => values.into_iter().any(|value| within(*kind, from, to, value)),
        }
    }

    /// The values of a list or of a single one.
    pub fn values(&self) -> Option<&[String]> {
        match self {
            Self::OneOf(_, values) => Some(values),
            Self::Universal | Self::Wild(..) | Self::Range(..) => None,
        }
    }
}

fn plain(value: &str) -> String {
    value.trim_matches(['\0', ' ']).to_owned()
}

/// Without the points and colons that older editions put between the digits, and without fractions of a second.
fn moment(value: &str) -> String {
    let is_old_date = value.matches('.').count() == 2;
    let kept = match value.split_once('.') {
        Some((seconds, _)) if !is_old_date => seconds,
        Some(_) | None => value,
    };
    kept.chars().filter(char::is_ascii_digit).collect()
}

fn folded(kind: Kind, value: &str) -> String {
    match kind {
        // What follows the name's last component may be left out.
        Kind::Name => value.trim_end_matches(['^', '=']).to_lowercase(),
        Kind::Text | Kind::Uid | Kind::Date | Kind::Time | Kind::Number => value.to_owned(),
    }
}

fn same(kind: Kind, wanted: &str, value: &str) -> bool {
    let value = value.trim();
    match kind {
        Kind::Text | Kind::Uid => value == wanted,
        Kind::Name => folded(kind, value) == wanted,
        Kind::Number => match (wanted.parse::<i64>(), value.parse::<i64>()) {
            (Ok(wanted), Ok(value)) => wanted == value,
            (Ok(_) | Err(_), Ok(_) | Err(_)) => wanted == value,
        },
        Kind::Date | Kind::Time => !wanted.is_empty() && moment(value).starts_with(wanted),
    }
}

/// What is not said of a time is its earliest at the beginning of a range and its latest at the end.
fn within(kind: Kind, from: &str, to: &str, value: &str) -> bool {
    let digits = match kind {
        Kind::Date => 8,
        Kind::Time | Kind::Text | Kind::Name | Kind::Uid | Kind::Number => 6,
    };
    let padded = |text: &str, with: char| -> String {
        let missing = usize::saturating_sub(digits, text.len());
        text.chars().chain(std::iter::repeat_n(with, missing)).collect()
    };
    let value = moment(value);
    !value.is_empty()
        && (from.is_empty() || padded(&value, '9') >= padded(from, '0'))
        && (to.is_empty() || padded(&value, '0') <= padded(to, '9'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_meets_what_the_standard_says_it_meets() {
        use Kind::{Date, Name, Number, Text, Time, Uid};
        let table: [(Kind, &str, &str, bool); 30] = [
            (Text, "", "anything", true),
            (Text, "*", "", true),
            (Text, "A1", "A1", true),
            (Text, "A1", "a1", false),
            (Text, "A*", "A1", true),
            (Text, "*1*", "A12", true),
            (Text, "A?", "A", false),
            (Text, "A?", "Aé", true),
            (Text, "CT\\MR", "MR", true),
            (Name, "doe*", "Doe^Jane", true),
            (Name, "DOE^JANE", "Doe^Jane^^", true),
            (Name, "doe", "Doe^Jane", false),
            (Uid, "1.2\\1.3", "1.3", true),
            (Uid, "1.*", "1.3", false),
            (Date, "20260101", "20260101", true),
            (Date, "2026.01.01", "20260101", true),
            (Date, "20260101-", "20251231", false),
            (Date, "20260101-", "20270101", true),
            (Date, "-20260101", "20260101", true),
            (Date, "20260101-20260131", "20260131", true),
            (Date, "20260101-20260131", "20260201", false),
            (Date, "20260101-", "", false),
            (Time, "10", "103000", true),
            (Time, "1030", "103059.123", true),
            (Time, "0900-10", "105959", true),
            (Time, "0900-10", "110000", false),
            (Time, "090000.5-", "085959", false),
            (Number, "3", "003", true),
            (Number, "3", "33", false),
            (Number, "3\\4", "4", true),
        ];
        for (kind, key, value, expected) in table {
            assert_eq!(
                Key::read(kind, key).matches([value]),
                expected,
                "{key:?} of {value:?}"
            );
        }
        assert!(Key::read(Text, "").matches([]));
        assert!(!Key::read(Text, "A").matches([]));
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        let key = Key::read(Kind::Text, &"*a".repeat(200));
        assert!(!key.matches([&*"a".repeat(199)]) && key.matches([&*"a".repeat(4000)]));
    }

    proptest! {
        #[test]
        fn a_value_meets_itself_and_no_key_panics(value in "[a-z0-9^ ]{1,20}", key in ".{0,30}") {
            let (value, wild) = (value.trim(), format!("*{}*", value.trim()));
            prop_assert!(Key::read(Kind::Text, value).matches([value]));
            prop_assert!(Key::read(Kind::Text, &wild).matches([value]));
            for kind in [Kind::Text, Kind::Name, Kind::Uid, Kind::Date, Kind::Time, Kind::Number] {
                let _ = Key::read(kind, &key).matches([value]);
            }
        }
    }
}
