//! Attribute matching (PS3.4 C.2.2.2): a single value, wildcards, ranges of dates and times, lists of UIDs. Text in, a closed
//! enum out, and whether values hold against it.

use crate::wildcard::like;

/// How a value of an attribute is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Several may be named.
    Uid,
    Date,
    Time,
    /// Without regard to case, and with wildcards.
    Name,
    /// With wildcards.
    Text,
    /// With wildcards; several may be named.
    Code,
    /// As it is: numbers and ages.
    Literal,
}

/// What the values of an attribute are held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// Anything, or nothing.
    Any,
    One(String),
    OneOf(Vec<String>),
    /// With `*` and `?`.
    Wild(String),
    /// Of a person, folded; with or without wildcards.
    Name(String),
    Dates(Span),
    /// To the microsecond.
    Times(Span),
}

/// Both ends belong to it; comparable as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Option<String>,
    pub to: Option<String>,
}

impl Span {
    fn holds(&self, value: &str) -> bool {
        !value.is_empty()
            && self.from.as_ref().is_none_or(|from| value >= from.as_str())
            && self.to.as_ref().is_none_or(|to| value <= to.as_str())
    }
}

/// A text that asks for nothing that can be compared. Names no value: it may be of a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    #[error("expected YYYYMMDD, or a range such as 20260101-20260131")]
    Date,
    #[error("expected HHMMSS or its beginning, or a range such as 0800-1200")]
    Time,
    #[error("longer than {MAX_TEXT} characters")]
    TooLong,
    #[error("more than {MAX_LIST} values")]
    TooMany,
}

const MAX_TEXT: usize = 1024;
const MAX_LIST: usize = 1000;
/// The end of a day, to whatever precision a time is given.
const LAST_TIME: &str = "235959.999999";
const FIRST_TIME: &str = "000000.000000";

impl Match {
    /// # Errors
    /// A date or time that is none, or a text beyond its bound.
    pub fn read(text: &str, comparison: Comparison) -> Result<Self, MatchError> {
        let text = text.trim();
        let wild = matches!(comparison, Comparison::Name | Comparison::Text | Comparison::Code);
        if text.is_empty() || (text == "*" && wild) {
            return Ok(Self::Any);
        }
        let is_list = comparison == Comparison::Code && text.contains([',', '\\']);
        if comparison == Comparison::Uid || is_list {
            return list(text);
        }
        if text.chars().count() > MAX_TEXT {
            return Err(MatchError::TooLong);
        }
        match comparison {
            Comparison::Date => dates(text).map(Self::Dates),
            Comparison::Time => times(text).map(Self::Times),
            Comparison::Name => Ok(Self::Name(folded(text))),
            Comparison::Text | Comparison::Code if text.contains(['*', '?']) => {
                Ok(Self::Wild(text.to_owned()))
            }
            Comparison::Text | Comparison::Code | Comparison::Literal | Comparison::Uid => {
                Ok(Self::One(text.to_owned()))
            }
        }
    }

    /// Whether one of the values holds.
    pub fn holds<'v>(&self, values: impl IntoIterator<Item = &'v str>) -> bool {
        match self {
            Self::Any => true,
            _ => values.into_iter().any(|value| self.holds_one(value.trim())),
        }
    }

    fn holds_one(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::One(wanted) => value == wanted,
            Self::OneOf(wanted) => wanted.iter().any(|wanted| wanted == value),
            Self::Wild(pattern) => like(pattern, value),
            Self::Name(pattern) => value
                .split('=')
                .any(|component| like(pattern, &folded(component))),
            Self::Dates(span) => span.holds(&value.replace(['.', '-'], "")),
            Self::Times(span) => {
                !value.is_empty() && span.holds(&padded(&value.replace(':', ""), FIRST_TIME))
            }
        }
    }

    /// The only value that holds, if there is one.
    pub fn only(&self) -> Option<&str> {
        match self {
            Self::One(value) => Some(value),
            Self::OneOf(_) | Self::Any | Self::Wild(_) | Self::Name(_) | Self::Dates(_) | Self::Times(_) => {
                None
            }
        }
    }
}

fn list(text: &str) -> Result<Match, MatchError> {
    let wanted: Vec<String> = text
        .split([',', '\\'])
        .map(|uid| uid.trim().to_owned())
        .filter(|uid| !uid.is_empty())
        .collect();
    match wanted.len() > MAX_LIST {
        true => Err(MatchError::TooMany),
        false => Ok(Match::OneOf(wanted)),
    }
}

fn dates(text: &str) -> Result<Span, MatchError> {
    let date = |text: &str| match text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err(MatchError::Date),
    };
    let (from, to) = ends(text).ok_or(MatchError::Date)?;
    Ok(Span {
        from: from.map(date).transpose()?,
        to: to.map(date).transpose()?,
    })
}

fn times(text: &str) -> Result<Span, MatchError> {
    let time = |text: &str, rest: &str| {
        let digits = text.replace(':', "");
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        let numbers = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
        match numbers && matches!(whole.len(), 2 | 4 | 6) && digits.len() <= rest.len() {
            true => Ok(padded(&digits, rest)),
            false => Err(MatchError::Time),
        }
    };
    let (from, to) = ends(text).ok_or(MatchError::Time)?;
    Ok(Span {
        from: from.map(|from| time(from, FIRST_TIME)).transpose()?,
        to: to.map(|to| time(to, LAST_TIME)).transpose()?,
    })
}

/// Both ends of a range, either of which may be open; a single value is both.
fn ends(text: &str) -> Option<(Option<&str>, Option<&str>)> {
    let given = |end: &'_ str| !end.trim().is_empty();
    match text.split_once('-') {
        None => Some((Some(text), Some(text))),
        Some((from, to)) if given(from) || given(to) => Some((
            Some(from.trim()).filter(|e| given(e)),
            Some(to.trim()).filter(|e| given(e)),
        )),
        Some(_) => None,
    }
}

/// The beginning of a time, made whole with the end of another.
fn padded(time: &str, rest: &str) -> String {
    let missing = rest.get(time.len()..).unwrap_or_default();
    format!("{time}{missing}")
}

/// A name as it is compared: without regard to case, and to delimiters that end it.
pub fn folded(name: &str) -> String {
    name.trim().trim_end_matches('^').to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_asked_for_holds_or_does_not() {
        use Comparison::*;
        let table: [(&str, Comparison, &[&str], bool); 25] = [
            ("", Text, &[], true),
            ("A1", Text, &["A1 "], true),
            ("A1", Text, &["a1"], false),
            ("A*", Text, &["B", "A17"], true),
            ("A?7", Text, &["A17"], true),
            ("A?7", Text, &["A117"], false),
            ("*", Uid, &["1.2"], false),
            ("1.2,1.3", Uid, &["1.3"], true),
            ("1.2\\1.3", Uid, &["1.3"], true),
            ("mei*", Name, &["Meier^Anna"], true),
            ("MEIER^ANNA", Name, &["Meier^Anna^^"], true),
            ("CT,MR", Code, &["MR"], true),
            ("C?", Code, &["CT"], true),
            ("山田*", Name, &["Yamada^Tarou=山田^太郎"], true),
            ("Meier", Name, &["Meier^Anna"], false),
            ("20260101-20260131", Date, &["20260131"], true),
            ("20260101-", Date, &["20251231"], false),
            ("-20260101", Date, &["2025.12.31"], true),
            ("-20260101", Date, &[""], false),
            ("10", Time, &["105959.5"], true),
            ("-1029", Time, &[""], false),
            ("1000-1029", Time, &["102959"], true),
            ("1000-1029", Time, &["103000"], false),
            ("12*", Literal, &["12"], false),
            ("12", Literal, &["12"], true),
        ];
        for (asked, comparison, values, expected) in table {
            let wanted = Match::read(asked, comparison).unwrap();
            assert_eq!(
                wanted.holds(values.iter().copied()),
                expected,
                "{asked} {values:?}"
            );
        }
    }

    #[test]
    fn a_date_or_time_that_is_none_is_refused() {
        for (text, comparison) in [
            ("2026", Comparison::Date),
            ("-", Comparison::Date),
            ("20260101-x", Comparison::Date),
            ("1", Comparison::Time),
            ("10:0a", Comparison::Time),
            ("100000.1234567", Comparison::Time),
        ] {
            assert!(Match::read(text, comparison).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_like_itself_and_like_its_beginning(text in "[a-z]{0,12}", cut in 0usize..12) {
            prop_assert!(like(&text, &text));
            let start: String = text.chars().take(cut).collect();
            let pattern = format!("{start}*");
            prop_assert!(like(&pattern, &text));
        }

        #[test]
        fn nothing_makes_it_panic(asked in ".{0,40}", value in ".{0,40}") {
            for comparison in [Comparison::Uid, Comparison::Date, Comparison::Time, Comparison::Name, Comparison::Text] {
                if let Ok(wanted) = Match::read(&asked, comparison) {
                    let _ = wanted.holds([value.as_str()]);
                }
            }
        }
    }
}
