//! Channels that carry a page to a person.
