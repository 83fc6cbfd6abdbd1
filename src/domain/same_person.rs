//! Whether two studies under one identifier are of one person. Identifiers are given twice, typed wrongly and reused; names
//! change and are written in many ways. What contradicts is said, and nothing is compared on its ground.

use std::collections::BTreeSet;

/// What images say of whom they show; values of DICOM, as they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Person<'a> {
    /// Person Name (PS3.5 6.2.1): components parted by carets, groups by equals signs.
    pub name: Option<&'a str>,
    /// `YYYYMMDD`.
    pub birth_date: Option<&'a str>,
    pub sex: Option<&'a str>,
}

/// Why two are hardly one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contradiction {
    BirthDate,
    /// No part of the names is alike, and no birth date says that they are one.
    Name,
    /// One is male, the other female, and no birth date says that they are one.
    Sex,
}

impl Contradiction {
    pub fn text(self) -> &'static str {
        match self {
            Self::BirthDate => "another birth date",
            Self::Name => "another name",
            Self::Sex => "another sex",
        }
    }
}

/// What contradicts; what one of them leaves open does not.
pub fn contradiction(one: Person<'_>, other: Person<'_>) -> Option<Contradiction> {
    let both = |a: Option<&str>, b: Option<&str>| {
        let said = |text: Option<&str>| text.map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        said(a).zip(said(b))
    };
    match both(one.birth_date, other.birth_date) {
        Some((a, b)) if a != b => return Some(Contradiction::BirthDate),
        // Names change with marriages, sexes with corrections; the day of birth stays.
        Some(_) => return None,
        None => {}
    }
    if let Some((a, b)) = both(one.name, other.name)
        && parts(&a).is_disjoint(&parts(&b))
    {
        return Some(Contradiction::Name);
    }
    match both(one.sex, other.sex) {
        Some((a, b)) if (a == "M" && b == "F") || (a == "F" && b == "M") => Some(Contradiction::Sex),
        Some(_) | None => None,
    }
}

/// Words of the name in all its writings.
fn parts(name: &str) -> BTreeSet<String> {
    name.split(['^', '=', ' ', '-', ','])
        .filter(|part| !part.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_not_always_one_person() {
        let person = |name, birth_date, sex| Person {
            name: Some(name),
            birth_date: Some(birth_date),
            sex: Some(sex),
        };
        let anna = person("Meier^Anna", "19610304", "F");
        let table = [
            (anna, None),
            (person("MEIER^ANNA^^^", "19610304", "F"), None),
            (person("Schulz^Anna", "19610304", "F"), None),
            (person("Kowalski^Jan", "19610304", "F"), None),
            (
                person("Meier^Anna", "19610305", "F"),
                Some(Contradiction::BirthDate),
            ),
            (person("Kowalski^Jan", "", "M"), Some(Contradiction::Name)),
            (person("Meier^Anna", "", "M"), Some(Contradiction::Sex)),
            (person("Meier^Anna", "", "O"), None),
            (Person::default(), None),
        ];
        for (other, expected) in table {
            assert_eq!(contradiction(anna, other), expected, "{other:?}");
            assert_eq!(contradiction(other, anna), expected, "{other:?}");
        }
    }
}
