//! Vessels in a head: tubes on a fine grid, laid over the head's own model. The mask marks what an occlusion took away.

use super::super::ct::Body;
use super::super::head::model::Model;
use super::super::shape::{V3, mix, rod};
use super::circle::Vessel;
use super::course::Node;
use super::filling::{Filling, Lumen};

/// Distance of grid points, mm.
const STEP: f32 = 0.6;
/// Place of the first grid point, mm, and numbers of points: the cavity of the largest head and the neck of the arteries.
const FIRST: V3 = [-74.0, -96.0, -85.0];
const SIZE: [usize; 3] = [248, 322, 270];
const PLANE: usize = SIZE[0] * SIZE[1];

/// A grid point: share of vessel in 1/255, its density, and the share of what is missing.
#[derive(Clone, Copy, Default)]
struct Cell {
    share: u8,
    missing: u8,
    hu: i16,
}

/// A head whose vessels are filled.
pub struct FilledHead {
    head: Model,
    cells: Vec<Cell>,
}

impl FilledHead {
    /// Where tubes meet, the one that is given first wins.
    pub fn new(head: Model, vessels: &[Vessel], filling: &Filling) -> Self {
        let mut filled = Self {
            head,
            cells: vec![Cell::default(); SIZE[2] * PLANE],
        };
        for vessel in vessels {
            for pair in vessel.nodes.windows(2) {
                filled.draw((&pair[0], &pair[1]), filling.at(vessel, &pair[0]));
            }
        }
        filled
    }

    fn draw(&mut self, (a, b): (&Node, &Node), lumen: Lumen) {
        let reach = a.radius.max(b.radius) + STEP;
        let bounds = |k: usize| {
            let low = (a.at[k].min(b.at[k]) - reach - FIRST[k]) / STEP;
            let high = (a.at[k].max(b.at[k]) + reach - FIRST[k]) / STEP;
            low.max(0.0) as usize..(high.max(0.0) as usize + 2).min(SIZE[k])
        };
        for z in bounds(2) {
            for y in bounds(1) {
                for x in bounds(0) {
                    let p = [x, y, z];
                    let at = [0, 1, 2].map(|k| FIRST[k] + STEP * p[k] as f32);
                    let out = rod(at, (a.at, a.radius), (b.at, b.radius)) / STEP;
                    let share = ((0.5 - out).clamp(0.0, 1.0) * 255.0) as u8;
                    let cell = &mut self.cells[z * PLANE + y * SIZE[0] + x];
                    if share > cell.share {
                        *cell = Cell {
                            share,
                            missing: if lumen.missing { share } else { 0 },
                            hu: lumen.hu as i16,
                        };
                    }
                }
            }
        }
    }
}

impl Body for FilledHead {
    fn at(&self, p: V3) -> (f32, f32) {
        let (tissue, _) = self.head.at(p);
        let g = [0, 1, 2].map(|k| (p[k] - FIRST[k]) / STEP);
        if (0..3).any(|k| g[k] < 0.0 || g[k] >= (SIZE[k] - 1) as f32) {
            return (tissue, 0.0);
        }
        let base = g[2] as usize * PLANE + g[1] as usize * SIZE[0] + g[0] as usize;
        let f = g.map(f32::fract);
        let (mut share, mut dense, mut missing) = (0.0, 0.0, 0.0);
        for corner in 0..8_usize {
            let (x, y, z) = (corner & 1, corner >> 1 & 1, corner >> 2);
            let cell = self.cells[base + z * PLANE + y * SIZE[0] + x];
            if cell.share > 0 {
                let side = |on: usize, f: f32| if on == 1 { f } else { 1.0 - f };
                let weight = side(x, f[0]) * side(y, f[1]) * side(z, f[2]);
                share += weight * f32::from(cell.share);
                dense += weight * f32::from(cell.share) * f32::from(cell.hu);
                missing += weight * f32::from(cell.missing);
            }
        }
        if share == 0.0 {
            return (tissue, 0.0);
        }
        (mix(tissue, dense / share, share / 255.0), missing)
    }
}
