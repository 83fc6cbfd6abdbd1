//! Configuration: embedded defaults, then the file, then the environment; checked once.
