//! Measured lengths as they are drawn on a slice: a line with a tick at each end, thick enough to be seen in a large picture. Pure.

use super::preview::{RgbImage, THIN_UP_TO};

/// Apart from the outline of what was marked.
pub(super) const MEASURED: [u8; 3] = [255, 200, 0];
/// Half length of a tick, of the columns of the picture.
const TICK: f64 = 0.012;

/// Column and row of both ends, as index coordinates: 0 is the middle of the first pixel.
pub type Ends = [[f64; 2]; 2];

/// Draws the lengths over a picture; what lies outside of it is not drawn.
pub fn draw(image: &mut RgbImage, lines: &[Ends]) {
    for at in pixels(lines, image.rows, image.columns) {
        image.data[at * 3..at * 3 + 3].copy_from_slice(&MEASURED);
    }
}

/// Places of the pixels that the lengths cover, `row * columns + column`.
pub(super) fn pixels(lines: &[Ends], rows: usize, columns: usize) -> Vec<usize> {
    let strokes = lines.iter().flat_map(|ends| strokes(*ends, columns));
    let thick = columns.div_ceil(THIN_UP_TO) as i64;
    let brush = move |[column, row]: [i64; 2]| {
        let beside = (0..thick).flat_map(move |x| (0..thick).map(move |y| [column + x, row + y]));
        beside.filter_map(move |[x, y]| {
            let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
            (x < columns && y < rows).then(|| y * columns + x)
        })
    };
    // Twice the longer side is more than anybody draws; not a number of steps to be had from outside.
    let most = 2 * rows.max(columns);
    strokes
        .flat_map(|stroke| steps(stroke, most))
        .flat_map(brush)
        .collect()
}

/// The line itself and its two ticks.
fn strokes([from, to]: Ends, columns: usize) -> [Ends; 3] {
    let [x, y] = [to[0] - from[0], to[1] - from[1]];
    let half = TICK * columns as f64 / x.hypot(y).max(f64::EPSILON);
    let tick = |[column, row]: [f64; 2]| {
        [
            [column - y * half, row + x * half],
            [column + y * half, row - x * half],
        ]
    };
    [[from, to], tick(from), tick(to)]
}

fn steps([from, to]: Ends, most: usize) -> impl Iterator<Item = [i64; 2]> {
    let span = [to[0] - from[0], to[1] - from[1]];
    let steps = span[0].abs().max(span[1].abs()).ceil().clamp(1.0, most as f64);
    (0..=steps as usize).map(move |step| {
        let share = step as f64 / steps;
        [0, 1].map(|axis: usize| (from[axis] + span[axis] * share).round() as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(lines: &[Ends], rows: usize, columns: usize) -> Vec<[usize; 2]> {
        let mut image = RgbImage {
            rows,
            columns,
            data: vec![0; rows * columns * 3],
        };
        draw(&mut image, lines);
        let ink = |at: &usize| image.data[at * 3..at * 3 + 3] == MEASURED;
        (0..rows * columns)
            .filter(ink)
            .map(|at| [at % columns, at / columns])
            .collect()
    }

    #[test]
    fn a_line_joins_its_ends_without_a_gap() {
        let at = drawn(&[[[1.0, 1.0], [7.0, 4.0]]], 6, 9);
        assert!(at.contains(&[1, 1]) && at.contains(&[7, 4]));
        assert!((1..=7).all(|column| at.iter().any(|[x, _]| *x == column)));
        assert!(at.iter().all(|[x, y]| (1..=7).contains(x) && (1..=4).contains(y)));
    }

    #[test]
    fn its_ends_have_ticks_across_it() {
        let at = drawn(&[[[100.0, 50.0], [300.0, 50.0]]], 100, 500);
        for end in [100, 300] {
            assert!(
                (44..=56).all(|row| at.contains(&[end, row])),
                "6 pixels to each side"
            );
        }
        assert!(!at.contains(&[200, 51]), "and its middle has none");
    }

    #[test]
    fn what_lies_outside_or_is_no_number_is_not_drawn() {
        assert_eq!(
            drawn(&[[[-50.0, -50.0], [-9.0, -9.0]]], 6, 8),
            Vec::<[usize; 2]>::new()
        );
        assert_eq!(drawn(&[[[2.0, -5.0], [2.0, 9.0]]], 3, 8).len(), 3);
        drawn(&[[[f64::NAN, 0.0], [1.0, f64::INFINITY]]], 6, 8);
        drawn(&[[[-1e300, 0.0], [1e300, 1.0]]], 6, 8);
    }

    #[test]
    fn a_large_picture_has_thicker_lines() {
        let at = drawn(&[[[100.0, 50.0], [300.0, 50.0]]], 100, 800);
        assert!(at.contains(&[200, 50]) && at.contains(&[200, 51]) && !at.contains(&[200, 52]));
    }
}
