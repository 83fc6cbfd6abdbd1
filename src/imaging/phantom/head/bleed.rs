//! Blood: where each type of bleed spreads, as a ranking of places. The bleed takes the first places until it has the
//! volume asked for, so every type reaches its volume the same way. Draws nothing of the head itself.

use super::super::dice::Dice;
use super::super::shape::{Field, V3, dot, length, sub, unit};
use super::anatomy::{Anatomy, Class};
use super::spec::HeadFinding;
use super::truth::Location;

/// Blood beside bone begins this deep, mm: nearer, a voxel is bone by half.
const ON_BONE: f32 = 0.5;

/// One bleed: its shape, density and what is around it.
pub struct Bleed {
    pub finding: HeadFinding,
    pub location: Location,
    pub volume_ml: f32,
    /// Middle of the bleed or of its base on the skull.
    pub centre: V3,
    shape: Shape,
    pub hu: f32,
    pub unevenness: f32,
    /// Width of the oedema around it, mm.
    pub rim: f32,
    warp: f32,
    field: Field,
}

enum Shape {
    /// Around a point, stretched.
    Ball { axes: V3 },
    /// Over the convexity of one side, out to `extent` radians from its middle.
    Crescent { towards: V3, side: f32, extent: f32 },
    /// Along one face of the falx.
    Falx { side: f32 },
    /// Against the bone, `flat` times as wide as deep.
    Lens { inward: V3, flat: f32 },
    /// In the fluid around the brain, nearest first.
    Fluid,
    /// In the ventricles, lowest first while the patient lies on the back.
    Layer,
    /// Filling a ventricle from one place.
    Cast,
}

/// What a bleed needs to know of a place.
pub struct Place {
    pub at: V3,
    pub depth: f32,
    pub class: Class,
}

impl Bleed {
    /// Nothing to draw for `None`; `Any` is resolved before.
    pub fn draw(dice: &mut Dice, anatomy: &Anatomy, finding: HeadFinding, volume_ml: f32) -> Option<Self> {
        let side = dice.sign();
        let (location, centre, shape) = match finding {
            HeadFinding::Intraparenchymal => within_brain(dice, anatomy, side, volume_ml),
            HeadFinding::Subdural => subdural(dice, anatomy, side, volume_ml),
            HeadFinding::Epidural => epidural(dice, anatomy, side),
            HeadFinding::Subarachnoid => subarachnoid(dice, side),
            HeadFinding::Intraventricular => intraventricular(dice, side),
            HeadFinding::None | HeadFinding::Any => return None,
        };
        let parenchymal = finding == HeadFinding::Intraparenchymal;
        Some(Self {
            finding,
            location,
            volume_ml,
            centre,
            hu: dice.between(56.0, 80.0),
            unevenness: dice.between(0.5, 5.0),
            rim: if parenchymal && dice.chance(0.7) {
                dice.between(1.0, 8.0)
            } else {
                0.0
            },
            warp: dice.between(0.05, 0.35),
            field: Field::new(dice),
            shape,
        })
    }

    /// Rank of a place (smaller fills first) and how many mm one unit of rank is; nothing where this blood cannot be.
    pub fn rank(&self, place: &Place, anatomy: &Anatomy) -> Option<(f32, f32)> {
        let x = place.at;
        match &self.shape {
            Shape::Ball { axes } => {
                let brain = matches!(
                    place.class,
                    Class::Brain | Class::Infratentorial | Class::Subarachnoid
                );
                if place.depth < 2.0
                    || !brain
                    || (x[0] * self.centre[0] < 0.0 && x[0].abs() > 4.0 && self.centre[0].abs() > 8.0)
                {
                    return None;
                }
                let d = sub(x, self.centre);
                let r = length([d[0] / axes[0], d[1] / axes[1], d[2] / axes[2]]);
                Some((r * (1.0 + self.warp * self.field.mm(x, 13.0)), 1.0))
            }
            Shape::Crescent {
                towards,
                side,
                extent,
            } => {
                let angle = dot(unit(x), *towards).clamp(-1.0, 1.0).acos() / extent;
                if x[0] * side < 1.5 || angle >= 1.0 || place.depth < ON_BONE {
                    return None;
                }
                let profile = (1.0 - angle * angle).sqrt() * (1.0 + 0.8 * self.warp * self.field.mm(x, 35.0));
                Some(((place.depth - ON_BONE) / profile.max(0.05), profile.max(0.05)))
            }
            Shape::Falx { side } => {
                let callosum = length([0.0, (x[1] - 2.0) / 46.0, x[2] / 34.0]);
                let off = x[0] * side - 1.0;
                if off < 0.0 || callosum < 1.0 || place.depth < 0.0 || x[2] < -10.0 {
                    return None;
                }
                let along =
                    ((x[1] - self.centre[1]) / 55.0).powi(2) + ((x[2] - self.centre[2]) / 45.0).powi(2);
                let profile = (-along).exp() * (1.0 + self.warp * self.field.mm(x, 25.0));
                Some((off / profile.max(0.08), profile.max(0.08)))
            }
            Shape::Lens { inward, flat } => {
                if place.depth < ON_BONE {
                    return None;
                }
                let d = sub(x, self.centre);
                let along = dot(d, *inward);
                let wide = (dot(d, d) - along * along).max(0.0) / (flat * flat);
                let r = (place.depth * place.depth + wide).sqrt();
                let same_side = along < 60.0 && length(d) < 90.0;
                same_side.then_some((r * (1.0 + 0.3 * self.warp * self.field.mm(x, 20.0)), 1.0))
            }
            Shape::Fluid => (place.class == Class::Subarachnoid && place.depth > 0.3).then(|| {
                let spread = 1.0 + self.warp * self.field.mm(x, 18.0);
                (length(sub(x, self.centre)) * spread, 2.0)
            }),
            Shape::Layer => (place.class == Class::Ventricle && x[2] > -22.0 && x[1] > -45.0)
                .then(|| (-x[1] + 1.5 * self.field.mm(x, 12.0), 1.0)),
            Shape::Cast => (place.class == Class::Ventricle && x[2] > anatomy.half[2] * -0.7).then(|| {
                (
                    length(sub(x, self.centre)) * (1.0 + self.warp * self.field.mm(x, 12.0)),
                    1.0,
                )
            }),
        }
    }

    /// Whether the blood mixes with fluid that only partly fills a voxel.
    pub fn in_fluid(&self) -> bool {
        matches!(self.shape, Shape::Fluid)
    }

    /// Density of the blood at a place, HU.
    pub fn density(&self, x: V3) -> f32 {
        self.hu + self.unevenness * self.field.mm([x[0] + 64.0, x[1], x[2]], 7.0)
    }
}

fn within_brain(dice: &mut Dice, anatomy: &Anatomy, side: f32, volume_ml: f32) -> (Location, V3, Shape) {
    let axes = [
        dice.between(0.75, 1.1),
        dice.between(0.9, 1.5),
        dice.between(0.75, 1.2),
    ];
    let kind = dice.between(0.0, 1.0);
    let (location, centre) = if kind < 0.45 {
        let at = [
            side * dice.between(15.0, 28.0),
            dice.between(-20.0, 16.0),
            dice.between(-2.0, 14.0),
        ];
        (Location::Deep, at)
    } else if kind < 0.82 || volume_ml > 30.0 {
        let towards = unit([
            side * dice.between(0.3, 1.0),
            dice.normal(0.0, 0.7),
            dice.between(0.0, 0.9),
        ]);
        let table = anatomy.under_table(towards, 0.0);
        let inward = dice.between(14.0, 26.0) + volume_ml.cbrt() * 2.0;
        (
            Location::Lobar,
            sub(
                table,
                [towards[0] * inward, towards[1] * inward, towards[2] * inward],
            ),
        )
    } else if dice.chance(0.7) {
        let at = [
            side * dice.between(14.0, 28.0),
            dice.between(38.0, 52.0),
            dice.between(-44.0, -32.0),
        ];
        (Location::Infratentorial, at)
    } else {
        (
            Location::Infratentorial,
            [
                dice.between(-4.0, 4.0),
                dice.between(4.0, 14.0),
                dice.between(-38.0, -24.0),
            ],
        )
    };
    (location, centre, Shape::Ball { axes })
}

fn subdural(dice: &mut Dice, anatomy: &Anatomy, side: f32, volume_ml: f32) -> (Location, V3, Shape) {
    if dice.chance(0.15) {
        let centre = [side * 3.0, dice.between(-30.0, 50.0), dice.between(35.0, 50.0)];
        return (Location::ExtraAxial, centre, Shape::Falx { side });
    }
    let towards = unit([side, dice.normal(0.0, 0.5), dice.between(0.05, 0.8)]);
    let extent = dice.between(0.65, 1.0) * (volume_ml / 60.0).powf(0.25).clamp(0.4, 1.1);
    let shape = Shape::Crescent {
        towards,
        side,
        extent,
    };
    (Location::ExtraAxial, anatomy.under_table(towards, 0.0), shape)
}

fn epidural(dice: &mut Dice, anatomy: &Anatomy, side: f32) -> (Location, V3, Shape) {
    let towards = unit([side, dice.normal(0.0, 0.6), dice.between(-0.15, 0.7)]);
    let inward = [-towards[0], -towards[1], -towards[2]];
    let shape = Shape::Lens {
        inward,
        flat: dice.between(1.5, 2.6),
    };
    (Location::ExtraAxial, anatomy.under_table(towards, 0.0), shape)
}

fn subarachnoid(dice: &mut Dice, side: f32) -> (Location, V3, Shape) {
    let centre = dice.pick(&[
        [0.0, -10.0, -19.0],
        [side * 30.0, -12.0, -8.0],
        [side * 45.0, -10.0, 0.0],
        [side * 45.0, 10.0, 45.0],
        [side * 8.0, -40.0, 0.0],
    ]);
    (Location::ExtraAxial, centre, Shape::Fluid)
}

fn intraventricular(dice: &mut Dice, side: f32) -> (Location, V3, Shape) {
    if dice.chance(0.5) {
        return (Location::Intraventricular, [0.0, 40.0, 8.0], Shape::Layer);
    }
    let centre = dice.pick(&[
        [side * 9.0, -30.0, 6.0],
        [side * 24.0, 34.0, 11.0],
        [side * 13.0, -2.0, 19.0],
    ]);
    (Location::Intraventricular, centre, Shape::Cast)
}
