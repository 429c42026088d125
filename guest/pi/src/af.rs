//! Words of the Asset Framework that several tables share: databases, elements by path, paths as tables hold them.

mod databases;
mod path;
mod root;

pub(crate) use databases::{Database, asset_servers, configured, databases, select};
pub(crate) use path::{depth, parent, readable};
pub(crate) use root::{Root, roots};
