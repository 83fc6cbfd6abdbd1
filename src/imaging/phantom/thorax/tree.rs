//! A branching tree that fills a region: a branch runs toward the middle of the points it must reach, then they are divided
//! between two (after Tawhai et al., Annals of Biomedical Engineering 28, 2000). Radii follow Murray's cube law.

use super::grid::Line;
use crate::phantom::dice::Dice;
use crate::phantom::shape::{V3, dot, length, mix, sub, unit};

/// One branch of a tree.
#[derive(Clone, Debug)]
pub struct Branch {
    pub parent: Option<usize>,
    /// Divisions since the stem.
    pub depth: usize,
    pub line: Line,
}

/// Where a tree starts.
pub struct Stem {
    pub at: V3,
    pub towards: V3,
    pub radius: f32,
    pub parent: Option<usize>,
}

/// Smallest radius that is drawn, mm.
const THIN: f32 = 0.42;

/// Grows a tree from a stem to all points; appends its branches to `out`, parents first.
pub fn grow(stem: &Stem, points: &mut [V3], dice: &mut Dice, out: &mut Vec<Branch>) {
    if points.is_empty() {
        return;
    }
    let all = points.len() as f32;
    branch(
        stem,
        0,
        points,
        &|n| stem.radius * (n as f32 / all).cbrt(),
        dice,
        out,
    );
}

fn branch(
    stem: &Stem,
    depth: usize,
    points: &mut [V3],
    radius: &dyn Fn(usize) -> f32,
    dice: &mut Dice,
    out: &mut Vec<Branch>,
) {
    let middle = mean(points);
    let share = if points.len() == 1 {
        1.0
    } else {
        dice.between(0.36, 0.48)
    };
    let end = [0, 1, 2].map(|i| mix(stem.at[i], middle[i], share));
    let r = radius(points.len()).max(THIN);
    if points.len() == 1 && r > THIN * 3.0 {
        return;
    }
    let line = curve(stem.at, stem.towards, end, (stem.radius.min(r * 1.25).max(r), r));
    let towards = unit(sub(end, line[line.len() - 2].0));
    let this = out.len();
    out.push(Branch {
        parent: stem.parent,
        depth,
        line,
    });
    if points.len() == 1 {
        return;
    }
    let cut = divide(points, middle, towards, dice);
    let (one, two) = points.split_at_mut(cut);
    for part in [one, two] {
        if !part.is_empty() {
            let stem = Stem {
                at: end,
                towards,
                radius: r,
                parent: Some(this),
            };
            branch(&stem, depth + 1, part, radius, dice, out);
        }
    }
}

fn mean(points: &[V3]) -> V3 {
    let n = points.len() as f32;
    [0, 1, 2].map(|i| points.iter().map(|p| p[i]).sum::<f32>() / n)
}

/// A bend that leaves along `towards`; from the first radius to the second.
fn curve(from: V3, towards: V3, to: V3, (ra, rb): (f32, f32)) -> Line {
    let far = length(sub(to, from));
    let control = [0, 1, 2].map(|i| from[i] + towards[i] * far * 0.35);
    let steps = ((far / 5.0).ceil() as usize).clamp(2, 8);
    (0..=steps)
        .map(|s| {
            let t = s as f32 / steps as f32;
            let p = [0, 1, 2].map(|i| mix(mix(from[i], control[i], t), mix(control[i], to[i], t), t));
            (p, mix(ra, rb, t.min(0.5) * 2.0))
        })
        .collect()
}

/// Sorts points to both sides of a plane along the branch and across their widest spread; returns where the second side
/// begins.
fn divide(points: &mut [V3], middle: V3, along: V3, dice: &mut Dice) -> usize {
    let tilt = dice.between(-0.35, 0.35);
    let axes = [[1.0, tilt, 0.0], [0.0, 1.0, tilt], [tilt, 0.0, 1.0]].map(|axis| {
        let k = dot(axis, along) * 0.85;
        unit([0, 1, 2].map(|i| axis[i] - along[i] * k))
    });
    let spread = |axis: &V3| -> f32 { points.iter().map(|p| dot(sub(*p, middle), *axis).powi(2)).sum() };
    let widest = axes
        .into_iter()
        .max_by(|a, b| spread(a).total_cmp(&spread(b)))
        .unwrap_or(axes[0]);
    points.sort_unstable_by(|a, b| dot(*a, widest).total_cmp(&dot(*b, widest)));
    let cut = points.partition_point(|p| dot(sub(*p, middle), widest) < 0.0);
    cut.clamp(1, points.len() - 1)
}
