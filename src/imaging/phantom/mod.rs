//! Synthetic studies: images, the mask of what is to be found, and the truth about it, all from a seed alone; the same seed
//! gives the same bytes. For tests, demonstrations and training; never a substitute for images of people.

pub mod chest_xray;
pub mod ct;
mod dice;
pub mod head;
mod identity;
mod shape;
mod study;
mod thorax;

pub use ct::{Ct, Kernel, WriteError, dicom_slice, write_dicom, write_dump};
pub use head::{HeadCt, HeadCtSpec, HeadFinding, Location, Side, Truth, head_ct};
pub use identity::PhantomIdentity;
pub use study::Study;
pub use thorax::{CTPA, Ctpa, CtpaSpec, CtpaTruth, Distractor, Distractors, Level, PeFinding, ctpa};
