//! What may show a reader why a finding was made, beside its words and numbers: what the bits of the stored mask mean, the
//! slices that show each finding best, and whether a map of what the model looked at follows. The model's display policy decides
//! here, and nowhere else, what of it may leave the system.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::finding::{DisplayPolicy, Finding, Line, ResultRecord};
use crate::ids::Uid;

/// Classes that a stored mask holds at most: one for each bit of a voxel.
pub const MAX_SEGMENTS: usize = 8;
/// Slices that are chosen for one finding at most.
pub const MAX_KEY_SLICES: usize = 3;
/// Key images that one result sends at most (design value): enough for a reader to look at the images themselves.
pub const MAX_KEY_IMAGES: usize = 6;

/// Recorded with the result, so that what is drawn later agrees with what was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// Classes of the stored mask; the first is bit 0 of its voxels.
    #[serde(default)]
    pub segments: Vec<Segment>,
    /// Of each flagged finding at most `MAX_KEY_SLICES`, the best first.
    #[serde(default)]
    pub key_slices: Vec<KeySlice>,
    /// A map of what the model looked at is made after the result, over each key slice.
    #[serde(default)]
    pub map_follows: bool,
}

/// One class of a segmentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    pub class: String,
    /// Segmented Property Category and Type (PS3.3 C.8.20.2).
    pub category: Code,
    pub property: Code,
    /// Place among the findings of the one that is read from this class; none of anatomy that only helps to measure.
    pub finding: Option<usize>,
    /// A radiologist has rejected that finding: it is neither drawn nor sent any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rejected: bool,
}

/// A slice worth looking at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeySlice {
    /// Place among the findings.
    pub finding: usize,
    /// Place among the slices that were read.
    pub slice: usize,
    /// Of its instance, 0-based.
    #[serde(default)]
    pub frame: u32,
    /// What of the model showed it.
    pub output: String,
    pub class: String,
}

impl DisplayPolicy {
    /// Whether any picture may be shown because of a result.
    pub fn shows_pictures(self) -> bool {
        match self {
            Self::NotifyOnly => false,
            Self::PreviewPlain | Self::PreviewWithMarks => true,
        }
    }

    /// Whether a place in a picture may be pointed at.
    pub fn shows_marks(self) -> bool {
        match self {
            Self::NotifyOnly | Self::PreviewPlain => false,
            Self::PreviewWithMarks => true,
        }
    }
}

impl Explanation {
    /// The bits of the stored mask that mark findings. A mask that nobody described holds nothing else.
    pub fn marking_bits(&self) -> u8 {
        if self.segments.is_empty() {
            return u8::MAX;
        }
        let marks = self
            .segments
            .iter()
            .zip(0..)
            .filter(|(segment, _)| segment.finding.is_some() && !segment.rejected);
        marks.fold(0, |bits, (_, bit)| bits | 1 << bit)
    }
}

impl ResultRecord {
    /// The slices of which key images may be sent: of what is flagged, each slice once, then those on which its lengths were
    /// measured, as far as the policy lets pictures be shown.
    pub fn key_images(&self) -> Vec<KeyImageOf<'_>> {
        if !self.model.display_policy.shows_pictures() {
            return Vec::new();
        }
        let flagged = |place: usize| self.findings.get(place).is_some_and(|finding| finding.flagged);
        let mut chosen: Vec<KeyImageOf> = Vec::new();
        for key in self
            .explanation
            .key_slices
            .iter()
            .filter(|key| flagged(key.finding))
        {
            let instance = self.instance_uids.get(key.slice);
            let known = chosen.iter().any(|one| one.slice == key.slice);
            if let (Some(instance), false) = (instance, known) {
                chosen.push(KeyImageOf {
                    instance,
                    slice: key.slice,
                    frame: key.frame,
                });
            }
        }
        if chosen.is_empty() {
            chosen.extend(self.first_key_instance());
        }
        for (instance, slice) in self
            .findings
            .iter()
            .filter(|one| one.flagged)
            .flat_map(|one| self.measured_on(one))
        {
            if chosen.iter().all(|one| one.slice != slice) {
                chosen.push(KeyImageOf {
                    instance,
                    slice,
                    frame: 0,
                });
            }
        }
        chosen.truncate(MAX_KEY_IMAGES);
        chosen
    }

    /// Lengths that were measured on this slice, as far as the policy lets a place be pointed at.
    pub fn lines_on(&self, slice: usize) -> impl Iterator<Item = &Line> {
        let shown = self.model.display_policy.shows_marks();
        let all = self
            .findings
            .iter()
            .filter(move |_| shown)
            .flat_map(|finding| &finding.lines);
        all.filter(move |line| self.only_slice_of(&line.instance) == Some(slice))
    }

    /// Slices on which lengths were measured that the policy lets be drawn.
    pub fn measured_slices(&self) -> BTreeSet<usize> {
        let all = self.findings.iter().flat_map(|finding| self.measured_on(finding));
        all.map(|(_, slice)| slice).collect()
    }

    fn measured_on<'r>(&'r self, finding: &'r Finding) -> impl Iterator<Item = (&'r Uid, usize)> {
        let shown = self.model.display_policy.shows_marks();
        let lines = finding.lines.iter().filter(move |_| shown);
        lines.filter_map(|line| Some((&line.instance, self.only_slice_of(&line.instance)?)))
    }

    /// The slice of an instance that holds only one.
    fn only_slice_of(&self, instance: &Uid) -> Option<usize> {
        let mut places = self
            .instance_uids
            .iter()
            .enumerate()
            .filter(|(_, uid)| *uid == instance);
        let (slice, _) = places.next()?;
        places.next().is_none().then_some(slice)
    }

    /// Of a result that chose no slices: the instance of its first flagged finding, unless that holds several slices.
    fn first_key_instance(&self) -> Option<KeyImageOf<'_>> {
        let key = |finding: &Finding| finding.key_instance.clone().filter(|_| finding.flagged);
        let key = self.findings.iter().find_map(key)?;
        let slice = self.only_slice_of(&key)?;
        Some(KeyImageOf {
            instance: &self.instance_uids[slice],
            slice,
            frame: 0,
        })
    }

    /// Whether what was segmented may be sent as an object of its own: never of what is below its operating point.
    pub fn sends_segmentation(&self) -> bool {
        let flagged = |segment: &Segment| {
            let finding = segment.finding.and_then(|place| self.findings.get(place));
            finding.is_some_and(|finding| finding.flagged)
        };
        self.model.display_policy.shows_marks() && self.explanation.segments.iter().any(flagged)
    }
}

/// What a key image shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyImageOf<'r> {
    pub instance: &'r Uid,
    /// Place among the slices that were read.
    pub slice: usize,
    /// Of its instance, 0-based.
    pub frame: u32,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::code;
    use crate::finding::{ModelRef, Presence, ResultStatus};
    use crate::ids::{AnalysisId, ResultId, StudyId};

    fn finding(flagged: bool, key: Option<usize>) -> Finding {
        Finding {
            code: code::INTRACRANIAL_HEMORRHAGE,
            site: code::BRAIN,
            presence: Presence::Present,
            flagged,
            probability: None,
            operating_point: String::new(),
            measurements: Vec::new(),
            lesions: Vec::new(),
            key_instance: key.map(uid),
            evaluations: Vec::new(),
            lines: Vec::new(),
        }
    }

    fn uid(slice: usize) -> Uid {
        Uid::parse(&format!("1.2.{slice}")).unwrap()
    }

    fn segment(class: &str, finding: Option<usize>) -> Segment {
        Segment {
            class: class.into(),
            category: code::MORPHOLOGICALLY_ABNORMAL,
            property: code::INTRACRANIAL_HEMORRHAGE,
            finding,
            rejected: false,
        }
    }

    fn key(finding: usize, slice: usize) -> KeySlice {
        KeySlice {
            finding,
            slice,
            frame: 0,
            output: "mask".into(),
            class: "blood".into(),
        }
    }

    fn record(display_policy: DisplayPolicy, findings: Vec<Finding>) -> ResultRecord {
        ResultRecord {
            id: ResultId(Uuid::nil()),
            study: StudyId(Uuid::nil()),
            analysis: AnalysisId(Uuid::nil()),
            model: ModelRef {
                name: "ich".into(),
                version: "1".into(),
                sha256: String::new(),
                manufacturer: String::new(),
                display_policy,
                disclaimer: String::new(),
            },
            status: ResultStatus::Preliminary,
            produced_at: crate::clock::from_micros(0),
            findings,
            series_uid: uid(0),
            instance_uids: (0..9).map(uid).collect(),
            supersedes: None,
            limitations: Vec::new(),
            statements: Vec::new(),
            explanation: Explanation::default(),
            origin: Default::default(),
            assessments: Vec::new(),
            foreground: None,
            comparison: None,
        }
    }

    fn slices(record: &ResultRecord) -> Vec<usize> {
        record.key_images().iter().map(|one| one.slice).collect()
    }

    #[test]
    fn each_slice_is_sent_once_and_only_of_what_is_flagged() {
        let findings = vec![finding(true, None), finding(false, None), finding(true, None)];
        let mut shown = record(DisplayPolicy::PreviewPlain, findings);
        shown.explanation.key_slices = vec![key(0, 4), key(0, 7), key(1, 2), key(2, 4), key(2, 99)];
        assert_eq!(slices(&shown), [4, 7]);
    }

    #[test]
    fn a_result_that_chose_no_slices_shows_its_key_instance() {
        let mut shown = record(DisplayPolicy::PreviewWithMarks, vec![finding(true, Some(5))]);
        assert_eq!(slices(&shown), [5]);
        shown.instance_uids[6] = uid(5);
        assert!(slices(&shown).is_empty(), "which of two slices is not known");
    }

    #[test]
    fn the_policy_decides_what_leaves() {
        for (policy, pictures, marks) in [
            (DisplayPolicy::NotifyOnly, 0, false),
            (DisplayPolicy::PreviewPlain, 1, false),
            (DisplayPolicy::PreviewWithMarks, 1, true),
        ] {
            let mut shown = record(policy, vec![finding(true, Some(5))]);
            shown.explanation.segments = vec![segment("blood", Some(0))];
            assert_eq!(shown.key_images().len(), pictures, "{policy:?}");
            assert_eq!(shown.sends_segmentation(), marks, "{policy:?}");
        }
    }

    #[test]
    fn lengths_are_drawn_where_they_were_measured_unless_the_policy_forbids_marks() {
        let line = |slice: usize| Line {
            code: code::RV_LV_RATIO,
            instance: uid(slice),
            from_px: [1.0, 2.0],
            to_px: [3.0, 4.0],
            from_mm: None,
            to_mm: None,
        };
        for (policy, sent, drawn) in [
            (DisplayPolicy::NotifyOnly, vec![], vec![]),
            (DisplayPolicy::PreviewPlain, vec![4], vec![]),
            (DisplayPolicy::PreviewWithMarks, vec![4, 2, 6], vec![2, 6]),
        ] {
            let mut measured = finding(true, None);
            measured.lines = vec![line(2), line(6), line(99)];
            let mut shown = record(policy, vec![measured]);
            shown.explanation.key_slices = vec![key(0, 4)];
            assert_eq!(slices(&shown), sent, "{policy:?}");
            assert_eq!(Vec::from_iter(shown.measured_slices()), drawn, "{policy:?}");
            assert_eq!(
                shown.lines_on(6).count(),
                usize::from(!drawn.is_empty()),
                "{policy:?}"
            );
        }
    }

    #[test]
    fn nothing_below_its_operating_point_is_sent_as_a_segmentation() {
        let mut below = record(DisplayPolicy::PreviewWithMarks, vec![finding(false, Some(5))]);
        below.explanation.segments = vec![segment("blood", Some(0)), segment("ventricle", None)];
        assert!(!below.sends_segmentation());
    }

    #[test]
    fn anatomy_that_helps_to_measure_marks_nothing() {
        let explanation = Explanation {
            segments: vec![
                segment("clot", Some(0)),
                segment("ventricle", None),
                segment("old clot", Some(1)),
            ],
            ..Explanation::default()
        };
        assert_eq!(explanation.marking_bits(), 0b101);
        assert_eq!(Explanation::default().marking_bits(), u8::MAX);
    }
}
