//! Synthetic studies: images, the mask of what is to be found, and the truth about it, all from a seed alone; the same seed
//! gives the same bytes. For tests, demonstrations and training; never a substitute for images of people.

pub mod chest_xray;
pub mod ct;
pub mod cta_head;
mod dice;
pub mod head;
mod header;
mod identity;
pub mod ischaemia;
mod shape;
mod study;
mod thorax;

pub use ct::{Ct, Kernel, WriteError, dicom_slice, write_dicom, write_dump};
pub use cta_head::{CtaFinding, CtaHeadSpec, cta_head};
pub use head::{HeadCt, HeadCtSpec, HeadFinding, Location, Side, Truth, head_ct};
pub use identity::PhantomIdentity;
pub use ischaemia::{Degree, IschaemiaFinding, IschaemiaSpec, ischaemia};
pub use study::Study;
pub use thorax::{
    ARTERIES, CLOT, CTPA, Ctpa, CtpaSpec, CtpaTruth, Distractor, Distractors, LEFT_VENTRICLE, Level,
    PeFinding, RIGHT_VENTRICLE, ctpa,
};
