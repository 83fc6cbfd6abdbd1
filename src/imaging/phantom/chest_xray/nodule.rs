//! A pulmonary nodule: where it lies in its lung, and its shadow. Its place belongs to the patient, so that a later image
//! shows it where it was.

use super::super::dice::Dice;
use super::super::shape::smooth;
use super::finding::{ChestSide, NoduleEdge, NoduleSpec, Zone};
use super::lungs::{LUNG_FIELD, Lungs, NODULE};
use super::plane::{Grid, Plane, V2};

/// Places that are tried before the best of them is taken.
const TRIES: usize = 80;

#[derive(Clone, Copy, Debug)]
pub struct Nodule {
    pub side: ChestSide,
    pub zone: Zone,
    pub edge: NoduleEdge,
    /// In the image, mm.
    pub centre: V2,
    radius: f32,
    density: f32,
    /// Depth and phase of three and five lobes on its border.
    lobes: [[f32; 2]; 2],
}

impl Nodule {
    /// `dice` are the patient's.
    pub fn place(dice: &mut Dice, spec: &NoduleSpec, lungs: &Lungs) -> Self {
        let radius = spec.diameter_mm.clamp(2.0, 120.0) as f32 / 2.0;
        let drawn_side = dice.pick(&ChestSide::BOTH);
        let drawn_zone = dice.pick(&[Zone::Upper, Zone::Middle, Zone::Lower]);
        let (side, zone) = (spec.side.unwrap_or(drawn_side), spec.zone.unwrap_or(drawn_zone));
        let drawn_edge = dice.pick(&[NoduleEdge::Sharp, NoduleEdge::Sharp, NoduleEdge::IllDefined]);
        let density = dice.between(0.75, 1.0);
        let lobes = [dice.between(0.0, 0.05), dice.between(0.0, 0.03)]
            .map(|d| [d, dice.between(0.0, std::f32::consts::TAU)]);
        Self {
            side,
            zone,
            edge: spec.edge.unwrap_or(drawn_edge),
            centre: free_place(dice, lungs, (side, zone), radius),
            radius,
            density: spec.density.map_or(density, |d| d.clamp(0.05, 2.0) as f32),
            lobes,
        }
    }

    /// Radius of the border in a direction; the longest diameter stays near the one asked for.
    fn border(&self, [dx, dy]: V2) -> f32 {
        let angle = dy.atan2(dx);
        let dent = |[depth, phase]: [f32; 2], n: f32| depth * (1.0 + (n * angle + phase).cos());
        self.radius * (1.02 - dent(self.lobes[0], 3.0) - dent(self.lobes[1], 5.0))
    }

    /// Adds its shadow.
    pub fn lay(&self, tissue: &mut Plane) {
        let depth = 1.8 * self.radius * self.density;
        tissue.spot(self.centre, 1.6 * self.radius, |d| {
            let q = d[0].hypot(d[1]) / self.border(d);
            match self.edge {
                NoduleEdge::Sharp => depth * (1.0 - q.powi(4)).max(0.0).powf(0.6),
                NoduleEdge::IllDefined => depth * (1.0 - smooth(0.45, 1.35, q)),
            }
        });
    }

    /// Marks its disc.
    pub fn mark(&self, mask: &mut [u8], grid: Grid) {
        for (i, bits) in mask.iter_mut().enumerate() {
            let at = grid.at(i / grid.columns, i % grid.columns);
            let d = [at[0] - self.centre[0], at[1] - self.centre[1]];
            if d[0].abs() <= self.radius * 1.1
                && d[1].abs() <= self.radius * 1.1
                && d[0].hypot(d[1]) <= self.border(d)
            {
                *bits |= NODULE;
            }
        }
    }
}

/// A place in a zone whose disc lies in the lung field, or else the one that lies there most.
fn free_place(dice: &mut Dice, lungs: &Lungs, (side, zone): (ChestSide, Zone), radius: f32) -> V2 {
    let chest = &lungs.chest[side.index()];
    let shares = match zone {
        Zone::Upper => (0.12, 0.34),
        Zone::Middle => (0.37, 0.62),
        Zone::Lower => (0.66, 0.93),
    };
    let mut best = (0, [0.0; 2]);
    for _ in 0..TRIES {
        let top = lungs.collapsed(side).map_or(0.0, |c| c.top());
        let y = top + (chest.dome - top) * dice.between(shares.0, shares.1);
        let (across, z) = (dice.between(0.25, 0.92), dice.between(-40.0, 40.0));
        let Some([inner, outer]) = lungs.span(side, y) else {
            continue;
        };
        let x = inner + (outer - inner) * across;
        let at = lungs.pose.project([x * chest.sign, y, z]);
        let inside = rim(at, radius + 2.0)
            .filter(|p| lungs.region(*p) == LUNG_FIELD)
            .count();
        if best.0 == 0 || inside > best.0 {
            best = (inside.max(1), at);
        }
        if inside == RIM {
            break;
        }
    }
    best.1
}

const RIM: usize = 13;

/// The middle and twelve points around it.
fn rim(at: V2, radius: f32) -> impl Iterator<Item = V2> {
    (0..RIM).map(move |i| {
        let (sin, cos) = (i as f32 * std::f32::consts::TAU / 12.0).sin_cos();
        let r = if i == RIM - 1 { 0.0 } else { radius };
        [at[0] + r * cos, at[1] + r * sin]
    })
}
