//! Slots: when a group is evaluated.
