//! Decides, per model, whether it runs on a study and which series it reads, with the reason.
