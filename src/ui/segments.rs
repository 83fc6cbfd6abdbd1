//! A message for reading: its segments, and the fields of each that hold something, by their numbers and the standard's names.
//! Values are shown as they were sent; nothing is decoded and nothing is left out.

use serde::Serialize;

use crate::report::hl7_fields;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Segment {
    pub name: String,
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// `PID-5`
    pub place: String,
    /// As the standard calls it.
    pub name: Option<&'static str>,
    pub value: String,
}

/// The segments of a message whose lines end in a line feed.
pub fn of(text: &str) -> Vec<Segment> {
    let separator = text.chars().nth(3).unwrap_or('|');
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| segment(line, separator))
        .collect()
}

fn segment(line: &str, separator: char) -> Segment {
    let mut parts = line.split(separator);
    let name = parts.next().unwrap_or_default().to_owned();
    // The separator itself is the first field of MSH.
    let first = if name == "MSH" { 2 } else { 1 };
    let fields = parts
        .enumerate()
        .filter(|(_, value)| !value.is_empty())
        .map(|(at, value)| Field {
            place: format!("{name}-{}", at + first),
            name: hl7_fields::name(&name, at + first),
            value: value.to_owned(),
        })
        .collect();
    Segment { name, fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_the_numbers_that_the_standard_gives_them() {
        let read = of("MSH|^~\\&|RIS|||\nPID|1||A1^^^H||Doe^Jane\n\n");
        let places: Vec<(String, String)> = read
            .into_iter()
            .flat_map(|segment| segment.fields)
            .map(|field| (field.place, field.value))
            .collect();
        let expected = [
            ("MSH-2", "^~\\&"),
            ("MSH-3", "RIS"),
            ("PID-1", "1"),
            ("PID-3", "A1^^^H"),
            ("PID-5", "Doe^Jane"),
        ];
        assert_eq!(
            places,
            expected.map(|(place, value)| (place.to_owned(), value.to_owned()))
        );
        assert!(of("").is_empty());
        let pid = &of("PID|1||A1")[0];
        assert_eq!(pid.fields[1].name, Some("Patient identifier list"));
        assert_eq!(of("ZZZ|1")[0].fields[0].name, None);
    }
}
