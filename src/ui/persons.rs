//! What is known of a patient, for reading: a date of birth, the age when a study was taken, the sex. From the values of
//! DICOM and HL7, which senders shorten or leave out; what cannot be read is shown as it was sent. Pure.

use chrono::{Datelike, NaiveDate};
use fluent_bundle::FluentArgs;

use super::wording::Wording;

/// Ages below this are said in months.
const MONTHS_UNTIL_YEARS: i32 = 2;

/// `YYYYMMDD` as `1983-09-21`; one that was shortened, as `1983-09` or `1983`.
pub fn birth(date: &str) -> String {
    let digits = date.chars().all(|letter| letter.is_ascii_digit());
    match date.len() {
        8 if digits => format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]),
        6 if digits => format!("{}-{}", &date[..4], &date[4..]),
        _ => date.to_owned(),
    }
}

/// The age on the day of the study, both `YYYYMMDD`: years, months of a small child. Nothing unless both are known.
pub fn age(wording: &Wording, born: &str, taken: &str) -> String {
    let Some(months) = day(born)
        .zip(day(taken))
        .and_then(|(born, taken)| months(born, taken))
    else {
        return String::new();
    };
    let mut values = FluentArgs::new();
    let name = match months / 12 {
        years if years < MONTHS_UNTIL_YEARS => {
            values.set("months", months);
            "patient-months"
        }
        years => {
            values.set("years", years);
            "patient-years"
        }
    };
    wording.say(name, &values).unwrap_or_default()
}

fn day(date: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(date.trim(), "%Y%m%d").ok()
}

/// Whole months from one day to another; nothing where the other is earlier.
fn months(born: NaiveDate, taken: NaiveDate) -> Option<i32> {
    let begun = (taken.year() - born.year()) * 12 + taken.month0() as i32 - born.month0() as i32;
    let months = begun - i32::from(taken.day() < born.day());
    (months >= 0).then_some(months)
}

/// Patient's Sex (PS3.3 C.7.1.1) and its equals in HL7 (table 0001) in words.
pub fn sex(wording: &Wording, sent: &str) -> String {
    let name = match sent {
        "F" => "patient-female",
        "M" => "patient-male",
        "O" => "patient-other",
        "U" => "patient-unknown",
        _ => return sent.to_owned(),
    };
    wording.say(name, &FluentArgs::new()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn english() -> Wording {
        Wording::open(None, "en").expect("English")
    }

    #[test]
    fn a_birth_date_is_read_as_far_as_it_goes() {
        for (sent, said) in [
            ("19830921", "1983-09-21"),
            ("198309", "1983-09"),
            ("1983", "1983"),
            ("1983.9.21", "1983.9.21"),
            ("äöüß", "äöüß"),
            ("", ""),
        ] {
            assert_eq!(birth(sent), said);
        }
    }

    #[test]
    fn an_age_counts_birthdays_and_is_not_guessed() {
        for (born, taken, said) in [
            ("19830921", "20260920", "42 years"),
            ("19830921", "20260921", "43 years"),
            ("20250101", "20260120", "12 months"),
            ("20251231", "20260130", "0 months"),
            ("1983", "20260921", ""),
            ("19830921", "", ""),
            ("20260922", "20260921", ""),
        ] {
            assert_eq!(age(&english(), born, taken), said, "{born} {taken}");
        }
    }

    #[test]
    fn a_sex_is_a_word_and_another_value_is_shown_as_it_was_sent() {
        for (sent, said) in [("F", "female"), ("U", "sex unknown"), ("X1", "X1")] {
            assert_eq!(sex(&english(), sent), said);
        }
    }
}
