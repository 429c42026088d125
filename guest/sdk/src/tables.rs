//! Tables that historians have in common, column by column: one schema each, so that a UNION over two historians is a view.
//!
//! What a historian does not have stays NULL.

pub mod elements;
pub mod event_frames;
pub mod points;
