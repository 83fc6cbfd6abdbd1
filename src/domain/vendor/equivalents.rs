//! Codes of different systems that say one thing, accepted from every sender. SRT codes are those that PS3.16 maps to SCT;
//! RadLex and RadElement ones are those of the registries' own tables. A table and its look-up, nothing else.

use super::meaning::Meaning::{self, *};
use crate::code::{self, Code};

/// Names of coding systems, in lower case, and the designator that we use.
const SYSTEMS: [(&str, &str); 21] = [
    ("sct", "SCT"),
    ("snomed", "SCT"),
    ("snomed-ct", "SCT"),
    ("snomedct", "SCT"),
    ("http://snomed.info/sct", "SCT"),
    ("2.16.840.1.113883.6.96", "SCT"),
    ("srt", "SRT"),
    ("snm3", "SRT"),
    ("99sdm", "SRT"),
    ("radlex", "RADLEX"),
    ("http://www.radlex.org", "RADLEX"),
    ("http://radlex.org", "RADLEX"),
    ("2.16.840.1.113883.6.256", "RADLEX"),
    ("radelement", "RADELEMENT"),
    ("99radelement", "RADELEMENT"),
    ("https://radelement.org", "RADELEMENT"),
    ("ln", "LN"),
    ("http://loinc.org", "LN"),
    ("dcm", "DCM"),
    ("ucum", "UCUM"),
    ("http://unitsofmeasure.org", "UCUM"),
];

/// SNOMED RT codes of older objects, and the same concept today (PS3.16 annex O).
const RETIRED: [(&str, &str); 28] = [
    ("D3-89100", "1386000"),
    ("D3-40230", "59282003"),
    ("D2-80300", "36118008"),
    ("D3-8900D", "230690007"),
    ("M-34000", "26036001"),
    ("M-03010", "27925004"),
    ("G-D705", "118565006"),
    ("M-02550", "81827009"),
    ("G-A185", "103339001"),
    ("G-A186", "103340004"),
    ("G-A166", "42798000"),
    ("G-A101", "7771000"),
    ("G-A100", "24028007"),
    ("G-A102", "51440002"),
    ("T-A0100", "12738006"),
    ("T-28000", "39607008"),
    ("T-29000", "3120008"),
    ("T-44000", "81040000"),
    ("T-A1600", "35764002"),
    ("G-A203", "52101004"),
    ("R-4089B", "272519000"),
    ("R-0038A", "373068000"),
    ("G-C0E3", "363698007"),
    ("G-C171", "272741003"),
    ("G-C036", "370129005"),
    ("R-40507", "255619001"),
    ("R-427CE", "276214006"),
    ("G-A1F8", "106233006"),
];

const MEANINGS: [(&str, &str, Meaning); 48] = [
    ("SCT", "1386000", IntracranialHemorrhage),
    ("SCT", "274100004", IntracranialHemorrhage),
    ("SCT", "35486000", IntracranialHemorrhage),
    ("SCT", "82999001", IntracranialHemorrhage),
    ("SCT", "21454007", IntracranialHemorrhage),
    ("RADLEX", "RID4706", IntracranialHemorrhage),
    ("RADLEX", "RID4708", IntracranialHemorrhage),
    ("RADLEX", "RID4710", IntracranialHemorrhage),
    ("RADELEMENT", "RDES194", IntracranialHemorrhage),
    ("SCT", "59282003", PulmonaryEmbolism),
    ("RADLEX", "RID4834", PulmonaryEmbolism),
    ("RADELEMENT", "RDES80", PulmonaryEmbolism),
    ("SCT", "36118008", Pneumothorax),
    ("SCT", "233645004", Pneumothorax),
    ("RADLEX", "RID5352", Pneumothorax),
    ("RADELEMENT", "RDES44", Pneumothorax),
    ("SCT", "27925004", PulmonaryNodule),
    ("SCT", "26036001", VesselOcclusion),
    ("SCT", "20059004", VesselOcclusion),
    ("SCT", "422504002", IschemicStroke),
    ("SCT", "432504007", IschemicStroke),
    ("RADLEX", "RID5172", IschemicStroke),
    ("SCT", "118565006", Volume),
    ("SCT", "103339001", LongAxis),
    ("SCT", "103340004", ShortAxis),
    ("SCT", "81827009", Diameter),
    ("SCT", "42798000", Area),
    ("RADELEMENT", "RDE165", MidlineShift),
    ("RADELEMENT", "RDE173", Aspects),
    ("DCM", "111012", Score),
    ("DCM", "122157", Score),
    ("SCT", "705057003", Presence),
    ("SCT", "52101004", Present),
    ("RADLEX", "RID28472", Present),
    ("DCM", "121053", Present),
    ("SCT", "272519000", Absent),
    ("SCT", "2667000", Absent),
    ("RADLEX", "RID28473", Absent),
    ("DCM", "121054", Absent),
    ("SCT", "373068000", Undetermined),
    ("SCT", "82334004", Undetermined),
    ("RADLEX", "RID39110", Undetermined),
    // Of a row that names the study, the SR, or text for people.
    ("DCM", "113014", Ignored),
    ("LN", "19005-8", Ignored),
    ("LN", "59776-5", Ignored),
    ("LN", "18748-4", Ignored),
    // What kind of thing a finding is adds nothing to the finding.
    ("SCT", "276214006", Ignored),
    ("DCM", "121106", Ignored),
];

/// Findings that say where the blood is.
static PLACES: [(&str, &str, Code); 6] = [
    ("SCT", "35486000", code::EXTRA_AXIAL),
    ("SCT", "82999001", code::EXTRA_AXIAL),
    ("SCT", "21454007", code::EXTRA_AXIAL),
    ("RADLEX", "RID4706", code::EXTRA_AXIAL),
    ("RADLEX", "RID4708", code::EXTRA_AXIAL),
    ("RADLEX", "RID4710", code::EXTRA_AXIAL),
];

/// The same concept under the designator that we use for its system, and its code of today.
pub fn usual(code: &Code) -> Code {
    let named = code.system.trim().trim_end_matches('/').to_lowercase();
    let system = SYSTEMS.iter().find(|(name, _)| *name == named);
    let Some((_, system)) = system else {
        return code.clone();
    };
    let current = RETIRED.iter().find(|(old, _)| *old == code.code);
    match (*system, current) {
        ("SRT", Some((_, current))) => Code {
            system: "SCT".into(),
            code: (*current).into(),
            display: code.display.clone(),
        },
        (system, _) => Code {
            system: system.into(),
            ..code.clone()
        },
    }
}

/// What a code means to everybody; `None` where only its sender knows.
pub fn meaning(code: &Code) -> Option<Meaning> {
    let code = usual(code);
    // Answers of a RadElement set are named after their element: `RDE1652.present`.
    if code.system == "RADELEMENT"
        && let Some((_, answer)) = code.code.split_once('.')
    {
        return word(answer);
    }
    let found = MEANINGS
        .iter()
        .find(|(system, value, _)| *system == code.system && *value == code.code);
    found.map(|(.., meaning)| *meaning)
}

/// What a finding's own code says of its place.
pub fn place(finding: &Code) -> Option<Code> {
    let code = usual(finding);
    let found = PLACES
        .iter()
        .find(|(system, value, _)| *system == code.system && *value == code.code);
    found.map(|(.., place)| place.clone())
}

/// An answer in words.
pub fn word(text: &str) -> Option<Meaning> {
    match text.trim().to_ascii_uppercase().as_str() {
        "PRESENT" | "POSITIVE" | "POS" | "DETECTED" | "DET" | "YES" | "Y" | "TRUE" | "1" => Some(Present),
        "ABSENT" | "NEGATIVE" | "NEG" | "NOT DETECTED" | "ND" | "NO" | "N" | "FALSE" | "0" => Some(Absent),
        "UNDETERMINED" | "INDETERMINATE" | "IND" | "UNKNOWN" | "EQUIVOCAL" => Some(Undetermined),
        _ => None,
    }
}

/// What an abnormal flag (table 0078) says of presence.
pub fn flag(text: &str) -> Option<Meaning> {
    match text {
        "A" | "AA" | "POS" | "DET" => Some(Present),
        "N" | "NEG" | "ND" => Some(Absent),
        "IND" => Some(Undetermined),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(system: &str, value: &str) -> Code {
        Code {
            system: system.to_owned().into(),
            code: value.to_owned().into(),
            display: "".into(),
        }
    }

    #[test]
    fn one_concept_is_known_by_each_of_its_codes() {
        for (system, value, meant) in [
            ("SCT", "1386000", Some(IntracranialHemorrhage)),
            ("http://snomed.info/sct", "1386000", Some(IntracranialHemorrhage)),
            ("SRT", "D3-89100", Some(IntracranialHemorrhage)),
            ("SNM3", "D3-40230", Some(PulmonaryEmbolism)),
            ("http://radlex.org/", "RID5352", Some(Pneumothorax)),
            ("99RADELEMENT", "RDE165", Some(MidlineShift)),
            ("RADELEMENT", "RDE1652.present", Some(Present)),
            ("SCT", "2667000", Some(Absent)),
            ("DCM", "121054", Some(Absent)),
            ("RadLex", "RID39110", Some(Undetermined)),
            // "Hemorrhage" alone does not say where.
            ("RADLEX", "RID4700", None),
            ("99ACME", "1386000", None),
            ("SCT", "22298006", None),
        ] {
            assert_eq!(meaning(&said(system, value)), meant, "{system} {value}");
        }
    }

    #[test]
    fn the_kind_of_a_hemorrhage_says_where_it_is() {
        assert_eq!(place(&said("SCT", "35486000")), Some(code::EXTRA_AXIAL));
        assert_eq!(place(&said("SCT", "1386000")), None);
    }
}
