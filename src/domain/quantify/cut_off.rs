//! Lungs that a radiograph does not show whole: a finding may lie in what is missing, and sizes are too small.

use crate::volume::{Geometry, Mask};

/// What lies this near to the border counts as touching it, share of the rows or columns: outlines end a little before it.
const NEAR: f64 = 0.01;
/// Along the border, mm. A design value; whole lungs of 45 phantoms touched none, those of cut ones over 4 mm or more.
const LEAST_MM: f64 = 3.0;
const BORDERS: [&str; 4] = ["upper", "lower", "left", "right"];

/// Why a lung is not seen whole, in words; `None` where it is.
pub fn cut_off(geometry: &Geometry, lung: &Mask) -> Option<String> {
    let touching = touching_mm(geometry, lung);
    let cut = BORDERS.iter().zip(touching).filter(|(_, mm)| *mm >= LEAST_MM);
    let said: Vec<String> = cut
        .map(|(name, mm)| format!("the {name} border over {mm:.0} mm"))
        .collect();
    (!said.is_empty()).then(|| {
        let borders = said.join(" and ");
        format!("the lungs are not shown whole: they reach {borders} of the image")
    })
}

/// How much of each border, in the order of `BORDERS`, lung lies at, mm.
fn touching_mm(geometry: &Geometry, lung: &Mask) -> [f64; 4] {
    let (rows, columns) = (geometry.rows, geometry.columns);
    let near = |length: usize| ((length as f64 * NEAR).round() as usize).max(1);
    let (deep, wide) = (near(rows), near(columns));
    let marked = |row: usize, column: usize| lung.voxels[row * columns + column] != 0;
    let along = |length: usize, spacing: f64, touches: &dyn Fn(usize) -> bool| {
        (0..length).filter(|at| touches(*at)).count() as f64 * spacing
    };
    let [down, across] = geometry.pixel_spacing;
    [
        along(columns, across, &|c| (0..deep).any(|r| marked(r, c))),
        along(columns, across, &|c| (rows - deep..rows).any(|r| marked(r, c))),
        along(rows, down, &|r| (0..wide).any(|c| marked(r, c))),
        along(rows, down, &|r| (columns - wide..columns).any(|c| marked(r, c))),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::testing::geometry;
    use super::*;

    fn said(rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Option<String> {
        let geometry = geometry(1, 200, 100, 1.0, 1.0);
        let mut voxels = vec![0; 200 * 100];
        for row in rows {
            voxels[row * 100..][columns.clone()].fill(1);
        }
        cut_off(&geometry, &Mask { voxels })
    }

    #[test]
    fn lungs_within_the_image_are_whole() {
        assert_eq!(said(20..150, 10..90), None);
        assert_eq!(said(20..200, 10..12), None, "a tip of 2 mm is not told");
    }

    #[test]
    fn a_border_that_is_reached_is_named_with_how_much_of_it() {
        let lower = said(20..199, 10..30).expect("cut off below");
        assert_eq!(
            lower,
            "the lungs are not shown whole: they reach the lower border over 20 mm of the image"
        );
        let both = said(20..200, 0..30).expect("cut off below and at the left");
        assert!(both.contains("the lower border over 30 mm and the left border over 180 mm"));
    }
}
