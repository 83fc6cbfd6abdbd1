//! HL7 times: any precision from the year to a fraction of a second, with or without an offset.

use chrono::{FixedOffset, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use tocsin_domain::clock::Timestamp;

/// Reads a TS or DTM. Without an offset it is local time of `zone`; a time that the clocks went through twice is the
/// earlier one, a time that they skipped is an hour later. `None` when it is no time.
pub fn read(text: &str, zone: Tz) -> Option<Timestamp> {
    let (stamp, offset) = match text.find(['+', '-']) {
        Some(at) => (&text[..at], Some(read_offset(&text[at..])?)),
        None => (text, None),
    };
    let local = read_local(stamp)?;
    match offset {
        Some(offset) => offset
            .from_local_datetime(&local)
            .single()
            .map(|t| t.with_timezone(&Utc)),
        None => in_zone(local, zone),
    }
}

fn in_zone(local: NaiveDateTime, zone: Tz) -> Option<Timestamp> {
    let found = match zone.from_local_datetime(&local) {
        LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => t,
        LocalResult::None => zone
            .from_local_datetime(&(local + TimeDelta::hours(1)))
            .earliest()?,
    };
    Some(found.with_timezone(&Utc))
}

fn read_local(stamp: &str) -> Option<NaiveDateTime> {
    let (digits, fraction) = stamp.split_once('.').unwrap_or((stamp, ""));
    let whole = digits.bytes().all(|b| b.is_ascii_digit()) && fraction.bytes().all(|b| b.is_ascii_digit());
    if !whole || !matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14) || fraction.len() > 9 {
        return None;
    }
    let part = |from: usize, otherwise: u32| match digits.get(from..from + 2) {
        Some(two) => two.parse().ok(),
        None => Some(otherwise),
    };
    let date = NaiveDate::from_ymd_opt(digits[..4].parse().ok()?, part(4, 1)?, part(6, 1)?)?;
    let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
    let second = part(12, 0)?.min(59);
    date.and_hms_nano_opt(part(8, 0)?, part(10, 0)?, second, nanos)
}

fn read_offset(text: &str) -> Option<FixedOffset> {
    let digits = &text[1..];
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits[2..].parse().ok()?;
    let seconds = (hours * 60 + minutes) * 60;
    match text.starts_with('-') {
        true => FixedOffset::west_opt(seconds),
        false => FixedOffset::east_opt(seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_of_every_precision() {
        let berlin = chrono_tz::Europe::Berlin;
        for (text, utc) in [
            ("20260314092805+0000", Some("2026-03-14T09:28:05Z")),
            ("20260314092805-0530", Some("2026-03-14T14:58:05Z")),
            ("20260314092805.1234", Some("2026-03-14T08:28:05.123400Z")),
            ("202607140928", Some("2026-07-14T07:28:00Z")),
            ("20260314", Some("2026-03-13T23:00:00Z")),
            ("2026", Some("2025-12-31T23:00:00Z")),
            ("20260329023000", Some("2026-03-29T01:30:00Z")),
            ("20261025023000", Some("2026-10-25T00:30:00Z")),
            ("20260231", None),
            ("2026031", None),
            ("2026-03-14", None),
            ("yesterday", None),
            ("20260314é", None),
            ("", None),
        ] {
            let got = read(text, berlin).map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
            let got = got.map(|t| t.parse::<Timestamp>());
            assert_eq!(got, utc.map(str::parse), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), digits in "[0-9.+-]{0,24}") {
            read(&text, chrono_tz::UTC);
            read(&digits, chrono_tz::America::New_York);
        }
    }
}
