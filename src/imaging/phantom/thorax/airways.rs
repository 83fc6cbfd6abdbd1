//! Segmental bronchi and the next divisions: they run beside the arteries, toward the middle.

use super::arteries::{Arteries, Artery};
use super::grid::Line;
use super::spec::Level;
use crate::phantom::shape::V3;

/// Divisions beyond the segment whose lumen a scanner still shows.
const DEEPEST: usize = 3;

/// The bronchus beside an artery, as its lumen.
fn beside(artery: &Artery) -> Line {
    artery
        .line
        .iter()
        .map(|(p, r)| {
            let lumen = r * 0.8;
            let off = (r + lumen) * 0.8 + 0.9;
            let out: V3 = [-artery.side * off * 0.8, -off * 0.35, off * 0.45];
            ([p[0] + out[0], p[1] + out[1], p[2] + out[2]], lumen)
        })
        .collect()
}

/// Bronchi of the segments and beyond, each joined to the nearest of the given larger ones.
pub fn segmental(arteries: &Arteries, bronchi: &[Line]) -> Vec<Line> {
    let seen = |a: &&Artery| a.depth <= DEEPEST && matches!(a.level, Level::Segmental | Level::Subsegmental);
    let mut lines = Vec::new();
    for artery in arteries.0.iter().filter(seen) {
        let mut line = beside(artery);
        if artery.level == Level::Segmental {
            let start = line[0].0;
            let far = |p: &V3| (0..3).map(|i| (p[i] - start[i]).powi(2)).sum::<f32>();
            let joint = bronchi
                .iter()
                .flatten()
                .min_by(|a, b| far(&a.0).total_cmp(&far(&b.0)));
            if let Some((p, r)) = joint {
                line.insert(0, (*p, r.min(3.0)));
            }
        }
        lines.push(line);
    }
    lines
}
