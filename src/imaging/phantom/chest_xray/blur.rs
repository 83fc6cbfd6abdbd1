//! Blurs of a plane by running means: as cheap for a wide blur as for a narrow one.

use super::plane::{Grid, Plane};

/// Three running means, whose result is near a Gaussian of deviation `mm`; borders are repeated.
pub fn blurred(plane: &Plane, mm: f32) -> Plane {
    let sigma = mm / plane.grid.mm;
    if sigma > 8.0 {
        return wide(plane, mm);
    }
    let half = (((4.0 * sigma * sigma + 1.0).sqrt() - 1.0) / 2.0)
        .round()
        .max(1.0) as usize;
    let mut result = plane.clone();
    for _ in 0..3 {
        across(&mut result.values, plane.grid.columns, half);
        down(&mut result.values, plane.grid, half);
    }
    result
}

/// A wide blur leaves nothing that a coarser grid cannot hold.
fn wide(plane: &Plane, mm: f32) -> Plane {
    let step = ((mm / plane.grid.mm / 4.0) as usize).max(2);
    let grid = plane.grid;
    let coarse = Grid {
        rows: grid.rows.div_ceil(step),
        columns: grid.columns.div_ceil(step),
        mm: grid.mm * step as f32,
    };
    let mut small = Plane::zeros(coarse);
    let mut counts = vec![0.0_f32; coarse.len()];
    for (r, row) in plane.values.chunks_exact(grid.columns).enumerate() {
        for (c, v) in row.iter().enumerate() {
            let cell = r / step * coarse.columns + c / step;
            small.values[cell] += v;
            counts[cell] += 1.0;
        }
    }
    small.values.iter_mut().zip(&counts).for_each(|(v, n)| *v /= n);
    let small = blurred(&small, mm);
    let mut result = Plane::zeros(grid);
    for (r, row) in result.values.chunks_exact_mut(grid.columns).enumerate() {
        let (r0, r1, fr) = between(r, step, coarse.rows);
        for (c, v) in row.iter_mut().enumerate() {
            let (c0, c1, fc) = between(c, step, coarse.columns);
            let line = |r: usize| {
                let row = &small.values[r * coarse.columns..];
                row[c0] + (row[c1] - row[c0]) * fc
            };
            *v = line(r0) + (line(r1) - line(r0)) * fr;
        }
    }
    result
}

/// The two coarse cells whose middles enclose a fine pixel, and its place between them.
fn between(fine: usize, step: usize, cells: usize) -> (usize, usize, f32) {
    let at = ((fine as f32 + 0.5) / step as f32 - 0.5).clamp(0.0, (cells - 1) as f32);
    let low = at as usize;
    (low, (low + 1).min(cells - 1), at - low as f32)
}

fn across(values: &mut [f32], columns: usize, half: usize) {
    let scale = 1.0 / (2 * half + 1) as f32;
    let mut source = vec![0.0; columns];
    for row in values.chunks_exact_mut(columns) {
        source.copy_from_slice(row);
        let at = |i: isize| source[i.clamp(0, columns as isize - 1) as usize];
        let half = half as isize;
        let mut sum: f64 = (-half..=half).map(|i| f64::from(at(i))).sum();
        for (c, v) in row.iter_mut().enumerate() {
            *v = sum as f32 * scale;
            let c = c as isize;
            sum += f64::from(at(c + half + 1)) - f64::from(at(c - half));
        }
    }
}

fn down(values: &mut [f32], grid: Grid, half: usize) {
    let scale = 1.0 / (2 * half + 1) as f32;
    let source = values.to_vec();
    let (half, last) = (half as isize, grid.rows as isize - 1);
    let line = |r: isize| {
        let start = r.clamp(0, last) as usize * grid.columns;
        &source[start..start + grid.columns]
    };
    let mut sums = vec![0.0_f64; grid.columns];
    for r in -half..=half {
        sums.iter_mut()
            .zip(line(r))
            .for_each(|(s, v)| *s += f64::from(*v));
    }
    for (r, row) in values.chunks_exact_mut(grid.columns).enumerate() {
        let r = r as isize;
        let (enters, leaves) = (line(r + half + 1), line(r - half));
        for (c, v) in row.iter_mut().enumerate() {
            *v = sums[c] as f32 * scale;
            sums[c] += f64::from(enters[c]) - f64::from(leaves[c]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_keeps_a_constant_and_has_the_width_asked_for() {
        let grid = Grid {
            rows: 128,
            columns: 128,
            mm: 0.5,
        };
        for mm in [1.5, 6.0] {
            let mut plane = Plane::zeros(grid);
            plane.values.fill(3.0);
            assert!(blurred(&plane, mm).values.iter().all(|v| (v - 3.0).abs() < 1e-3));
            plane.values.fill(0.0);
            plane.values[64 * 128 + 64] = 1.0;
            let point = blurred(&plane, mm);
            let moment = |v: (usize, &f32)| ((v.0 % 128) as f32 - 64.0).powi(2) * 0.25 * v.1;
            let width = point.values.iter().enumerate().map(moment).sum::<f32>().sqrt();
            assert!((width / mm - 1.0).abs() < 0.25, "{width} for {mm}");
        }
    }
}
