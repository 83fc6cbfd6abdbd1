//! Boxes of a detector: read from its tensors, thinned out, joined over slices and put back on the grid of the series. Pure.
//!
//! On the model's grid 0 is the outer edge of the first pixel; in the series positions are index coordinates, where that edge
//! is −0.5.

use serde::{Deserialize, Serialize};

use super::grid::{Axis, Grid, Weights};
use super::manifest::{BoxFormat, BoxUnit, Boxes, Output};
use super::onnx::Tensor;
use super::scores::activate;

/// Most boxes of one slice that a network may answer with: the anchors of a large detector.
const MAX_CANDIDATES: usize = 200_000;
/// Of one class on one slice, the best that are looked at further.
const MAX_RANKED: usize = 1000;

/// A box on the model's grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    pub class: usize,
    pub score: f32,
    pub slab: usize,
    /// From, to.
    pub rows: [f32; 2],
    pub columns: [f32; 2],
}

/// A lesion that a detector found, on the grid of the series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Located {
    pub score: f32,
    /// Slice or image of the series that shows it best, and the first and last that show it.
    pub slice: usize,
    pub slices: [usize; 2],
    /// Edges as index coordinates.
    pub rows: [f64; 2],
    pub columns: [f64; 2],
}

/// The tensors of one run, and what they are to be.
pub struct Answered<'t> {
    pub output: &'t Output,
    pub boxes: &'t Boxes,
    /// In the order of `Output::tensors`.
    pub tensors: &'t [Tensor],
    /// First slab of the run, and how many.
    pub from: usize,
    pub slabs: usize,
    /// Rows and columns of the grid.
    pub size: [usize; 2],
}

/// Boxes whose score reaches the threshold.
///
/// # Errors
/// What is wrong with the tensors, in words.
pub fn read(answered: &Answered) -> Result<Vec<Candidate>, String> {
    let [places, scores, labels @ ..] = answered.tensors else {
        return Err("the tensors are not complete".into());
    };
    let slabs = answered.slabs;
    let count = match places.shape[..] {
        [n, count, 4] if n == slabs => count,
        [count, 4] if slabs == 1 => count,
        _ => return Err(format!("shape {:?}, expected [{slabs}, boxes, 4]", places.shape)),
    };
    if count > MAX_CANDIDATES {
        return Err(format!(
            "{count} boxes on a slice, at most {MAX_CANDIDATES} are read"
        ));
    }
    let each = match labels {
        [] => answered.output.classes.len(),
        _ => 1,
    };
    expect("scores", scores, slabs * count * each)?;
    if let [labels] = labels {
        expect("labels", labels, slabs * count)?;
    }
    let mut scores = scores.values.clone();
    activate(&mut scores, each, 1, answered.output.activation);
    let mut found = Vec::new();
    for (index, corners) in places.values.chunks_exact(4).enumerate() {
        let slab = answered.from + index / count;
        let Some(edges) = edges(corners, answered) else {
            continue;
        };
        let own = &scores[index * each..(index + 1) * each];
        for (class, score) in own.iter().enumerate() {
            if *score < answered.output.threshold {
                continue;
            }
            let class = match labels {
                [labels] => named(labels.values[index], answered)?,
                _ => Some(class),
            };
            found.extend(class.map(|class| Candidate {
                class,
                score: *score,
                slab,
                rows: edges[0],
                columns: edges[1],
            }));
        }
    }
    Ok(found)
}

fn expect(what: &str, tensor: &Tensor, values: usize) -> Result<(), String> {
    if tensor.values.len() == values {
        return Ok(());
    }
    Err(format!(
        "{what} of shape {:?}, expected {values} values",
        tensor.shape
    ))
}

/// The class of a label; `None` for background.
fn named(label: f32, answered: &Answered) -> Result<Option<usize>, String> {
    let classes = answered.output.classes.len();
    let class = (label as i64).saturating_sub(answered.boxes.first_label);
    match usize::try_from(class) {
        Err(_) => Ok(None),
        Ok(class) if class < classes && label.fract() == 0.0 => Ok(Some(class)),
        Ok(_) => Err(format!("label {label}, expected one of {classes} classes")),
    }
}

/// Rows and columns inside the grid; `None` for a box without area there.
fn edges(corners: &[f32], answered: &Answered) -> Option<[[f32; 2]; 2]> {
    let [a, b, c, d] = *corners else { return None };
    let [columns, rows] = match answered.boxes.format {
        BoxFormat::Xyxy => [[a, c], [b, d]],
        BoxFormat::Cxcywh => [[a - c / 2.0, a + c / 2.0], [b - d / 2.0, b + d / 2.0]],
    };
    let inside = |[from, to]: [f32; 2], side: usize| {
        let scale = match answered.boxes.unit {
            BoxUnit::Pixels => 1.0,
            BoxUnit::Normalised => side as f32,
        };
        let edge = |at: f32| (at * scale).clamp(0.0, side as f32);
        [edge(from), edge(to)]
    };
    let (rows, columns) = (inside(rows, answered.size[0]), inside(columns, answered.size[1]));
    (rows[0] < rows[1] && columns[0] < columns[1]).then_some([rows, columns])
}

/// The lesions of one class among the candidates of one grid, best first; `before` slices of other parts precede it.
pub fn lesions(
    candidates: &[Candidate],
    class: usize,
    how: &Boxes,
    grid: &Grid,
    before: usize,
) -> Vec<Located> {
    let mut own: Vec<Candidate> = candidates.iter().filter(|c| c.class == class).copied().collect();
    own.sort_by(|a, b| b.score.total_cmp(&a.score));
    let slabs: Vec<Vec<Candidate>> = (0..grid.slabs.len())
        .map(|slab| {
            let here = own.iter().filter(|c| c.slab == slab).take(MAX_RANKED).copied();
            suppress(here.collect(), how.iou)
        })
        .collect();
    let groups = match how.join_slices {
        Some(share) => join(&slabs, share),
        None => slabs.concat().into_iter().map(|one| vec![one]).collect(),
    };
    let mut lesions: Vec<Located> = groups
        .iter()
        .filter_map(|group| locate(group, grid, before))
        .collect();
    lesions.sort_by(|a, b| b.score.total_cmp(&a.score));
    lesions
}

/// Greedy suppression: of boxes that share more than `iou` the best stays. `sorted`: best first.
fn suppress(sorted: Vec<Candidate>, iou: Option<f32>) -> Vec<Candidate> {
    let Some(most) = iou else { return sorted };
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in sorted {
        if kept.iter().all(|better| of_union(better, &candidate) <= most) {
            kept.push(candidate);
        }
    }
    kept
}

/// Intersection over union in the plane.
fn of_union(a: &Candidate, b: &Candidate) -> f32 {
    let common = common(a, b);
    common / (area(a) + area(b) - common)
}

/// Intersection over the smaller of the two.
fn of_smaller(a: &Candidate, b: &Candidate) -> f32 {
    common(a, b) / area(a).min(area(b))
}

fn common(a: &Candidate, b: &Candidate) -> f32 {
    let both = |a: [f32; 2], b: [f32; 2]| (a[1].min(b[1]) - a[0].max(b[0])).max(0.0);
    both(a.rows, b.rows) * both(a.columns, b.columns)
}

/// Never 0: such a box is not read.
fn area(one: &Candidate) -> f32 {
    (one.rows[1] - one.rows[0]) * (one.columns[1] - one.columns[0])
}

/// Chains of boxes from slab to slab: each box continues the chain whose last box it lies upon most.
fn join(slabs: &[Vec<Candidate>], least: f32) -> Vec<Vec<Candidate>> {
    let mut ended = Vec::new();
    let mut open: Vec<Vec<Candidate>> = Vec::new();
    for slab in slabs {
        let mut continued: Vec<Vec<Candidate>> = Vec::new();
        for candidate in slab {
            let share = |chain: &Vec<Candidate>| chain.last().map_or(0.0, |last| of_smaller(last, candidate));
            let best = (0..open.len()).max_by(|a, b| share(&open[*a]).total_cmp(&share(&open[*b])));
            let mut chain = match best.filter(|at| share(&open[*at]) >= least) {
                Some(at) => open.swap_remove(at),
                None => Vec::new(),
            };
            chain.push(*candidate);
            continued.push(chain);
        }
        ended.append(&mut open);
        open = continued;
    }
    ended.append(&mut open);
    ended
}

/// The best box of a group stands for it; the slices are those of all.
fn locate(group: &[Candidate], grid: &Grid, before: usize) -> Option<Located> {
    let best = group.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
    let slices = group
        .iter()
        .flat_map(|one| grid.slabs[one.slab].iter().map(|(k, _)| *k));
    let (first, last) = slices.fold((usize::MAX, 0), |(first, last), k| (first.min(k), last.max(k)));
    Some(Located {
        score: best.score,
        slice: before + middle(&grid.slabs[best.slab]),
        slices: [before + first, before + last],
        rows: on_series(grid.rows, best.rows),
        columns: on_series(grid.columns, best.columns),
    })
}

/// The slice in the middle of a slab.
fn middle(weights: &Weights) -> usize {
    let mean = weights
        .iter()
        .map(|(k, weight)| *k as f64 * f64::from(*weight))
        .sum::<f64>();
    mean.round() as usize
}

fn on_series(axis: Axis, edges: [f32; 2]) -> [f64; 2] {
    edges.map(|edge| {
        axis.source_at(f64::from(edge) - 0.5)
            .clamp(-0.5, axis.source as f64 - 0.5)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(slab: usize, score: f32, [left, top, width, height]: [f32; 4]) -> Candidate {
        Candidate {
            class: 0,
            score,
            slab,
            rows: [top, top + height],
            columns: [left, left + width],
        }
    }

    #[test]
    fn chains_go_from_slab_to_slab_and_end_where_one_is_empty() {
        let at = |slab, left| candidate(slab, 0.5, [left, 0.0, 10.0, 10.0]);
        let small = candidate(2, 0.9, [4.0, 4.0, 2.0, 2.0]);
        let slabs = [
            vec![at(0, 0.0), at(0, 40.0)],
            vec![at(1, 1.0), at(1, 20.0)],
            vec![small],
            vec![],
            vec![at(4, 0.0)],
        ];
        let mut chains = join(&slabs, 0.5);
        chains.sort_by_key(|chain| (chain[0].slab, chain[0].columns[0] as i32));
        assert_eq!(
            chains,
            [
                vec![at(0, 0.0), at(1, 1.0), small],
                vec![at(0, 40.0)],
                vec![at(1, 20.0)],
                vec![at(4, 0.0)],
            ]
        );
    }

    proptest! {
        #[test]
        fn kept_boxes_lie_apart_and_each_other_lies_on_a_better_one(
            raw in proptest::collection::vec((0.0f32..1.0, 0.0f32..50.0, 0.0f32..50.0, 1.0f32..20.0, 1.0f32..20.0), 0..40),
            iou in 0.1f32..0.9,
        ) {
            let mut all: Vec<Candidate> = raw.iter().map(|(s, x, y, w, h)| candidate(0, *s, [*x, *y, *w, *h])).collect();
            all.sort_by(|a, b| b.score.total_cmp(&a.score));
            let kept = suppress(all.clone(), Some(iou));
            for (n, one) in kept.iter().enumerate() {
                prop_assert!(kept[..n].iter().all(|better| of_union(better, one) <= iou));
            }
            for gone in all.iter().filter(|one| !kept.contains(one)) {
                prop_assert!(kept.iter().any(|better| better.score >= gone.score && of_union(better, gone) > iou));
            }
        }
    }
}
