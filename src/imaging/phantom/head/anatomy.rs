//! The head of a phantom: its measures, drawn from the seed, and the skull around the brain. Coordinates are the head's
//! own, in mm from the middle of the skull: x to the left, y to the back, z up. Knows nothing of scanners or of blood.

use super::super::dice::Dice;
use super::super::shape::{Field, V3, ellipsoid, mix, ramp, rod, smooth};
use super::brain::Brain;

/// What lies at a point, before blood is put there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tissue {
    pub hu: f32,
    /// Distance to the inner table; positive inside the skull.
    pub depth: f32,
    pub class: Class,
    /// Share of subarachnoid fluid, 0..1.
    pub cisternal: f32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    #[default]
    Outside,
    Brain,
    Ventricle,
    Subarachnoid,
    Infratentorial,
}

/// How far back the crest of the petrous bone lies, `side` mm from the middle.
pub fn petrous(side: f32) -> f32 {
    2.0 + 0.5 * (side - 16.0).max(0.0)
}

/// Nothing of a head lies further than this outside the inner table, mm.
const MARGIN: f32 = 24.0;

/// Measures of one head.
pub struct Anatomy {
    /// Half width, half length, height above the middle of the cavity.
    pub half: V3,
    egg: f32,
    wall: f32,
    scalp: f32,
    table: f32,
    diploe: f32,
    /// Brightening beside the bone that a scanner's correction leaves, HU.
    cap: f32,
    metal: Option<(V3, f32)>,
    pub brain: Brain,
    form: Field,
    grain: Field,
}

impl Anatomy {
    pub fn draw(dice: &mut Dice, ventricles_at_least: f32) -> Self {
        let size = dice.normal(1.0, 0.04).clamp(0.9, 1.1);
        Self {
            half: [
                size * dice.between(63.0, 72.0),
                size * dice.between(78.0, 90.0),
                size * dice.between(66.0, 78.0),
            ],
            egg: dice.between(0.04, 0.14),
            wall: dice.between(3.8, 8.5),
            scalp: dice.between(3.0, 9.0),
            table: dice.between(1000.0, 1700.0),
            diploe: dice.between(350.0, 900.0),
            cap: dice.between(0.0, 9.0),
            metal: dice.chance(0.12).then(|| {
                let at = [
                    dice.between(-35.0, 35.0),
                    dice.between(-70.0, 40.0),
                    dice.between(-60.0, 30.0),
                ];
                (at, dice.between(0.8, 3.0))
            }),
            brain: Brain::draw(dice, ventricles_at_least),
            form: Field::new(dice),
            grain: Field::new(dice),
        }
    }

    /// Position and radius of a metal part, when there is one.
    pub fn metal(&self) -> Option<(V3, f32)> {
        self.metal
    }

    /// Signed distance to the vault's inner table, without the skull base.
    fn vault(&self, x: V3) -> f32 {
        let z = x[2].max(-12.0);
        let along = (x[1] / self.half[1]).clamp(-1.0, 1.0);
        let wide = self.half[0] * (1.0 + self.egg * along);
        ellipsoid([x[0], x[1], z], [0.0; 3], [wide, self.half[1], self.half[2]])
    }

    /// Height of the skull base under a point: front, middle and posterior fossa, with the petrous ridges between.
    fn floor(&self, x: V3) -> f32 {
        let side = x[0].abs();
        let front = -27.0 + 7.0 * smooth(6.0, 28.0, side) - 0.16 * (x[1] + 30.0) - 1.2 * (side / 5.0).cos();
        let middle = -40.0 + 16.0 * (1.0 - smooth(4.0, 24.0, side));
        let back = -64.0 + 14.0 * smooth(15.0, 55.0, side);
        let past_ridge = x[1] - petrous(side);
        let ridge = 14.0 * (-(past_ridge / 7.0).powi(2)).exp() * smooth(14.0, 26.0, side);
        let behind = smooth(-6.0, 10.0, past_ridge);
        mix(mix(front, middle, smooth(-34.0, -20.0, x[1])), back, behind) + ridge
    }

    /// Distance to the inner table; positive inside the skull.
    pub fn depth(&self, x: V3) -> f32 {
        let bump = 1.5 * self.form.mm(x, 45.0);
        let base = (self.floor(x) - x[2]) * 0.8;
        -self.vault(x).max(base) + bump
    }

    /// Point `mm` under the inner table in a direction from the middle.
    pub fn under_table(&self, towards: V3, mm: f32) -> V3 {
        let at = |r: f32| [towards[0] * r, towards[1] * r, towards[2] * r];
        let (mut inside, mut outside) = (10.0, 120.0);
        for _ in 0..20 {
            let middle = (inside + outside) / 2.0;
            if self.depth(at(middle)) > mm {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        at(inside)
    }

    /// How far in the cavity a point lies: 0 at its middle, 1 at the inner table.
    pub fn radius(&self, x: V3) -> f32 {
        let s = [x[0] / self.half[0], x[1] / self.half[1], x[2] / self.half[2]];
        (s[0] * s[0] + s[1] * s[1] + s[2] * s[2]).sqrt()
    }

    /// The tissue at `x`, where `from` is the place that the brain at `x` has been pushed away from.
    pub fn tissue(&self, x: V3, from: V3) -> Tissue {
        if self.vault(x) > MARGIN {
            return Tissue {
                hu: -1000.0,
                depth: -MARGIN,
                ..Tissue::default()
            };
        }
        let depth = self.depth(x);
        let wall = self.wall * (1.0 + 0.4 * self.form.mm([x[0] + 200.0, x[1], x[2]], 38.0));
        let outside = self.vault(x) - wall;
        if depth < -1.0 && outside > self.scalp + 1.0 {
            return Tissue {
                hu: -1000.0,
                depth,
                ..Tissue::default()
            };
        }
        let mut tissue = if depth > -1.0 {
            self.brain.tissue(from, depth, self.radius(from))
        } else {
            Tissue {
                depth,
                ..Tissue::default()
            }
        };
        tissue.hu += self.cap * (-depth.max(0.0) / 5.0).exp();
        let shell = self.shell(x, depth, outside, wall);
        tissue.hu = mix(tissue.hu, shell, ramp(depth));
        if let Some((at, size)) = self.metal {
            tissue.hu = mix(tissue.hu, 3500.0, ramp(ellipsoid(x, at, [size; 3])));
        }
        tissue
    }

    /// Bone, scalp, skull base and face: all that is not inside the skull.
    fn shell(&self, x: V3, depth: f32, outside: f32, wall: f32) -> f32 {
        let soft = mix(
            48.0,
            -85.0,
            smooth(
                0.1,
                0.5,
                self.grain.mm(x, 11.0) - 0.06 * x[2].min(0.0).abs() * 0.2,
            ),
        );
        let scalp = mix(soft, 45.0, ramp(self.scalp - 1.5 - outside));
        let mut hu = scalp;
        let below = self.floor(x) - x[2];
        if below > 0.0 && outside < 0.0 {
            hu = self.face(x, below, soft);
        }
        let spongy = self.diploe + 250.0 * self.grain.mm(x, 5.0);
        let middle = smooth(0.9, 2.0, (-depth).min(-outside));
        let bone = mix(self.table, spongy, middle * smooth(3.0, 5.0, wall));
        let in_wall = ramp(outside) * smooth(-75.0, -55.0, x[2]);
        hu = mix(
            hu,
            bone,
            in_wall * ramp((-depth) - wall - 1.0).max(ramp(below - 4.0)) * ramp(outside),
        );
        mix(hu, -1000.0, ramp(self.scalp - outside))
    }

    /// Below the skull base: petrous bone, air cells, sinuses, orbits, muscle and fat.
    fn face(&self, x: V3, below: f32, soft: f32) -> f32 {
        let p = [x[0].abs(), x[1], x[2]];
        let mut hu = soft;
        let dense = ramp(rod(p, ([16.0, 2.0, -36.0], 8.0), ([60.0, 26.0, -40.0], 12.0)));
        hu = mix(hu, mix(self.table, 700.0, 0.3), dense);
        hu = mix(
            hu,
            self.table * 0.8,
            ramp(below - 3.0 - 2.0 * self.grain.mm(x, 15.0)),
        );
        let cells = smooth(0.0, 0.25, self.grain.mm(x, 6.0))
            * ramp(ellipsoid(p, [58.0, 32.0, -48.0], [10.0, 16.0, 14.0]));
        hu = mix(hu, -850.0, cells);
        let orbit = ramp(ellipsoid(p, [31.0, -66.0, -38.0], [17.0, 24.0, 16.0]));
        hu = mix(hu, -90.0, orbit);
        hu = mix(hu, 15.0, ramp(ellipsoid(p, [32.0, -76.0, -38.0], [11.5; 3])));
        let sinus = ellipsoid(p, [0.0, -30.0, -40.0], [13.0, 12.0, 9.0])
            .min(ellipsoid(p, [8.0, -60.0, -36.0], [6.0, 18.0, 12.0]))
            .min(ellipsoid(p, [28.0, -55.0, -62.0], [13.0, 14.0, 12.0]));
        mix(hu, -980.0, ramp(sinus))
    }
}
