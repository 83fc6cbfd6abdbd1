//! Whether an order and a study belong together (architecture: decision 1).
