//! Pixels: decoding, geometry, previews, phantoms. Nothing here keeps state or knows the database. Decoding trusts no
//! header, and is called in the limited child process.

pub mod calliper;
pub mod decode;
mod groups;
pub mod header;
pub mod heat;
pub mod images;
pub mod json;
pub mod marks;
pub mod mask_codec;
pub mod phantom;
pub mod pixels;
pub mod preview;
pub mod series;
