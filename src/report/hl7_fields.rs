//! What the standard calls the fields of a segment (HL7 v2.3.1 to 2.8.2; the newest name where they differ), for people who
//! read messages.

/// A line per segment: its name, then the names of its fields from the first on.
const TABLE: &str = include_str!("hl7_fields.txt");

/// The name of a field, counted from 1; `None` for a site's own segments and what no version has.
pub fn name(segment: &str, field: usize) -> Option<&'static str> {
    let line = TABLE
        .lines()
        .find(|line| line.split(' ').next() == Some(segment))?;
    let mut names = line.get(segment.len() + 1..)?.split('|');
    names.nth(field.checked_sub(1)?).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_the_standard_counts_them() {
        assert_eq!(name("MSH", 10), Some("Message control ID"));
        assert_eq!(name("PID", 3), Some("Patient identifier list"));
        assert_eq!(name("OBR", 18), Some("Placer field 1"));
        assert_eq!(name("IPC", 3), Some("Study Instance UID"));
        assert_eq!(name("TQ1", 9), Some("Priority"));
    }

    #[test]
    fn what_the_standard_does_not_have_has_no_name() {
        for (segment, field) in [("ZDS", 1), ("PID", 0), ("PID", 900), ("", 1), ("P", 1)] {
            assert_eq!(name(segment, field), None, "{segment}-{field}");
        }
    }
}
