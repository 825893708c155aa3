//! The alert lifecycle.
