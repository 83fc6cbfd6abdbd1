//! Rules: CEL conditions in YAML, checked against the fact schema, that raise, page and recommend.
