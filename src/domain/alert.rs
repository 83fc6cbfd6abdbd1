//! Alerts: whom to page next, when, and when to stop.
