//! Randomness of the phantoms: everything is drawn from one seed, in a fixed order. Never asks the system for entropy.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// A seeded source of the draws that a phantom needs.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// An independent stream for each purpose of one seed, so that a new draw in one place changes nothing elsewhere.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.random::<f32>()
    }

    /// Evenly on a logarithmic scale.
    pub fn log_between(&mut self, low: f32, high: f32) -> f32 {
        self.between(low.ln(), high.ln()).exp()
    }

    pub fn normal(&mut self, mean: f32, deviation: f32) -> f32 {
        let z: f32 = self.0.sample(StandardNormal);
        mean + deviation * z.clamp(-3.0, 3.0)
    }

    pub fn chance(&mut self, probability: f32) -> bool {
        self.0.random::<f32>() < probability
    }

    /// −1 or 1.
    pub fn sign(&mut self) -> f32 {
        if self.chance(0.5) { -1.0 } else { 1.0 }
    }

    /// One of a non-empty list.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.0.random_range(0..of.len())]
    }

    /// Fills with approximately normal deviates of mean 0 and deviation 1: sums of four uniform 16-bit numbers, which is
    /// far cheaper than exact ones and cannot be told apart in an image.
    pub fn fill_normal(&mut self, out: &mut [f32]) {
        const SCALE: f32 = 1.0 / 37_837.23; // deviation of the sum: 65536 × √(4/12)
        for value in out {
            let bits: u64 = self.0.random();
            let sum = (bits & 0xffff) + ((bits >> 16) & 0xffff) + ((bits >> 32) & 0xffff) + (bits >> 48);
            *value = (sum as f32 - 131_070.0) * SCALE;
        }
    }
}
