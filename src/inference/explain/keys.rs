//! Which slices show a finding best: of a mask those with the largest area, of scores and boxes those with the highest, and no two
//! from one stretch of slices, which would show the same thing twice. Pure.

use tocsin_domain::explanation::{KeySlice, MAX_KEY_SLICES};
use tocsin_domain::finding::Finding;
use tocsin_domain::volume::marked;

use super::stored::places;
use crate::answers::{ClassAnswer, OutputAnswer, Verdict};
use crate::exam::Exam;
use crate::manifest::{FindingSpec, InputKind, Manifest};

/// What each slice is worth, and from where on it counts.
struct Worth {
    slices: Vec<f64>,
    least: f64,
}

/// The key slices of everything that is flagged; `frames` are those of the slices in their instances. A finding that names no key
/// instance yet is given the best.
pub fn choose(
    manifest: &Manifest,
    exam: &Exam,
    answers: &[OutputAnswer],
    frames: &[u32],
    findings: &mut [Finding],
) -> Vec<KeySlice> {
    let uids: Vec<_> = exam
        .geometries()
        .flat_map(|geometry| &geometry.instance_uids)
        .collect();
    let mut chosen = Vec::new();
    for (spec, place) in manifest.findings.iter().zip(places(manifest, findings)) {
        let Some(finding) = place
            .map(|place| &mut findings[place])
            .filter(|finding| finding.flagged)
        else {
            continue;
        };
        let answer = answers.iter().find(|answer| answer.name == spec.output);
        let class = answer.and_then(|answer| answer.classes.iter().find(|class| class.class == spec.class));
        let Some(worth) = class.map(|class| worth(manifest, spec, exam, class)) else {
            continue;
        };
        // What was measured on a slice is looked at there first, unless its instance holds several.
        let key = finding.key_instance.as_ref();
        let mut named = (0..uids.len()).filter(|k| Some(uids[*k]) == key);
        let named = match (named.next(), named.next()) {
            (Some(only), None) => Some(only),
            (None | Some(_), _) => None,
        };
        let slices = peaks(&worth, named, exam.kind);
        if finding.key_instance.is_none() {
            finding.key_instance = slices.first().map(|slice| uids[*slice].clone());
        }
        chosen.extend(slices.into_iter().map(|slice| KeySlice {
            finding: place.unwrap_or_default(),
            slice,
            frame: frames.get(slice).copied().unwrap_or_default(),
            output: spec.output.clone(),
            class: spec.class.clone(),
        }));
    }
    chosen
}

fn worth(manifest: &Manifest, spec: &FindingSpec, exam: &Exam, class: &ClassAnswer) -> Worth {
    let count = exam.geometries().map(|geometry| geometry.slices).sum();
    match &class.verdict {
        Verdict::Score(_) => {
            let threshold = manifest
                .output(&spec.output)
                .map_or(0.0, |output| output.threshold);
            Worth {
                slices: class.slice_scores.iter().map(|score| f64::from(*score)).collect(),
                least: f64::from(spec.score.unwrap_or(threshold)),
            }
        }
        Verdict::Lesions { kept, .. } => {
            let mut slices = vec![0.0; count];
            for lesion in kept.iter().filter(|lesion| lesion.slice < count) {
                slices[lesion.slice] = f64::from(lesion.score).max(slices[lesion.slice]);
            }
            Worth {
                slices,
                least: f64::MIN_POSITIVE,
            }
        }
        Verdict::Masks(masks) => {
            let slices = masks.iter().zip(exam.geometries()).flat_map(|(mask, geometry)| {
                let plane = (geometry.rows * geometry.columns).max(1);
                mask.voxels.chunks_exact(plane).map(|slice| marked(slice) as f64)
            });
            Worth {
                slices: slices.collect(),
                least: 1.0,
            }
        }
    }
}

/// The best slice of each stretch that counts, the best first; the best of all where none counts. `named` comes first, and stands
/// for its stretch.
fn peaks(worth: &Worth, named: Option<usize>, kind: InputKind) -> Vec<usize> {
    let value = |slice: usize| worth.slices[slice];
    let mut stretches: Vec<Vec<usize>> = Vec::new();
    for slice in (0..worth.slices.len()).filter(|slice| value(*slice) >= worth.least) {
        match stretches.last_mut() {
            // Images of a radiograph are no neighbours.
            Some(last) if kind == InputKind::Volume && last.last() == Some(&(slice - 1)) => last.push(slice),
            Some(_) | None => stretches.push(vec![slice]),
        }
    }
    if stretches.is_empty() {
        stretches.push((0..worth.slices.len()).collect());
    }
    stretches.retain(|stretch| named.is_none_or(|named| !stretch.contains(&named)));
    let best = |stretch: &Vec<usize>| {
        stretch
            .iter()
            .copied()
            .max_by(|a, b| value(*a).total_cmp(&value(*b)))
    };
    let mut best: Vec<usize> = stretches.iter().filter_map(best).collect();
    best.sort_by(|a, b| value(*b).total_cmp(&value(*a)));
    named.into_iter().chain(best).take(MAX_KEY_SLICES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(slices: &[f64], least: f64, named: Option<usize>, kind: InputKind) -> Vec<usize> {
        let slices = slices.to_vec();
        peaks(&Worth { slices, least }, named, kind)
    }

    #[test]
    fn one_slice_stands_for_each_stretch_and_the_best_comes_first() {
        let areas = [0.0, 3.0, 9.0, 4.0, 0.0, 2.0, 20.0, 0.0, 1.0, 0.0, 5.0];
        assert_eq!(chosen(&areas, 1.0, None, InputKind::Volume), [6, 2, 10]);
        assert_eq!(chosen(&areas, 1.0, Some(3), InputKind::Volume), [3, 6, 10]);
    }

    #[test]
    fn where_no_slice_counts_alone_the_best_is_shown() {
        assert_eq!(chosen(&[0.2, 0.4, 0.3], 0.5, None, InputKind::Volume), [1]);
        assert!(chosen(&[], 0.5, None, InputKind::Volume).is_empty());
    }

    #[test]
    fn images_are_no_neighbours() {
        assert_eq!(
            chosen(&[0.9, 0.8, 0.7, 0.6], 0.5, None, InputKind::Image),
            [0, 1, 2]
        );
    }
}
