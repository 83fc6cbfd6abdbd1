//! One job per file.
