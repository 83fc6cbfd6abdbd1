//! Whether a word of a product counts now: for the right patient, on a study whose images are here, and not overtaken by a
//! newer one.

use super::Word;
use crate::clock::Timestamp;

/// What is known when a document is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The study has images; without them nobody reads it yet.
    pub has_images: bool,
    /// The patients of the document and of the images, after merges.
    pub told_of: Option<&'a str>,
    pub imaged: Option<&'a str>,
    /// When the product last said something of the study, a withdrawal included.
    pub last_word: Option<Timestamp>,
    /// A result of the product stands.
    pub stands: bool,
    /// What stands says the same: a message and the report that it refers to are one result.
    pub same_report: bool,
    /// It is the report itself, which says more than the message about it.
    pub is_report: bool,
    /// Of the configured mode.
    pub is_shadow: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Becomes the product's result on the study.
    Take,
    /// Takes back what stands.
    Withdraw,
    /// Becomes visible as not analysed.
    Tell,
    /// Waits for the images.
    Wait,
    Leave(Left),
}

/// Why a document changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    PatientDiffers,
    Late,
    NothingToWithdraw,
    SameReport,
    Shadow,
}

impl Left {
    pub fn text(self) -> &'static str {
        match self {
            Self::PatientDiffers => "the result and the images name different patients",
            Self::Late => "a newer result of this product is here already",
            Self::NothingToWithdraw => "it withdraws a result that never came",
            Self::SameReport => "the report that it refers to has been read",
            Self::Shadow => "the product runs in shadow",
        }
    }
}

pub fn next(word: &Word, at: Timestamp, known: &Known<'_>) -> Step {
    if !known.has_images {
        return Step::Wait;
    }
    // A report lies in its study and may name nobody; who is named must be the one in the images.
    if known.told_of.is_some() && known.told_of != known.imaged {
        return Step::Leave(Left::PatientDiffers);
    }
    if known.is_shadow {
        return Step::Leave(Left::Shadow);
    }
    let late = known.last_word.is_some_and(|last| at < last);
    match word {
        Word::Result if known.same_report && known.is_report => Step::Take,
        Word::Result if known.same_report => Step::Leave(Left::SameReport),
        _ if late => Step::Leave(Left::Late),
        Word::Result => Step::Take,
        Word::Withdrawn if known.stands => Step::Withdraw,
        Word::Withdrawn => Step::Leave(Left::NothingToWithdraw),
        Word::NotAnalysable(_) => Step::Tell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    #[test]
    fn a_word_counts_for_its_own_patient_once_there_are_images_and_until_a_newer_one() {
        let plain = Known {
            has_images: true,
            told_of: Some("A"),
            imaged: Some("A"),
            last_word: None,
            stands: false,
            same_report: false,
            is_report: false,
            is_shadow: false,
        };
        let stands = Known {
            last_word: Some(from_micros(5)),
            stands: true,
            ..plain
        };
        let newer = Known {
            last_word: Some(from_micros(9)),
            ..stands
        };
        let same = Known {
            same_report: true,
            ..newer
        };
        let itself = Known {
            is_report: true,
            ..same
        };
        let not = Word::NotAnalysable("motion".into());
        for (word, known, expected) in [
            (&Word::Result, plain, Step::Take),
            (
                &Word::Result,
                Known {
                    has_images: false,
                    ..plain
                },
                Step::Wait,
            ),
            (
                &Word::Result,
                Known {
                    told_of: Some("B"),
                    ..plain
                },
                Step::Leave(Left::PatientDiffers),
            ),
            (
                &Word::Result,
                Known {
                    imaged: None,
                    ..plain
                },
                Step::Leave(Left::PatientDiffers),
            ),
            (
                &Word::Result,
                Known {
                    told_of: None,
                    ..plain
                },
                Step::Take,
            ),
            (
                &Word::Result,
                Known {
                    is_shadow: true,
                    ..plain
                },
                Step::Leave(Left::Shadow),
            ),
            (&Word::Result, stands, Step::Take),
            (&Word::Withdrawn, stands, Step::Withdraw),
            (&Word::Withdrawn, plain, Step::Leave(Left::NothingToWithdraw)),
            (&not, plain, Step::Tell),
            (&Word::Result, newer, Step::Leave(Left::Late)),
            (&Word::Result, same, Step::Leave(Left::SameReport)),
            (&Word::Result, itself, Step::Take),
        ] {
            assert_eq!(next(word, from_micros(7), &known), expected, "{word:?} {known:?}");
        }
    }
}
