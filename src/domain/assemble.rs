//! From instances to series and study facts, and whether a series is ready and a study settled.
