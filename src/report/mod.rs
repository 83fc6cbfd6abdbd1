//! Outputs rendered from one result record.
