//! Measurements from masks: volumes, diameters, midline shift and place of a hemorrhage. Pure arithmetic on voxels;
//! nothing here guesses: what cannot be determined is left out, with the reason among the limitations.

pub mod components;
pub mod falx;
pub mod head;
pub mod headmap;
pub mod midline;
pub mod shape;
pub mod skull;
#[cfg(test)]
mod testing;
