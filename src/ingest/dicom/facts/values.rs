//! The kept values of a data set by type. Each read that fails leaves a note of the tag and of what was expected.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use tocsin_domain::ids::Uid;

use super::TagProblem;
use crate::ingest::dicom::charset::Charset;
use crate::ingest::dicom::prescan::{Encoding, HeadElement, Scan};

pub(super) struct Values<'a> {
    head: &'a [HeadElement],
    encoding: Encoding,
    charset: Charset,
    pub(super) problems: Vec<TagProblem>,
}

impl<'a> Values<'a> {
    pub(super) fn of(scan: &'a Scan) -> Self {
        let mut values = Self {
            head: &scan.head,
            encoding: scan.encoding,
            charset: Charset::Undeclared,
            problems: Vec::new(),
        };
        let terms = values.plain(tags::SPECIFIC_CHARACTER_SET).unwrap_or_default();
        values.charset = Charset::from_terms(&terms).unwrap_or_else(|fallback| {
            values.problem(tags::SPECIFIC_CHARACTER_SET, "a defined term of PS3.3 C.12.1.1.2");
            fallback
        });
        for element in values.head.iter().filter(|element| element.value.is_none()) {
            values.problems.push(TagProblem {
                tag: element.tag,
                expected: "a value of at most 4096 bytes",
            });
        }
        values
    }

    /// Text in the character set of the data set; `None` when it is absent or blank.
    pub(super) fn text(&mut self, tag: Tag) -> Option<String> {
        let decoded = self.charset.decode(self.bytes(tag)?);
        if !decoded.clean {
            self.problem(tag, "text in the declared character set");
        }
        let text = without_padding(&decoded.text);
        if text.contains('\0') {
            self.problem(tag, "text without NUL");
        }
        kept(text)
    }

    /// Text of a VR that no character set changes.
    pub(super) fn plain(&self, tag: Tag) -> Option<String> {
        kept(without_padding(&String::from_utf8_lossy(self.bytes(tag)?)))
    }

    pub(super) fn list(&mut self, tag: Tag) -> Vec<String> {
        let text = self.text(tag).unwrap_or_default();
        if text.is_empty() {
            Vec::new()
        } else {
            text.split('\\').map(|value| value.trim().to_owned()).collect()
        }
    }

    pub(super) fn uid(&mut self, tag: Tag) -> Option<Uid> {
        let text = self.plain(tag)?;
        let uid = Uid::parse(&text).ok();
        if uid.is_none() {
            self.problem(tag, "a UID");
        }
        uid
    }

    pub(super) fn integer(&mut self, tag: Tag) -> Option<i64> {
        let text = self.plain(tag)?;
        // A decimal point in an integer string is common and means what it says.
        let first = text
            .split('\\')
            .next()
            .unwrap_or("")
            .trim()
            .trim_start_matches('+');
        let whole = first.strip_suffix(".0").unwrap_or(first);
        let number = whole.parse().ok();
        if number.is_none() {
            self.problem(tag, "an integer");
        }
        number
    }

    /// The first of one or more decimal strings.
    pub(super) fn number(&mut self, tag: Tag) -> Option<f64> {
        let text = self.plain(tag)?;
        let number = text.split('\\').next().and_then(decimal);
        if number.is_none() {
            self.problem(tag, "a number");
        }
        number
    }

    /// Exactly `N` decimal strings.
    pub(super) fn numbers<const N: usize>(&mut self, tag: Tag, expected: &'static str) -> Option<[f64; N]> {
        let text = self.plain(tag)?;
        let numbers: Option<Vec<f64>> = text.split('\\').map(decimal).collect();
        let numbers = numbers.and_then(|numbers| <[f64; N]>::try_from(numbers).ok());
        if numbers.is_none() {
            self.problem(tag, expected);
        }
        numbers
    }

    /// A binary unsigned short, or a long as some senders write it.
    pub(super) fn unsigned(&mut self, tag: Tag) -> Option<u32> {
        let bytes = self.bytes(tag).filter(|bytes| !bytes.is_empty())?;
        let number = match (bytes, self.encoding) {
            (&[a, b], Encoding::ExplicitBig) => u32::from(u16::from_be_bytes([a, b])),
            (&[a, b], _) => u32::from(u16::from_le_bytes([a, b])),
            (&[a, b, c, d], Encoding::ExplicitBig) => u32::from_be_bytes([a, b, c, d]),
            (&[a, b, c, d], _) => u32::from_le_bytes([a, b, c, d]),
            _ => {
                self.problem(tag, "two bytes");
                return None;
            }
        };
        Some(number)
    }

    fn bytes(&self, tag: Tag) -> Option<&'a [u8]> {
        let element = self.head.iter().find(|element| element.tag == tag)?;
        element.value.as_deref()
    }

    fn problem(&mut self, tag: Tag, expected: &'static str) {
        self.problems.push(TagProblem { tag, expected });
    }
}

fn decimal(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

fn without_padding(text: &str) -> &str {
    text.trim_matches(|c: char| c == '\0' || c.is_whitespace())
}

/// Without NUL, which is no text, and which PostgreSQL keeps in none; `None` where nothing is left.
fn kept(text: &str) -> Option<String> {
    let text = text.replace('\0', "");
    (!text.is_empty()).then_some(text)
}
