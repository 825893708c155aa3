//! When to try a delivery again.
