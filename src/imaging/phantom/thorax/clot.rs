//! Emboli: where they lodge, how they lie in the lumen and how dense they are. Never outside an artery.

use super::arteries::Arteries;
use super::grid::{Grid, Line};
use super::spec::Level;
use crate::phantom::dice::Dice;
use crate::phantom::shape::{Field, V3, mix, ramp, sub, unit};

/// How a clot lies in its artery.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lodging {
    /// With contrast all around; the share of the lumen's radius.
    Central(f32),
    /// Filling the lumen.
    Occluding,
    /// At the wall in a direction; the share of the lumen's radius.
    Mural(f32, V3),
}

/// One embolus.
#[derive(Clone, Debug)]
pub struct Clot {
    pub level: Level,
    /// −1 right, 1 left, 0 on both sides.
    pub side: f32,
    lodging: Lodging,
    line: Line,
    hu: f32,
}

/// Length of a clot by level, mm (design values).
fn length_mm(level: Level, dice: &mut Dice) -> f32 {
    match level {
        Level::Saddle | Level::Main => dice.between(22.0, 48.0),
        Level::Lobar => dice.between(15.0, 38.0),
        Level::Segmental => dice.between(12.0, 26.0),
        Level::Subsegmental => dice.between(9.0, 17.0),
    }
}

/// Draws the clots of an embolism whose most proximal one is at `level`, and starves what lies behind full occlusions.
pub fn draw_all(level: Level, arteries: &mut Arteries, dice: &mut Dice) -> Vec<Clot> {
    let deeper: &[(Level, [f32; 2])] = match level {
        Level::Saddle => &[(Level::Lobar, [1.0, 4.0]), (Level::Segmental, [0.0, 4.0])],
        Level::Main => &[
            (Level::Main, [0.0, 1.5]),
            (Level::Lobar, [0.0, 3.0]),
            (Level::Segmental, [0.0, 3.0]),
        ],
        Level::Lobar => &[(Level::Lobar, [0.0, 2.5]), (Level::Segmental, [0.0, 3.5])],
        Level::Segmental => &[(Level::Segmental, [0.0, 2.8]), (Level::Subsegmental, [0.0, 2.5])],
        Level::Subsegmental => &[(Level::Subsegmental, [0.0, 1.8])],
    };
    let mut clots: Vec<Clot> = draw(level, arteries, dice, &[]).into_iter().collect();
    for (level, [least, most]) in deeper {
        for _ in 0..dice.between(*least, *most).round() as usize {
            let next = draw(*level, arteries, dice, &clots);
            clots.extend(next);
        }
    }
    clots
}

/// One clot at a level, in an artery that holds none yet.
fn draw(level: Level, arteries: &mut Arteries, dice: &mut Dice, others: &[Clot]) -> Option<Clot> {
    let (line, start) = match level {
        Level::Saddle => (saddle(arteries, dice), 0),
        Level::Main | Level::Lobar | Level::Segmental | Level::Subsegmental => {
            let start = artery(level, arteries, dice, others)?;
            let from = dice.between(0.0, 0.5) * if level == Level::Main { 24.0 } else { 8.0 };
            (arteries.course(start, from, length_mm(level, dice)), start)
        }
    };
    if line.len() < 4 {
        return None;
    }
    let lodging = lodge(level, &line, dice);
    if lodging == Lodging::Occluding {
        arteries.starve(start, dice.between(0.45, 0.95));
    }
    Some(Clot {
        level,
        side: arteries.0[start].side,
        lodging,
        line,
        hu: dice.between(38.0, 72.0),
    })
}

/// An artery of a level that is wide enough to be seen and apart from other clots.
fn artery(level: Level, arteries: &Arteries, dice: &mut Dice, others: &[Clot]) -> Option<usize> {
    let free = |line: &Line| {
        let near = |p: V3| {
            others
                .iter()
                .flat_map(|c| &c.line)
                .any(|(o, _)| (0..3).all(|i| (o[i] - p[i]).abs() < 9.0))
        };
        !line.iter().any(|(p, _)| near(*p))
    };
    let candidates: Vec<usize> = (1..arteries.0.len())
        .filter(|i| {
            let a = &arteries.0[*i];
            a.level == level && a.depth <= 2 && a.line.iter().all(|(_, r)| *r >= 1.25) && free(&a.line)
        })
        .collect();
    (!candidates.is_empty()).then(|| dice.pick(&candidates))
}

/// Over the bifurcation from one main artery into the other.
fn saddle(arteries: &Arteries, dice: &mut Dice) -> Line {
    let mut line = arteries.course(1, 3.0, dice.between(18.0, 42.0));
    line.reverse();
    line.extend(arteries.course(2, 4.0, dice.between(16.0, 40.0)));
    line
}

fn lodge(level: Level, line: &Line, dice: &mut Dice) -> Lodging {
    let thin = line.iter().any(|(_, r)| *r < 2.2);
    let kind = dice.between(0.0, 1.0);
    let (central, occluding) = match level {
        Level::Saddle => (1.0, 0.0),
        Level::Main => (0.65, 0.1),
        Level::Lobar => (0.5, 0.3),
        Level::Segmental => (0.3, 0.6),
        Level::Subsegmental => (0.1, 0.85),
    };
    let towards = unit([
        dice.normal(0.0, 1.0),
        dice.normal(0.0, 1.0),
        dice.normal(0.0, 1.0),
    ]);
    match (kind, level) {
        (k, Level::Saddle) if k >= 0.0 => Lodging::Central(dice.between(0.34, 0.6)),
        (k, _) if k < central && !thin => Lodging::Central(dice.between(0.5, 0.75)),
        (k, _) if k < central + occluding || thin => Lodging::Occluding,
        _ => Lodging::Mural(dice.between(0.5, 0.75), towards),
    }
}

impl Clot {
    /// The centre line and radius of the clot itself, thinner at its ends.
    pub fn body(&self) -> Line {
        let last = (self.line.len() - 1) as f32;
        let tangent = unit(sub(self.line[self.line.len() - 1].0, self.line[0].0));
        self.line
            .iter()
            .enumerate()
            .map(|(i, (p, r))| {
                let end = (i as f32).min(last - i as f32);
                let taper = mix(0.55, 1.0, (end / 4.0).min(1.0));
                match self.lodging {
                    Lodging::Central(share) => (*p, r * share * taper),
                    Lodging::Occluding => (*p, (r + 0.8) * taper),
                    Lodging::Mural(share, towards) => {
                        let k = (0..3).map(|i| towards[i] * tangent[i]).sum::<f32>();
                        let out = unit([0, 1, 2].map(|i| towards[i] - tangent[i] * k));
                        let off = r * (1.15 - share);
                        ([0, 1, 2].map(|i| p[i] + out[i] * off), r * share * taper)
                    }
                }
            })
            .collect()
    }

    /// Lays the clot into the lumen.
    pub fn paint(&self, grid: &mut Grid, grain: &Field) {
        grid.along(&self.body(), 1.5, |p, d, mut cell| {
            let wavy = d + 0.5 * grain.mm(p, 4.0) * f32::from(self.lodging != Lodging::Occluding);
            let share = ramp(wavy) * f32::from(*cell.artery) / 255.0;
            let before = f32::from(*cell.clot) / 255.0;
            if share > before {
                cell.lay(
                    self.hu + 5.0 * grain.mm(p, 6.0),
                    (share - before) / (1.0 - before),
                );
                *cell.clot = (share * 255.0) as u8;
            }
        });
    }
}
