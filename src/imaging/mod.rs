//! Pixels: decoding, geometry, previews, phantoms.
