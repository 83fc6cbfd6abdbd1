//! Logs without protected health information, and metrics.
