//! The order of the reading worklist: pure, total and stable.
