//! Whether an order and a study belong together: by Study Instance UID, else by accession number at one site, and only if
//! the patients agree after merges. What does not agree is a conflict for a person, never a guess.

/// An order that could belong to the study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// It carries this Study Instance UID; otherwise it was found by its accession number.
    pub names_study_uid: bool,
    /// The surviving patient record; `None` when the order named no patient.
    pub patient: Option<String>,
    pub cancelled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The candidate at this place is the order.
    Linked {
        candidate: usize,
        by: LinkedBy,
    },
    Unmatched(Unmatched),
    Conflict(Conflict),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkedBy {
    StudyUid,
    Accession,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmatched {
    NoOrder,
    OnlyCancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    PatientDiffers,
    ImagesNameNoPatient,
    OrderNamesNoPatient,
    SeveralOrders,
}

impl LinkedBy {
    pub fn text(self) -> &'static str {
        match self {
            Self::StudyUid => "by Study Instance UID",
            Self::Accession => "by accession number",
        }
    }
}

impl Unmatched {
    pub fn text(self) -> &'static str {
        match self {
            Self::NoOrder => "no order with this Study Instance UID or accession number has arrived",
            Self::OnlyCancelled => "the only order with this accession number is cancelled",
        }
    }
}

impl Conflict {
    pub fn text(self) -> &'static str {
        match self {
            Self::PatientDiffers => "the order and the images name different patients",
            Self::ImagesNameNoPatient => "the images name no patient",
            Self::OrderNamesNoPatient => "the order names no patient",
            Self::SeveralOrders => "several orders share this accession number",
        }
    }
}

/// Decides from the patient of the images (after merges) and the orders that were found.
pub fn decide(imaged: Option<&str>, candidates: &[Candidate]) -> Link {
    if candidates.is_empty() {
        return Link::Unmatched(Unmatched::NoOrder);
    }
    let standing: Vec<usize> = (0..candidates.len())
        .filter(|&i| !candidates[i].cancelled)
        .collect();
    let Some(imaged) = imaged else {
        return Link::Conflict(Conflict::ImagesNameNoPatient);
    };
    match standing.as_slice() {
        [] => Link::Unmatched(Unmatched::OnlyCancelled),
        [one] => agree(imaged, *one, &candidates[*one]),
        [_, _, ..] => Link::Conflict(Conflict::SeveralOrders),
    }
}

fn agree(imaged: &str, place: usize, order: &Candidate) -> Link {
    match order.patient.as_deref() {
        None => Link::Conflict(Conflict::OrderNamesNoPatient),
        Some(patient) if patient != imaged => Link::Conflict(Conflict::PatientDiffers),
        Some(_) if order.names_study_uid => Link::Linked {
            candidate: place,
            by: LinkedBy::StudyUid,
        },
        Some(_) => Link::Linked {
            candidate: place,
            by: LinkedBy::Accession,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(names_study_uid: bool, patient: Option<&str>, cancelled: bool) -> Candidate {
        Candidate {
            names_study_uid,
            patient: patient.map(str::to_owned),
            cancelled,
        }
    }

    #[test]
    fn patients_must_agree_before_anything_is_linked() {
        let table = [
            (
                Some("A"),
                vec![order(true, Some("A"), false)],
                Link::Linked {
                    candidate: 0,
                    by: LinkedBy::StudyUid,
                },
            ),
            (
                Some("A"),
                vec![order(false, Some("A"), false)],
                Link::Linked {
                    candidate: 0,
                    by: LinkedBy::Accession,
                },
            ),
            (
                Some("A"),
                vec![order(true, Some("B"), false)],
                Link::Conflict(Conflict::PatientDiffers),
            ),
            (
                Some("A"),
                vec![order(true, None, false)],
                Link::Conflict(Conflict::OrderNamesNoPatient),
            ),
            (
                None,
                vec![order(true, Some("A"), false)],
                Link::Conflict(Conflict::ImagesNameNoPatient),
            ),
            (Some("A"), vec![], Link::Unmatched(Unmatched::NoOrder)),
            (
                Some("A"),
                vec![order(true, Some("A"), true)],
                Link::Unmatched(Unmatched::OnlyCancelled),
            ),
            (
                Some("A"),
                vec![order(false, Some("A"), true), order(false, Some("A"), false)],
                Link::Linked {
                    candidate: 1,
                    by: LinkedBy::Accession,
                },
            ),
            (
                Some("A"),
                vec![order(false, Some("A"), false), order(false, Some("A"), false)],
                Link::Conflict(Conflict::SeveralOrders),
            ),
        ];
        for (imaged, candidates, expected) in table {
            assert_eq!(decide(imaged, &candidates), expected, "{candidates:?}");
        }
    }
}
