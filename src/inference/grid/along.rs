//! Slices of a grid along the normal: slabs that average what lies in them, or planes between two neighbours; and which of
//! them each slice of the series looks at afterwards. Pure.

use super::Weights;
use crate::recipe::SliceStep;

/// A last slab thinner than this share of a slab is not begun.
const SLAB_SLACK: f64 = 0.1;

/// The way there and the way back.
pub struct Along {
    /// Source slices of each slab.
    pub slabs: Vec<Weights>,
    /// Slabs of each source slice.
    pub back: Vec<Weights>,
}

impl Along {
    /// `offsets`: place of each source slice, mm, rising.
    pub fn plan(offsets: &[f64], step: SliceStep) -> Self {
        match step {
            SliceStep::Keep => {
                let same: Vec<Weights> = (0..offsets.len()).map(|k| vec![(k, 1.0)]).collect();
                Self {
                    slabs: same.clone(),
                    back: same,
                }
            }
            SliceStep::Slabs(thickness) => slabs(offsets, thickness),
            SliceStep::Linear(distance) => planes(offsets, distance),
        }
    }
}

/// Boundaries between slices, half way to each neighbour; a single slice is `alone` thick; mm.
fn slice_edges(offsets: &[f64], alone: f64) -> Vec<f64> {
    let n = offsets.len();
    if n == 1 {
        return vec![offsets[0] - alone / 2.0, offsets[0] + alone / 2.0];
    }
    let first = offsets[0] - (offsets[1] - offsets[0]) / 2.0;
    let last = offsets[n - 1] + (offsets[n - 1] - offsets[n - 2]) / 2.0;
    let middle = offsets.windows(2).map(|pair| (pair[1] + pair[0]) / 2.0);
    std::iter::once(first)
        .chain(middle)
        .chain(std::iter::once(last))
        .collect()
}

/// Slabs of `thickness` mm from the first edge, each with the slices that overlap it; a slice looks at the slab that its
/// centre lies in.
fn slabs(offsets: &[f64], thickness: f64) -> Along {
    let edges = slice_edges(offsets, thickness);
    let extent = edges[edges.len() - 1] - edges[0];
    let count = ((extent / thickness - SLAB_SLACK).ceil() as usize).max(1);
    let slab = |j: usize| {
        let start = edges[0] + thickness * j as f64;
        let overlap = |k: usize| ((start + thickness).min(edges[k + 1]) - start.max(edges[k])).max(0.0);
        let parts: Vec<(usize, f64)> = (0..offsets.len())
            .map(|k| (k, overlap(k)))
            .filter(|(_, mm)| *mm > 0.0)
            .collect();
        let total: f64 = parts.iter().map(|(_, mm)| mm).sum();
        parts
            .into_iter()
            .map(|(k, mm)| (k, (mm / total) as f32))
            .collect()
    };
    let of = |offset: &f64| (((offset - edges[0]) / thickness).floor().max(0.0) as usize).min(count - 1);
    Along {
        slabs: (0..count).map(slab).collect(),
        back: offsets.iter().map(|offset| vec![(of(offset), 1.0)]).collect(),
    }
}

/// Planes `distance` mm apart about the middle of the series, each between its two neighbours; beyond the first and the
/// last slice these repeat. A slice looks at the two planes next to it in the same way.
fn planes(offsets: &[f64], distance: f64) -> Along {
    let edges = slice_edges(offsets, distance);
    let (first, last) = (edges[0], edges[edges.len() - 1]);
    let count = (((last - first) / distance).round() as usize).max(1);
    let start = (first + last) / 2.0 - distance * (count as f64 - 1.0) / 2.0;
    let places: Vec<f64> = (0..count).map(|j| start + distance * j as f64).collect();
    Along {
        slabs: places.iter().map(|at| between(*at, offsets)).collect(),
        back: offsets.iter().map(|at| between(*at, &places)).collect(),
    }
}

/// The neighbours of a place among rising places, by distance.
fn between(at: f64, places: &[f64]) -> Weights {
    let above = places.partition_point(|place| *place <= at);
    if above == 0 || above == places.len() {
        return vec![(above.saturating_sub(1), 1.0)];
    }
    let share = ((at - places[above - 1]) / (places[above] - places[above - 1])) as f32;
    if share == 0.0 {
        return vec![(above - 1, 1.0)];
    }
    vec![(above - 1, 1.0 - share), (above, share)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_averaged_by_their_overlap_with_a_slab() {
        // 2 mm slices from -1 to 9 mm; slabs of 5 mm: 0..4 by 2, 2, 1 and 1, 2, 2 mm.
        let along = Along::plan(&[0.0, 2.0, 4.0, 6.0, 8.0], SliceStep::Slabs(5.0));
        assert_eq!(along.slabs[0], [(0, 0.4), (1, 0.4), (2, 0.2)]);
        let of: Vec<usize> = along.back.iter().map(|weights| weights[0].0).collect();
        assert_eq!(of, [0, 0, 1, 1, 1]);
    }

    #[test]
    fn a_last_slab_of_less_than_a_tenth_is_not_begun() {
        for (slices, slabs) in [(1usize, 1usize), (10, 2), (11, 3), (21, 5)] {
            let offsets: Vec<f64> = (0..slices).map(|k| k as f64).collect();
            let along = Along::plan(&offsets, SliceStep::Slabs(5.0));
            assert_eq!(along.slabs.len(), slabs, "{slices} slices of 1 mm");
        }
    }

    #[test]
    fn planes_lie_between_their_neighbours_by_distance_and_repeat_at_the_ends() {
        // Edges -1 and 9 mm, so 4 planes of 2.5 mm from 0.25 mm on; the gap of 4 mm is bridged like any other.
        let along = Along::plan(&[0.0, 2.0, 6.0, 8.0], SliceStep::Linear(2.5));
        assert_eq!(along.slabs[0], [(0, 0.875), (1, 0.125)]);
        assert_eq!(along.slabs[1], [(1, 0.8125), (2, 0.1875)]);
        assert_eq!(along.back[0], [(0, 1.0)], "below the first plane");
        assert_eq!(along.back[1], [(0, 0.3), (1, 0.7)]);
        assert_eq!(
            Along::plan(&[3.0], SliceStep::Linear(2.0)).slabs,
            [vec![(0, 1.0)]]
        );
    }
}
