//! Measurements from masks: volumes, diameters, midline shift and place of a hemorrhage. Pure arithmetic on voxels;
//! nothing here guesses: what cannot be determined is left out, with the reason among the limitations.

pub mod components;
pub mod shape;
#[cfg(test)]
mod testing;
