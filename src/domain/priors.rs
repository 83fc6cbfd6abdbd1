//! Which studies of an archive are fetched to compare a study with. Archives pass over keys that they do not know and
//! answer more than they were asked: every answer is judged here, and what is left out is left out for a reason.

use crate::ids::Uid;
use crate::phi::{Demographics, PatientIdentifier};
use crate::same_person::{Contradiction, Person, contradiction};

/// A study as an archive describes it.
#[derive(Clone, Debug)]
pub struct Described {
    pub study_uid: Uid,
    pub patient: Option<PatientIdentifier>,
    pub demographics: Demographics,
    /// `YYYYMMDD`, and `HHMMSS` as far as it is said.
    pub date: Option<String>,
    pub time: Option<String>,
    /// Of all its series; empty where the archive does not say.
    pub modalities: Vec<String>,
    pub series: Vec<DescribedSeries>,
}

/// A series as an archive describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedSeries {
    pub series_uid: Uid,
    /// Empty where the archive does not say, as the others.
    pub modality: String,
    pub body_part: String,
    pub instances: Option<u32>,
}

/// What is to be compared.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub study_uid: Uid,
    pub patient: PatientIdentifier,
    pub demographics: Demographics,
    pub date: String,
    pub time: Option<String>,
    pub modality: String,
    pub body_part: String,
}

/// What is fetched at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub studies: usize,
    pub years: i32,
    /// Of all studies together.
    pub instances: u32,
}

/// A study to fetch, and the series of it that are worth it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub study_uid: Uid,
    pub series: Vec<Uid>,
}

/// Why a study is not fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    Itself,
    OtherPatient,
    Contradicts(Contradiction),
    WithoutDate,
    NotEarlier,
    TooOld,
    OtherModality,
    OtherBodyPart,
    TooLarge,
    /// Newer ones fill the number.
    Enough,
}

impl LeftOut {
    pub fn text(self) -> &'static str {
        match self {
            Self::Itself => "the study itself",
            Self::OtherPatient => "of another patient",
            Self::Contradicts(what) => what.text(),
            Self::WithoutDate => "without a date",
            Self::NotEarlier => "not earlier",
            Self::TooOld => "too old",
            Self::OtherModality => "of another modality",
            Self::OtherBodyPart => "of another part of the body",
            Self::TooLarge => "with too many images",
            Self::Enough => "older than those fetched",
        }
    }
}

/// What is fetched, the newest first, and why the rest is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    pub fetch: Vec<Chosen>,
    pub left_out: Vec<LeftOut>,
}

/// Whether a study may be the patient's earlier one, by what is known without its series.
pub fn may_be_prior(found: &Described, wanted: &Wanted, bounds: &Bounds) -> Result<(), LeftOut> {
    if found.study_uid == wanted.study_uid {
        return Err(LeftOut::Itself);
    }
    if !found
        .patient
        .as_ref()
        .is_some_and(|p| same_number(p, &wanted.patient))
    {
        return Err(LeftOut::OtherPatient);
    }
    if let Some(what) = contradiction(person(&found.demographics), person(&wanted.demographics)) {
        return Err(LeftOut::Contradicts(what));
    }
    let date = found.date.as_deref().map(str::trim).unwrap_or_default();
    let year = year(date).ok_or(LeftOut::WithoutDate)?;
    if !is_earlier(date, found.time.as_deref(), wanted) {
        return Err(LeftOut::NotEarlier);
    }
    let oldest = wanted.date.get(4..).zip(self::year(&wanted.date));
    let too_old = oldest.is_some_and(|(day, now)| {
        (year, date.get(4..).unwrap_or_default()) < (now.saturating_sub(bounds.years), day)
    });
    if too_old {
        return Err(LeftOut::TooOld);
    }
    let said = !found.modalities.is_empty();
    if said
        && !found
            .modalities
            .iter()
            .any(|m| same_modality(m, &wanted.modality))
    {
        return Err(LeftOut::OtherModality);
    }
    Ok(())
}

/// Chooses among studies whose series are known.
pub fn choose(found: &[Described], wanted: &Wanted, bounds: &Bounds) -> Choice {
    let mut sorted: Vec<&Described> = found.iter().collect();
    sorted.sort_by(|a, b| (&b.date, &b.time).cmp(&(&a.date, &a.time)));
    let mut choice = Choice::default();
    let mut room = bounds.instances;
    for study in sorted {
        match suitable(study, wanted, bounds) {
            Err(reason) => choice.left_out.push(reason),
            Ok(_) if choice.fetch.len() >= bounds.studies => choice.left_out.push(LeftOut::Enough),
            Ok((_, images)) if images > room => choice.left_out.push(LeftOut::TooLarge),
            Ok((chosen, images)) => {
                room -= images;
                choice.fetch.push(chosen);
            }
        }
    }
    choice
}

/// The series to fetch of a study, and how many images they have as far as the archive says.
fn suitable(study: &Described, wanted: &Wanted, bounds: &Bounds) -> Result<(Chosen, u32), LeftOut> {
    may_be_prior(study, wanted, bounds)?;
    let of_modality: Vec<&DescribedSeries> = study
        .series
        .iter()
        .filter(|s| s.modality.is_empty() || same_modality(&s.modality, &wanted.modality))
        .collect();
    if of_modality.is_empty() {
        return Err(LeftOut::OtherModality);
    }
    let of_part: Vec<&DescribedSeries> = of_modality
        .into_iter()
        .filter(|s| may_be_same_part(&s.body_part, &wanted.body_part))
        .collect();
    if of_part.is_empty() {
        return Err(LeftOut::OtherBodyPart);
    }
    let images = of_part
        .iter()
        .fold(0_u32, |sum, s| sum.saturating_add(s.instances.unwrap_or(1)));
    let chosen = Chosen {
        study_uid: study.study_uid.clone(),
        series: of_part.into_iter().map(|s| s.series_uid.clone()).collect(),
    };
    Ok((chosen, images))
}

/// The same number, of the same authority as far as both say whose it is.
pub fn same_number(one: &PatientIdentifier, other: &PatientIdentifier) -> bool {
    let (a, b) = (one.authority.trim(), other.authority.trim());
    one.value.trim() == other.value.trim()
        && !one.value.trim().is_empty()
        && (a.is_empty() || b.is_empty() || a == b)
}

/// Computed and digital radiography show the same; all others only themselves.
pub fn same_modality(one: &str, other: &str) -> bool {
    let kind = |text: &str| match text.trim().to_ascii_uppercase().as_str() {
        "CR" | "DX" | "DR" | "RG" => "DX".to_owned(),
        other => other.to_owned(),
    };
    kind(one) == kind(other)
}

/// Names of Body Part Examined (PS3.16 annex L) that mean one region; what is not said may be any.
pub fn may_be_same_part(one: &str, other: &str) -> bool {
    let region = |text: &str| match text.trim().to_ascii_uppercase().as_str() {
        "THORAX" | "LUNG" => "CHEST".to_owned(),
        "BRAIN" | "SKULL" => "HEAD".to_owned(),
        other => other.to_owned(),
    };
    let (one, other) = (region(one), region(other));
    one.is_empty() || other.is_empty() || one == other
}

/// An identifier of which a peer would make a pattern, or several (PS3.4 C.2.2.2), cannot be asked for.
pub fn can_be_asked_for(identifier: &str) -> bool {
    let plain = identifier.trim();
    !plain.is_empty()
        && plain.chars().count() <= 64
        && !plain.contains(['*', '?', '\\'])
        && !plain.chars().any(char::is_control)
}

fn person(said: &Demographics) -> Person<'_> {
    Person {
        name: said.name.as_ref().map(|n| n.expose().as_str()),
        birth_date: said.birth_date.as_ref().map(|d| d.expose().as_str()),
        sex: said.sex.as_ref().map(|s| s.expose().as_str()),
    }
}

fn year(date: &str) -> Option<i32> {
    let is_date = date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit());
    is_date.then(|| date[..4].parse().ok()).flatten()
}

/// By the day; on one day by the time, where both say it.
fn is_earlier(date: &str, time: Option<&str>, wanted: &Wanted) -> bool {
    let now = wanted.date.trim();
    if date != now {
        return date < now;
    }
    let digits = |t: &str| {
        t.trim()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    };
    match time.zip(wanted.time.as_deref()) {
        Some((then, now)) => digits(then) < digits(now),
        None => false,
    }
}

#[cfg(test)]
mod tests;
