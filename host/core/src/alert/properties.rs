//! Properties of the lifecycle.
