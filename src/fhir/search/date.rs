//! Dates of searches and of resources as spans of time: what is given to the day means the whole day, at the site's wall clock
//! where no zone is said.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use tocsin_domain::clock::Timestamp;

/// From `low` on, and before `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub low: Timestamp,
    pub high: Timestamp,
}

/// How a value of a search compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    StartsAfter,
    EndsBefore,
    Approximately,
}

impl Prefix {
    const ALL: [(&'static str, Self); 9] = [
        ("eq", Self::Equal),
        ("ne", Self::NotEqual),
        ("gt", Self::Greater),
        ("lt", Self::Less),
        ("ge", Self::GreaterOrEqual),
        ("le", Self::LessOrEqual),
        ("sa", Self::StartsAfter),
        ("eb", Self::EndsBefore),
        ("ap", Self::Approximately),
    ];

    /// The prefix, and what follows it.
    pub fn split(text: &str) -> (Self, &str) {
        let known = Self::ALL
            .iter()
            .find_map(|(word, prefix)| Some((*prefix, text.strip_prefix(word)?)));
        known.unwrap_or((Self::Equal, text))
    }

    /// Whether a value of a resource is so related to the one that is searched for.
    pub fn holds(self, value: Span, wanted: Span) -> bool {
        let within = wanted.low <= value.low && value.high <= wanted.high;
        let above = value.high > wanted.high;
        let below = value.low < wanted.low;
        match self {
            Self::Equal => within,
            Self::NotEqual => !within,
            Self::Greater => above,
            Self::Less => below,
            Self::GreaterOrEqual => above || within,
            Self::LessOrEqual => below || within,
            Self::StartsAfter => value.low >= wanted.high,
            Self::EndsBefore => value.high <= wanted.low,
            Self::Approximately => {
                let day = Duration::days(1);
                value.low < wanted.high + day && value.high > wanted.low - day
            }
        }
    }
}

/// `2026`, `2026-03`, `2026-03-14`, or that with a time to the minute or finer, with or without a zone.
pub fn span(text: &str, zone: Tz) -> Option<Span> {
    match text.split_once('T') {
        None => days(text, zone),
        Some((day, time)) => moment(day, time, zone),
    }
}

fn days(text: &str, zone: Tz) -> Option<Span> {
    let digits = |part: &str, length| (part.len() == length).then(|| part.parse::<u32>().ok()).flatten();
    let mut parts = text.split('-');
    let year = i32::try_from(digits(parts.next()?, 4)?).ok()?;
    let (month, day) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    let first = |year, month| NaiveDate::from_ymd_opt(year, month, 1);
    let (from, to) = match (month, day) {
        (None, _) => (first(year, 1)?, first(year + 1, 1)?),
        (Some(month), None) => {
            let from = first(year, digits(month, 2)?)?;
            let to = match from.month() {
                12 => first(year + 1, 1)?,
                month => first(year, month + 1)?,
            };
            (from, to)
        }
        (Some(month), Some(day)) => {
            let from = NaiveDate::from_ymd_opt(year, digits(month, 2)?, digits(day, 2)?)?;
            (from, from.succ_opt()?)
        }
    };
    Some(Span {
        low: local(from.and_hms_opt(0, 0, 0)?, zone),
        high: local(to.and_hms_opt(0, 0, 0)?, zone),
    })
}

fn moment(day: &str, time: &str, zone: Tz) -> Option<Span> {
    let end = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, offset) = time.split_at(end);
    let (format, length) = match clock.len() {
        5 => ("%Y-%m-%dT%H:%M", Duration::minutes(1)),
        8 => ("%Y-%m-%dT%H:%M:%S", Duration::seconds(1)),
        10.. => ("%Y-%m-%dT%H:%M:%S%.f", Duration::milliseconds(1)),
        _ => return None,
    };
    let wall = NaiveDateTime::parse_from_str(&format!("{day}T{clock}"), format).ok()?;
    let low = match offset {
        "" => local(wall, zone),
        "Z" => wall.and_utc(),
        offset => DateTime::parse_from_str(
            &format!("{}{offset}", wall.format("%Y-%m-%dT%H:%M:%S%.f")),
            "%Y-%m-%dT%H:%M:%S%.f%:z",
        )
        .ok()?
        .with_timezone(&Utc),
    };
    Some(Span {
        low,
        high: low + length,
    })
}

/// A time that the clocks skip is that of the moment they do so.
fn local(wall: NaiveDateTime, zone: Tz) -> Timestamp {
    match zone.from_local_datetime(&wall).earliest() {
        Some(at) => at.with_timezone(&Utc),
        None => (zone.from_utc_datetime(&wall)).with_timezone(&Utc),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: Tz = chrono_tz::Europe::Berlin;

    fn holds(value: &str, search: &str) -> bool {
        let (prefix, wanted) = Prefix::split(search);
        prefix.holds(
            span(value, BERLIN).expect(value),
            span(wanted, BERLIN).expect(wanted),
        )
    }

    #[test]
    fn a_value_is_as_exact_as_it_is_written() {
        for (text, low, seconds) in [
            ("2026", "2025-12-31T23:00:00Z", 365 * 86_400),
            ("2026-03", "2026-02-28T23:00:00Z", 31 * 86_400 - 3_600),
            ("2026-12", "2026-11-30T23:00:00Z", 31 * 86_400),
            ("2026-03-14", "2026-03-13T23:00:00Z", 86_400),
            ("2026-03-14T09:30", "2026-03-14T08:30:00Z", 60),
            ("2026-03-14T09:30:05Z", "2026-03-14T09:30:05Z", 1),
            ("2026-03-14T09:30:05+02:00", "2026-03-14T07:30:05Z", 1),
        ] {
            let span = span(text, BERLIN).expect(text);
            assert_eq!(span.low, low.parse::<Timestamp>().expect(low), "{text}");
            assert_eq!((span.high - span.low).num_seconds(), seconds, "{text}");
        }
        for wrong in [
            "",
            "26",
            "2026-13",
            "2026-02-30",
            "2026-3-1",
            "2026-03-14T9",
            "2026-03-14T25:00Z",
            "x",
            "ÄÖ",
        ] {
            assert_eq!(span(wrong, BERLIN), None, "{wrong}");
        }
    }

    #[test]
    fn prefixes_compare_spans_as_the_standard_says() {
        let value = "2026-03-14T09:30:05Z";
        for (search, expected) in [
            ("2026-03-14", true),
            ("eq2026", true),
            ("ne2026-03-14", false),
            ("ne2026-03-15", true),
            ("gt2026-03-14", false),
            ("gt2026-03-13", true),
            ("ge2026-03-14", true),
            ("lt2026-03-15", true),
            ("lt2026-03-14", false),
            ("le2026-03-14", true),
            ("sa2026-03-13", true),
            ("sa2026-03-14", false),
            ("eb2026-03-15", true),
            ("eb2026-03-14", false),
            ("ap2026-03-15", true),
            ("ap2026-03-17", false),
            ("ge2026-03-14T09:30:06Z", false),
        ] {
            assert_eq!(holds(value, search), expected, "{search}");
        }
        assert!(
            holds("2026-03-14", "ge2026-03-14T12:00:00Z"),
            "part of the day is later"
        );
    }
}
