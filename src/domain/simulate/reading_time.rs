//! How long a reading takes: a mean, and how it is spread around it.

use rand::{Rng, RngExt};
use rand_distr::{Exp1, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scenario::{Unsound, positive};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadingTime {
    /// Mean, minutes.
    pub minutes: f64,
    #[serde(default)]
    pub spread: Spread,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Its deviation is its mean, as queueing theory likes it.
    #[default]
    Exponential,
    /// Of this deviation over the mean; measured reading times are much like it.
    Lognormal(f64),
    /// All the same.
    Fixed,
}

impl ReadingTime {
    pub(super) fn check(&self, place: &str) -> Result<(), Unsound> {
        positive(place, self.minutes)?;
        match self.spread {
            Spread::Lognormal(variation) => positive(place, variation),
            Spread::Exponential | Spread::Fixed => Ok(()),
        }
    }

    pub(super) fn draw(&self, dice: &mut impl Rng) -> f64 {
        match self.spread {
            Spread::Exponential => {
                let unit: f64 = dice.sample(Exp1);
                self.minutes * unit
            }
            Spread::Lognormal(variation) => {
                let variance = (variation * variation).ln_1p();
                let z: f64 = dice.sample(StandardNormal);
                self.minutes * (variance.sqrt() * z - variance / 2.0).exp()
            }
            Spread::Fixed => self.minutes,
        }
    }

    /// Mean of the square, minutes².
    pub(super) fn second_moment(&self) -> f64 {
        let relative = match self.spread {
            Spread::Exponential => 2.0,
            Spread::Lognormal(variation) => 1.0 + variation * variation,
            Spread::Fixed => 1.0,
        };
        relative * self.minutes * self.minutes
    }
}
