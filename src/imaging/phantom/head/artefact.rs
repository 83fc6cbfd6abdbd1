//! Artefacts of a head scan: streaks between the petrous bones, rays from metal, the headrest.

use super::super::ct::{Artefacts, Rays, Streaks, Support};
use super::super::dice::Dice;
use super::super::shape::V3;

pub fn draw(dice: &mut Dice, metal: Option<(V3, f32)>) -> Artefacts {
    Artefacts {
        streaks: Some(Streaks {
            at: [0.0, 12.0, -34.0],
            reach: 62.0,
            strength: dice.between(0.0, 16.0),
            phase: dice.between(0.0, 6.3),
        }),
        rays: metal.map(|(at, size)| Rays::draw(dice, at, size)),
        support: dice.chance(0.7).then(|| Support {
            centre: [dice.between(-8.0, 8.0), dice.between(-15.0, 5.0)],
            radius: dice.between(112.0, 122.0),
            hu: dice.between(-500.0, 200.0),
        }),
    }
}
