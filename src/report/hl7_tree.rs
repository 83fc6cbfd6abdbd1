//! A message as segments, fields, repetitions, components and subcomponents. Splits on demand and unescapes what is asked
//! for. A line that is no segment belongs to the segment before it: reports arrive with line breaks inside.

use crate::hl7_charset::Charset;
use crate::hl7_text::{Delimiters, unescape};

/// HL7's way of saying "delete what you have".
const DELETE: &str = "\"\"";

/// A message's text with its lines put in order: each segment ends with a carriage return, breaks inside are line feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    text: String,
    /// Lines that were no segment of their own.
    pub continued: usize,
}

impl Lines {
    pub fn of(text: &str, delimiters: &Delimiters) -> Self {
        let mut out = Self {
            text: String::with_capacity(text.len()),
            continued: 0,
        };
        for line in text.split(['\r', '\n']) {
            if starts_segment(line, delimiters) {
                end_segment(&mut out.text);
                out.text.push_str(line);
            } else if !line.trim().is_empty() && out.text.contains('\r') {
                // A text may hold line breaks; MSH holds none, and a line that is no segment behind it belongs to nothing.
                out.continued += 1;
                out.text.push('\n');
                out.text.push_str(line);
            }
        }
        out
    }

    pub fn segments<'a>(&'a self, delimiters: Delimiters, charset: Charset) -> Vec<Segment<'a>> {
        let mut seen = std::collections::HashMap::<&str, usize>::new();
        self.text
            .split('\r')
            .filter(|line| line.len() >= 3)
            .map(|line| {
                let name = &line[..3];
                let sequence = seen.entry(name).or_default();
                *sequence += 1;
                Segment {
                    name,
                    sequence: *sequence,
                    fields: line.split(delimiters.field).collect(),
                    delimiters,
                    charset,
                }
            })
            .collect()
    }
}

fn end_segment(text: &mut String) {
    if !text.is_empty() {
        text.push('\r');
    }
}

fn starts_segment(line: &str, delimiters: &Delimiters) -> bool {
    let bytes = line.as_bytes();
    let named = bytes.len() >= 3
        && bytes[0].is_ascii_uppercase()
        && bytes[1..3]
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    named && (bytes.len() == 3 || char::from(bytes[3]) == delimiters.field)
}

#[derive(Clone, Debug)]
pub struct Segment<'a> {
    pub name: &'a str,
    /// Which of the segments of this name, from 1.
    pub sequence: usize,
    fields: Vec<&'a str>,
    delimiters: Delimiters,
    charset: Charset,
}

impl<'a> Segment<'a> {
    /// The raw text of a field, counted as the standard counts; empty where there is none.
    pub fn raw(&self, field: usize) -> &'a str {
        let index = match self.name {
            "MSH" | "FHS" | "BHS" => field.wrapping_sub(1),
            _ => field,
        };
        self.fields.get(index).copied().unwrap_or("")
    }

    /// The repetitions of a field that hold something.
    pub fn repetitions(&self, field: usize) -> Vec<Repetition<'a>> {
        let raw = self.raw(field);
        raw.split(self.delimiters.repetition)
            .enumerate()
            .filter(|(_, raw)| !raw.is_empty() && *raw != DELETE)
            .map(|(i, raw)| Repetition {
                number: i + 1,
                raw,
                delimiters: self.delimiters,
                charset: self.charset,
            })
            .collect()
    }

    /// A component of a field's first repetition. `None` when it is absent, empty, or says "delete".
    pub fn value(&self, field: usize, component: usize) -> Option<String> {
        self.repetitions(field).first()?.value(component)
    }

    /// Whether the field says `""`: delete what you have.
    pub fn deletes(&self, field: usize) -> bool {
        self.raw(field) == DELETE
    }

    /// All of a free text field: repetitions as lines, delimiters inside kept as characters.
    pub fn text(&self, field: usize) -> String {
        let lines: Vec<String> = self
            .repetitions(field)
            .iter()
            .map(|r| unescape(r.raw, &self.delimiters, self.charset))
            .collect();
        lines.join("\n")
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Repetition<'a> {
    /// From 1.
    pub number: usize,
    raw: &'a str,
    delimiters: Delimiters,
    charset: Charset,
}

impl<'a> Repetition<'a> {
    /// The first subcomponent of a component, counted from 1.
    pub fn value(&self, component: usize) -> Option<String> {
        self.sub(component, 1)
    }

    pub fn sub(&self, component: usize, subcomponent: usize) -> Option<String> {
        let mut part = self.component(component).split(self.delimiters.subcomponent);
        let raw = part.nth(subcomponent.wrapping_sub(1))?;
        if raw.is_empty() || raw == DELETE {
            return None;
        }
        let text = unescape(raw, &self.delimiters, self.charset);
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn component(&self, component: usize) -> &'a str {
        let mut parts = self.raw.split(self.delimiters.component);
        parts.nth(component.wrapping_sub(1)).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Lines {
        Lines::of(text, &Delimiters::USUAL)
    }

    #[test]
    fn fields_count_as_the_standard_counts() {
        let lines = read("MSH|^~\\&|APP|FAC\rPID|1||A^^^B&C~D");
        let segments = lines.segments(Delimiters::USUAL, Charset::Utf8);
        assert_eq!(segments[0].value(3, 1).as_deref(), Some("APP"));
        assert_eq!((segments[0].raw(2), segments[0].raw(99)), ("^~\\&", ""));
        let ids = segments[1].repetitions(3);
        assert_eq!(ids[0].sub(4, 2).as_deref(), Some("C"));
        assert_eq!(ids[1].value(1).as_deref(), Some("D"));
        assert_eq!(ids[1].value(usize::MAX), None);
    }

    #[test]
    fn all_line_ends_are_read_and_breaks_inside_a_value_are_kept() {
        for end in ["\r", "\n", "\r\n", "\r\r\n"] {
            let lines = read(
                &[
                    "MSH|^~\\&|A",
                    "OBX|1|TX|||line one",
                    "line | two",
                    "",
                    "ZZ1",
                    "NTE|1",
                ]
                .join(end),
            );
            let segments = lines.segments(Delimiters::USUAL, Charset::Utf8);
            let names: Vec<&str> = segments.iter().map(|s| s.name).collect();
            assert_eq!(names, ["MSH", "OBX", "ZZ1", "NTE"]);
            assert_eq!(segments[1].text(5), "line one\nline ");
            assert_eq!(lines.continued, 1);
        }
    }

    #[test]
    fn a_line_behind_msh_that_is_no_segment_does_not_become_part_of_its_version() {
        let lines = read("MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5\nPIDX|1||2\nPV1|1|I");
        let segments = lines.segments(Delimiters::USUAL, Charset::Ascii);
        assert_eq!(segments[0].value(12, 1).as_deref(), Some("2.5"));
        assert_eq!(
            segments.iter().map(|s| s.name).collect::<Vec<_>>(),
            ["MSH", "PV1"]
        );
    }

    #[test]
    fn empty_and_delete_are_not_values() {
        let lines = read("PID|1||\"\"|  |^^x|\"\"^y");
        let pid = &lines.segments(Delimiters::USUAL, Charset::Utf8)[0];
        assert_eq!(
            (pid.value(3, 1), pid.value(4, 1), pid.value(5, 1)),
            (None, None, None)
        );
        assert_eq!(pid.value(6, 2).as_deref(), Some("y"));
    }
}
