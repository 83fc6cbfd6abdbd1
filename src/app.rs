//! Wiring: the only place that names every module.
