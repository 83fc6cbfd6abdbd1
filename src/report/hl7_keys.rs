//! By what an HL7 message is looked for: the numbers that it names, the words of the patient's name, its control id. What a
//! message means does not matter here, so that one that nobody could read is found too.

use std::collections::BTreeSet;

use crate::hl7_charset::{Charset, readable};
use crate::hl7_text::Delimiters;
use crate::hl7_tree::{Lines, Segment};

/// Keys of one message; a batch of reports may name thousands of numbers.
const MAX_KEYS: usize = 64;
/// Longest key, characters: as long as a UID.
const MAX_KEY: usize = 64;

/// Fields whose repetitions each begin with a number (HL7 v2.8.2 chapters 2 to 4 and 10; ZDS: IHE Radiology).
const NUMBERS: [(&str, &[usize]); 11] = [
    ("MSH", &[10]),
    ("MSA", &[2]),
    ("PID", &[2, 3, 4, 18]),
    ("MRG", &[1, 4]),
    ("PV1", &[19]),
    ("ORC", &[2, 3, 4]),
    ("OBR", &[2, 3, 18, 19, 20]),
    ("IPC", &[1, 2, 3]),
    ("ZDS", &[1]),
    ("SCH", &[1, 2, 26, 27]),
    ("TXA", &[12]),
];

/// How a key is compared: without spaces around it, without regard to case. `None` where it cannot be one.
pub fn key(text: &str) -> Option<String> {
    let text = text.trim();
    let usable = !text.is_empty() && text.chars().count() <= MAX_KEY;
    usable.then(|| text.to_uppercase())
}

/// The keys of a message as it was sent or received.
pub fn of(raw: &[u8]) -> BTreeSet<String> {
    let text = readable(raw);
    let delimiters = text.get(3..).and_then(|text| Delimiters::read(text.as_bytes()));
    let delimiters = delimiters.unwrap_or(Delimiters::USUAL);
    let lines = Lines::of(&text, &delimiters);
    let mut keys = BTreeSet::new();
    for segment in lines.segments(delimiters, Charset::Utf8) {
        for text in said(&segment) {
            if keys.len() < MAX_KEYS {
                keys.extend(key(&text));
            }
        }
    }
    keys
}

fn said(segment: &Segment<'_>) -> Vec<String> {
    let mut said = numbers(segment);
    match segment.name {
        "PID" => said.extend(name_words(segment)),
        "OBX" => said.extend(segment.value(5, 1).filter(|text| is_uid(text))),
        name if name.starts_with('Z') => said.extend(site_numbers(segment)),
        _ => {}
    }
    said
}

fn numbers(segment: &Segment<'_>) -> Vec<String> {
    let fields = NUMBERS.iter().find(|(name, _)| *name == segment.name);
    let fields = fields.map_or(&[] as &[usize], |(_, fields)| fields);
    fields
        .iter()
        .flat_map(|field| segment.repetitions(*field))
        .filter_map(|repetition| repetition.value(1))
        .collect()
}

/// PID-5: family and given name of each repetition, word by word.
fn name_words(pid: &Segment<'_>) -> Vec<String> {
    let names = pid.repetitions(5);
    let parts = names.iter().flat_map(|name| [name.value(1), name.value(2)]);
    parts
        .flatten()
        .flat_map(|part| part.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// A site's own segments may hold the accession number: whatever has a digit and no space.
fn site_numbers(segment: &Segment<'_>) -> Vec<String> {
    let values = (1..=MAX_KEYS).filter_map(|field| segment.value(field, 1));
    values
        .filter(|text| text.len() > 2 && text.contains(|c: char| c.is_ascii_digit()) && !text.contains(' '))
        .collect()
}

fn is_uid(text: &str) -> bool {
    text.len() > 9 && text.contains('.') && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_of(message: &str) -> Vec<String> {
        of(message.as_bytes()).into_iter().collect()
    }

    #[test]
    fn an_order_is_found_by_each_of_its_numbers_and_by_its_patient() {
        let order = "MSH|^~\\&|RIS|H|||2026||ORM^O01|C17|P|2.3.1\r\
            PID|1||m12^^^H^MR~9^^^X^PI||van der Berg^Anna|||||||||||||V1\r\
            ORC|NW|P1^EHR|F1^RIS\rOBR|1|P1^EHR|F1^RIS|CT|||||||||||||||A100|RP1\rZDS|1.2.840.99^H^Application^DICOM\r";
        let expected = [
            "1.2.840.99",
            "9",
            "A100",
            "ANNA",
            "BERG",
            "C17",
            "DER",
            "F1",
            "M12",
            "P1",
            "RP1",
            "V1",
            "VAN",
        ];
        assert_eq!(keys_of(order), expected);
    }

    #[test]
    fn sites_own_segments_and_uids_among_results_count() {
        let result = "MSH#*~\\&#AI#H###2026##ORU*R01#7#P#2.5.1\rZAC#ACC-9*x#no number here#ab\r\
            OBX#1#ST#113014*DICOM Study*DCM##1.2.3.4.5.6\rOBX#2#NM#1**##4.2\r";
        assert_eq!(keys_of(result), ["1.2.3.4.5.6", "7", "ACC-9"]);
    }

    #[test]
    fn what_is_no_message_has_no_keys_and_a_flood_has_a_bound() {
        assert_eq!(keys_of("nothing"), [""; 0]);
        assert_eq!(keys_of("MSH"), [""; 0]);
        let many: String = (0..500).map(|n| format!("ORC|NW|P{n}\r")).collect();
        let flood = format!(
            "MSH|^~\\&|A|B|||2026||ORM^O01|C1|P|2.3\r{many}PID|1||{}\r",
            "9".repeat(65)
        );
        assert_eq!(keys_of(&flood).len(), MAX_KEYS);
        assert_eq!(
            (key("  ab "), key(" "), key(&"x".repeat(65))),
            (Some("AB".into()), None, None)
        );
    }
}
