//! The options of each simulator and the server they describe.

mod canary;
mod common;
mod pi;
mod plant;

pub(crate) use canary::Canary;
pub(crate) use pi::Pi;
