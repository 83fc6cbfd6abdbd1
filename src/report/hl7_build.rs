//! Builds HL7 v2 messages. Every value passes through one encoder, so that no text, whatever it holds, can add a field,
//! a segment or a frame. Writes the usual delimiters and ends segments with a carriage return.

use chrono_tz::Tz;
use tocsin_domain::clock::Timestamp;
use tocsin_domain::phi::Demographics;

use super::dataset::decimal;
use super::hl7_charset::Charset;
use super::hl7_text::{Delimiters, escape, escape_lines};
use super::site_profile::Version;

const USUAL: Delimiters = Delimiters::USUAL;
/// Delete the stored value; we never ask for that.
const DELETE: &str = "\"\"";

/// A field's content, already escaped. Made by [`Encoder`] alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldText(String);

impl FieldText {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Turns values into field content in one character set, and counts the characters that did not fit.
#[derive(Debug)]
pub struct Encoder {
    charset: Charset,
    replaced: usize,
}

impl Encoder {
    pub fn new(charset: Charset) -> Self {
        Self { charset, replaced: 0 }
    }

    pub fn charset(&self) -> Charset {
        self.charset
    }

    pub fn text(&mut self, value: &str) -> FieldText {
        FieldText(self.escaped(value))
    }

    /// A value of type TX or FT, whose line breaks become `\.br\`.
    pub fn lines(&mut self, value: &str) -> FieldText {
        FieldText(escape_lines(&self.fitted(value), &USUAL))
    }

    /// Components of one field; trailing empty ones are left out.
    pub fn components(&mut self, values: &[&str]) -> FieldText {
        FieldText(self.joined(values, "^"))
    }

    /// Components that have subcomponents.
    pub fn nested(&mut self, values: &[&[&str]]) -> FieldText {
        let parts: Vec<String> = values.iter().map(|v| self.joined(v, "&")).collect();
        FieldText(parts.join("^").trim_end_matches('^').to_owned())
    }

    fn joined(&mut self, values: &[&str], separator: &str) -> String {
        let parts: Vec<String> = values.iter().map(|v| self.escaped(v)).collect();
        let used = parts.iter().rposition(|p| !p.is_empty()).map_or(0, |i| i + 1);
        parts[..used].join(separator)
    }

    fn escaped(&mut self, value: &str) -> String {
        escape(&self.fitted(value), &USUAL)
    }

    fn fitted(&mut self, value: &str) -> String {
        if value == DELETE {
            return String::new();
        }
        let (fitted, replaced) = self.charset.fit(value);
        self.replaced += replaced;
        fitted
    }
}

/// One segment under construction.
#[derive(Debug)]
pub struct Segment {
    name: &'static str,
    fields: Vec<FieldText>,
}

impl Segment {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            fields: Vec::new(),
        }
    }

    /// Sets field `number`, counted from 1 as the standard counts (MSH, BHS and FHS from 3 on).
    pub fn set(mut self, number: usize, value: FieldText) -> Self {
        if value.is_empty() {
            return self;
        }
        if self.fields.len() < number {
            self.fields.resize(number, FieldText::default());
        }
        self.fields[number - 1] = value;
        self
    }

    fn write(&self, out: &mut String) {
        out.push_str(self.name);
        let skip = match self.name {
            "MSH" | "BHS" | "FHS" => {
                out.push_str("|^~\\&");
                2
            }
            _ => 0,
        };
        for field in self.fields.iter().skip(skip) {
            out.push('|');
            out.push_str(&field.0);
        }
        out.push('\r');
    }
}

/// A message, in bytes, and what had to be changed to write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    pub bytes: Vec<u8>,
    /// Characters that the character set does not have, spelt in plain letters.
    pub replaced: usize,
}

pub fn finish(segments: &[Segment], encoder: &Encoder) -> Built {
    let mut text = String::new();
    for segment in segments {
        segment.write(&mut text);
    }
    Built {
        bytes: encoder.charset.encode(&text).bytes,
        replaced: encoder.replaced,
    }
}

/// A time as HL7 writes it, to the second, in the site's zone; with its offset from 2.4 on.
pub fn time(at: Timestamp, zone: Tz, version: Version) -> String {
    let local = at.with_timezone(&zone);
    let format = match version {
        Version::V23 | Version::V231 => "%Y%m%d%H%M%S",
        Version::V24
        | Version::V25
        | Version::V251
        | Version::V26
        | Version::V27
        | Version::V28
        | Version::V282 => "%Y%m%d%H%M%S%z",
    };
    local.format(format).to_string()
}

/// A name in HL7 order (suffix before prefix) from the stored DICOM order (prefix before suffix).
pub fn name_parts(demographics: &Demographics) -> [&str; 5] {
    let name = demographics.name.as_ref().map_or("", |n| n.expose().as_str());
    let mut parts = name.splitn(5, '^').chain(std::iter::repeat(""));
    let mut next = || parts.next().unwrap_or("");
    let [family, given, middle, prefix, suffix] = [next(), next(), next(), next(), next()];
    [family, given, middle, suffix, prefix]
}

/// A number as every output writes it, at most six significant digits; NM has no exponent.
pub fn number(value: f64) -> String {
    let text = decimal(value);
    match text.contains('e') {
        true => format!("{value:.0}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_have_at_most_six_digits_and_no_exponent() {
        for (value, text) in [
            (0.0, "0"),
            (93.7, "93.7"),
            (0.937, "0.937"),
            (1.0 / 3.0, "0.333333"),
            (123.456_789, "123.457"),
            (1e20, "100000000000000000000"),
            (1e-15, "0"),
            (-0.000_000_000_000_1, "0"),
            (100.0, "100"),
            (0.1 + 0.2, "0.3"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn times_carry_their_offset_where_the_version_has_it() {
        let at = chrono::DateTime::from_timestamp(1_773_480_485, 0).unwrap();
        let berlin = chrono_tz::Europe::Berlin;
        assert_eq!(time(at, berlin, Version::V251), "20260314102805+0100");
        assert_eq!(time(at, berlin, Version::V231), "20260314102805");
    }

    #[test]
    fn a_pair_of_quotation_marks_never_deletes() {
        let mut encoder = Encoder::new(Charset::Utf8);
        let built = finish(
            &[Segment::new("PID")
                .set(5, encoder.text("\"\""))
                .set(2, encoder.text("1"))],
            &encoder,
        );
        assert_eq!(built.bytes, b"PID||1\r");
    }

    proptest! {
        #[test]
        fn no_value_adds_a_field_a_segment_or_a_frame(values in prop::collection::vec(any::<String>(), 1..6)) {
            for charset in [Charset::Utf8, Charset::Latin1, Charset::Ascii] {
                let mut encoder = Encoder::new(charset);
                let mut segment = Segment::new("ZZZ");
                for (i, value) in values.iter().enumerate() {
                    segment = segment.set(i + 1, encoder.components(&[value, "x"]));
                }
                let bytes = finish(&[segment], &encoder).bytes;
                prop_assert_eq!(bytes.iter().filter(|b| **b == b'\r').count(), 1);
                prop_assert_eq!(bytes.iter().filter(|b| **b == b'|').count(), values.len());
                prop_assert_eq!(bytes.iter().filter(|b| **b == b'^').count(), values.len());
                prop_assert!(!bytes.iter().any(|b| [0x0b, 0x1c, b'~', b'&', b'\n'].contains(b)));
            }
        }
    }
}
