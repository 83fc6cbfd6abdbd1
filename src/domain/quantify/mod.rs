//! Measurements from masks.
