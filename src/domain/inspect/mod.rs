//! What the pixels say of themselves, where headers may be silent or wrong: which part of the body they show, contrast, noise,
//! metal, motion, what is cut off. Measured before a model reads, and held against the limits of its manifest. Figures
//! without a source are design values, checked on phantoms and on the public images that the tests use.

mod ct;
mod enhanced;
mod limits;
mod slice;
#[cfg(test)]
mod tests;
mod trunk;
mod xray;

pub use ct::{CtSeen, Shown};
pub use limits::{ContrastLimit, PixelLimits, RadiographLimits};
pub use xray::XraySeen;
