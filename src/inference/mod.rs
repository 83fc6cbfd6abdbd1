//! Models: their packages, the runtime, the operations around it.
